//! Who is let in to the endpoint: what the directory says of a peer, by its address, the certificate of its connection, and its name.

use std::borrow::Cow;
use std::sync::Arc;

use sip::auth::{Algorithm, Algorithms};
use sip::endpoint::{Admission, Gate};
use sip::header::Uri;
use sip::message::Request;
use sip::transport::Flow;

use super::directory::{Dialled, Directory, Peer};

/// Tells whether the peer of a flow has shown a certificate for a name that one of our authorities vouches for.
pub(super) type IsNamed = dyn Fn(Flow, &str) -> bool + Send + Sync;

/// A directory at the door.
pub struct Door {
    /// Who is known.
    pub directory: Arc<Directory>,
    /// What is known of connections.
    pub is_named: Box<IsNamed>,
}

impl Gate for Door {
    fn admit(&self, flow: Flow, request: &Request) -> Admission {
        let is_named = |name: &str| (self.is_named)(flow, name);
        let peer = Peer { address: flow.remote.ip(), is_named: &is_named, login: None };
        let user = |uri: Option<Uri>| uri.and_then(|uri| uri.decoded_user().map(Cow::into_owned)).unwrap_or_default();
        let (called, to) = (user(request.uri().ok()), user(request.headers().to().and_then(|to| to.uri().ok())));
        match self.directory.admit(peer) {
            Admission::Welcome if self.directory.must_prove(peer, Dialled { request: &called, to: &to }) => Admission::Challenge,
            admission => admission,
        }
    }

    fn algorithms(&self, flow: Flow) -> Algorithms {
        let is_named = |name: &str| (self.is_named)(flow, name);
        self.directory.algorithms(Peer { address: flow.remote.ip(), is_named: &is_named, login: None })
    }

    fn password(&self, name: &str, algorithm: Algorithm) -> Option<Box<str>> {
        self.directory.password(name, algorithm).map(|password| password.expose().as_str().into())
    }

    fn may_register(&self, name: &str) -> bool {
        self.directory.may_register(name)
    }
}
