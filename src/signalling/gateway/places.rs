//! What calls use of their trunks and tenants, given back when they are over or leave a line.

use std::sync::Arc;
use std::time::Instant;

use super::{Gateway, SipCall};
use crate::domain::ids::OrgId;
use crate::signalling::toll::today;
use crate::signalling::trunks::{Directory, Refused, Trunk, TrunkName};

impl Gateway {
    /// A place for a call in: its tenant's, and its trunk's.
    pub(super) fn take_places(
        &mut self,
        now: Instant,
        directory: &Directory,
        org: &OrgId,
        trunk: Option<&Arc<Trunk>>,
    ) -> Result<(), Refused> {
        let policy = directory.tenant(org);
        self.desk.callers.take(now, org, policy.max_calls_in, policy.max_calls_in_per_second)?;
        let taken = trunk.map_or(Ok(()), |trunk| self.take_place(now, trunk));
        taken.inspect_err(|_| self.desk.callers.release(org))
    }

    /// A call in has not come about.
    pub(super) fn leave_places(&mut self, org: &OrgId, trunk: Option<&TrunkName>) {
        self.desk.callers.release(org);
        if let Some(trunk) = trunk {
            self.desk.limits.release(trunk);
        }
    }

    pub(super) fn take_place(&mut self, now: Instant, trunk: &Trunk) -> Result<(), Refused> {
        self.desk.limits.take(now, &trunk.name, trunk.config.max_calls, trunk.config.max_calls_per_second)
    }

    /// A call is over.
    pub(super) fn leave(&mut self, now: Instant, call: &SipCall) {
        self.release(now, call);
        if call.came_in {
            self.desk.callers.release(&call.org);
        }
    }

    /// A call has left its line: what it used of that is free again.
    pub(super) fn release(&mut self, now: Instant, call: &SipCall) {
        if let Some(trunk) = &call.trunk {
            self.desk.limits.release(trunk);
        }
        if let Some(token) = call.placed.as_ref().and_then(|placed| placed.token) {
            self.desk.meter.end(now, today(), token);
            self.send_charges();
        }
    }
}
