//! Sending the far end of a call elsewhere, by REFER (RFC 3515) and, to the far end of another call, with Replaces
//! (RFC 5589 §7).
//!
//! A target is read and held against what the organisation may call exactly as that of a call of ours: a number that may
//! not be dialled is no number to send anybody to. What a far end's call to it costs is its own; minutes are not counted.

use std::time::Instant;

use sip::endpoint::{Endpoint, InviteId, OutgoingRefer};
use sip::header::Uri;
use sip::transport::Flow;

use super::{Gateway, SipCall};
use crate::call::event::{SignallingEvent, SignallingKey};
use crate::call::registry::StartError;
use crate::call::transfer::{TransferNews, TransferOrder, TransferRefusal, TransferTarget};
use crate::domain::ids::CallId;
use crate::domain::transfer::TransferOutcome;
use crate::signalling::dialling::Number;
use crate::signalling::locate::LocateError;
use crate::signalling::outbound::Destination;
use crate::signalling::trunks::{bracketed, request_uri};

impl Gateway {
    /// Asks the far end of a call to go elsewhere, and tells whoever ordered it whether it was asked; `servers` are those
    /// of a SIP URI.
    pub fn transfer(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        key: SignallingKey,
        order: &TransferOrder,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) {
        let Some(&id) = self.names.get(&key) else { return order.answer(Err(TransferRefusal::NotUp)) };
        let asked = match &order.target {
            TransferTarget::Blind(target) => self.send_to(now, endpoint, id, target.expose(), servers),
            TransferTarget::Attended(other) => self.join(now, endpoint, id, other),
        };
        order.answer(asked);
        if let Err(refusal) = asked {
            tracing::info!(%refusal, "call_not_transferred");
            let news = TransferNews::Ended(TransferOutcome::NotAllowed);
            self.tell(now, endpoint, id, SignallingEvent::Transfer(news));
        }
    }

    fn send_to(
        &self,
        now: Instant,
        endpoint: &mut Endpoint,
        id: InviteId,
        target: &str,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) -> Result<(), TransferRefusal> {
        let call = self.calls.get(&id).ok_or(TransferRefusal::NotUp)?;
        let directory = self.desk.directory();
        let destination = Destination::read(target, directory, &call.org, servers).map_err(|refusal| match refusal.start_error() {
            StartError::InvalidTarget | StartError::UnknownAgent => TransferRefusal::Target,
            StartError::Unresolved => TransferRefusal::Unresolved,
            StartError::NotAllowed => TransferRefusal::NotAllowed,
            StartError::PatientBusy | StartError::Capacity | StartError::Unavailable => TransferRefusal::Unavailable,
        })?;
        let target = match destination {
            Destination::Direct { uri, .. } => uri,
            Destination::Number { number, .. } => self.as_dialled_by(now, endpoint, call, &number).ok_or(TransferRefusal::Target)?,
        };
        endpoint.refer(now, id, &refer(call, target));
        Ok(())
    }

    /// The other call's far end is asked for nothing; that it is gone it tells itself.
    fn join(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, other: &CallId) -> Result<(), TransferRefusal> {
        let call = self.calls.get(&id).ok_or(TransferRefusal::NotUp)?;
        let is_other = |(found, candidate): &(&InviteId, &SipCall)| {
            candidate.id == *other && candidate.org == call.org && **found != id && candidate.joined_to.is_none()
        };
        let (&other, _) = self.calls.iter().find(is_other).ok_or(TransferRefusal::OtherCall)?;
        // Where it is to go stands in the other dialog.
        if !endpoint.refer_to_call(now, id, other, &refer(call, call.contact.clone())) {
            return Err(TransferRefusal::OtherCall);
        }
        if let Some(other) = self.calls.get_mut(&other) {
            other.joined_to = Some(id);
        }
        Ok(())
    }

    /// A transfer of this call came to an end other than success: what was to be taken along stays.
    pub(super) fn part(&mut self, id: InviteId) {
        for call in self.calls.values_mut().filter(|call| call.joined_to == Some(id)) {
            call.joined_to = None;
        }
    }

    /// A number as whoever is at the other end of the call has to dial it.
    fn as_dialled_by(&self, now: Instant, endpoint: &Endpoint, call: &SipCall, number: &Number) -> Option<Uri> {
        let there = bracketed(&call.flow.remote.ip().to_string());
        let trunk = call.trunk.as_ref().and_then(|name| self.desk.directory().trunk(name));
        let Some(trunk) = trunk else {
            return Uri::parse(&format!("sip:{}@{there}", number.as_str())).ok();
        };
        let there = || Uri::parse(&format!("sip:{there}")).ok();
        let host =
            trunk.config.target_uri().or_else(|| Some(self.desk.ways(now, endpoint, trunk).into_iter().next()?.target)).or_else(there)?;
        request_uri(&trunk.config, number, &host)
    }
}

fn refer(call: &SipCall, target: Uri) -> OutgoingRefer {
    OutgoingRefer { target, referred_by: Some(call.contact.clone().into()), silent: false }
}
