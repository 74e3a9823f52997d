//! A call that is up, from the 2xx on (RFC 3261 §13.3.1.4, §14, §15).

use std::time::Instant;

use super::Incoming;
use super::reoffer::Reoffer;
use super::unacknowledged::Unacknowledged;
use crate::dialog::{Dialog, Order};
use crate::endpoint::{Event, InviteId, ResponseBuilder, Stack};
use crate::header::{HeaderName, Method, StatusCode, Uri};
use crate::transaction::{ServerId, Timer};

pub(super) struct Established {
    dialog: Dialog,
    /// Where the far end reaches us, as we have told it.
    contact: Option<Uri>,
    /// Our last 2xx, until its ACK.
    unacknowledged: Option<Unacknowledged>,
    /// Whether that is the 2xx that made the call: before its ACK the callee may not send BYE (§15).
    first: bool,
    reoffer: Option<Reoffer>,
    /// The application hung up before it may.
    close_wanted: bool,
}

impl Established {
    pub(super) fn as_caller(dialog: Dialog, contact: Option<Uri>) -> Self {
        Self { dialog, contact, unacknowledged: None, first: false, reoffer: None, close_wanted: false }
    }

    pub(super) fn as_callee(dialog: Dialog, unacknowledged: Unacknowledged, contact: Uri) -> Self {
        Self { dialog, contact: Some(contact), unacknowledged: Some(unacknowledged), first: true, reoffer: None, close_wanted: false }
    }

    /// Whether BYE may go now; if not, it goes when it may.
    pub(super) fn may_close(&mut self) -> bool {
        self.close_wanted = self.first && self.unacknowledged.is_some();
        !self.close_wanted
    }

    pub(super) fn wants_to_close(&self) -> bool {
        self.close_wanted
    }

    /// True when the ACK is that of our waiting 2xx.
    pub(super) fn acknowledge(&mut self, cseq: u32) -> bool {
        let fits = self.unacknowledged.take_if(|waiting| waiting.cseq() == cseq).is_some();
        if fits {
            self.first = false;
        }
        fits
    }

    pub(super) fn handle_reinvite(&mut self, id: InviteId, incoming: Incoming<'_>, stack: &mut Stack) {
        let respond = |status| ResponseBuilder::new(incoming.request, incoming.arrived.remote, status, None, "");
        let refusal = if self.reoffer.is_some() {
            // One at a time (§14.2).
            let wait = stack.identifiers.retry_seconds();
            Some(respond(StatusCode::SERVER_INTERNAL_ERROR).header(HeaderName::RetryAfter, wait))
        } else if self.unacknowledged.is_some() || self.close_wanted {
            Some(respond(StatusCode::REQUEST_PENDING))
        } else {
            None
        };
        match refusal {
            Some(response) => stack.reply_stateless(incoming.request, incoming.arrived, response),
            None => {
                self.reoffer = Some(Reoffer::new(id, incoming, stack));
                stack.event(Event::Reoffered { id, sdp: incoming.request.body() });
            }
        }
    }

    pub(super) fn accept_reoffer(&mut self, now: Instant, sdp: &[u8], stack: &mut Stack) {
        let Some(reoffer) = self.reoffer.take() else { return };
        if let Some(contact) = reoffer.contact() {
            self.dialog.refresh_target(contact);
        }
        let (response, path) = reoffer.accept(now, self.contact.as_ref(), sdp, stack);
        self.unacknowledged = Some(Unacknowledged::new(now, reoffer.cseq(), response, path, &stack.config.timers));
    }

    pub(super) fn refuse_reoffer(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) {
        if let Some(reoffer) = self.reoffer.take() {
            reoffer.refuse(now, status, stack);
        }
    }

    /// CANCEL of a re-INVITE ends only that.
    pub(super) fn handle_cancel(&mut self, now: Instant, server: ServerId, stack: &mut Stack) {
        if self.reoffer.as_ref().is_some_and(|reoffer| reoffer.server() == server) {
            self.refuse_reoffer(now, StatusCode::REQUEST_TERMINATED, stack);
        }
    }

    /// True when the far end has never acknowledged.
    pub(super) fn answer_timeout(&mut self, now: Instant, stack: &mut Stack) -> bool {
        self.unacknowledged.as_mut().is_some_and(|waiting| waiting.timeout(now, stack))
    }

    /// Requests may share a number with what went before, but not a re-INVITE: some peers do not count.
    pub(super) fn is_in_order(&mut self, number: u32, method: Method) -> bool {
        match self.dialog.receive(number) {
            Order::Next => true,
            Order::Repeated => method != Method::Invite,
            Order::Late => false,
        }
    }

    pub(super) fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    pub(super) fn dialog_mut(&mut self) -> &mut Dialog {
        &mut self.dialog
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        self.unacknowledged.as_ref().map(Unacknowledged::deadline)
    }
}
