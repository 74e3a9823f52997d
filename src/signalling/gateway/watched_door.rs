//! The door, and the books of who fails at it: whoever answers a nonce is known, and whoever answers with the wrong password again and again is
//! not heard for a while.

use std::time::Instant;

use sip::auth::{Algorithm, Algorithms};
use sip::endpoint::{Admission, Gate};
use sip::message::Request;
use sip::transport::Flow;

use crate::signalling::transport::FloodGuard;
use crate::signalling::trunks::Door;
use crate::telemetry::MaskedAddr;

/// A door that keeps books.
pub(super) struct WatchedDoor {
    pub(super) door: Door,
    pub(super) flood: FloodGuard,
}

impl Gate for WatchedDoor {
    fn admit(&self, flow: Flow, request: &Request) -> Admission {
        self.door.admit(flow, request)
    }

    fn algorithms(&self, flow: Flow) -> Algorithms {
        self.door.algorithms(flow)
    }

    fn password(&self, name: &str, algorithm: Algorithm) -> Option<Box<str>> {
        self.door.password(name, algorithm)
    }

    fn may_register(&self, name: &str) -> bool {
        self.door.may_register(name)
    }

    fn proven(&self, _: Instant, flow: Flow) {
        self.flood.vouch(flow.remote.ip());
    }

    fn wrong(&self, now: Instant, flow: Flow) {
        if self.flood.failed(now, flow.remote.ip()) {
            tracing::warn!(peer = %MaskedAddr::from(flow.remote), "sip_address_banned");
        }
    }
}
