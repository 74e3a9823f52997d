//! Callee, before the final response (RFC 3261 §13.3.1).

use std::time::{Duration, Instant};

use super::established::Established;
use super::unacknowledged::Unacknowledged;
use crate::dialog::{Dialog, Order};
use crate::endpoint::{IncomingInvite, InviteId, ResponseBuilder, Stack, response_path};
use crate::header::{HeaderName, Method, Scheme, StatusCode, Uri};
use crate::message::Request;
use crate::transaction::{ServerId, ServerKey, Timer};
use crate::transport::Flow;

pub(super) struct Invited {
    request: Request,
    arrived: Flow,
    server: ServerId,
    dialog: Dialog,
    /// Once it rings.
    ring_again_at: Option<Instant>,
}

impl Invited {
    pub(super) fn new(
        id: InviteId,
        request: Request,
        key: ServerKey,
        arrived: Flow,
        local_tag: &str,
        stack: &mut Stack,
    ) -> Option<(Self, IncomingInvite)> {
        let headers = request.headers();
        let (from, to) = (headers.from()?, headers.to()?);
        let incoming = IncomingInvite {
            flow: arrived,
            request_uri: request.uri().ok()?,
            from_uri: from.uri().ok()?,
            from_display: from.display().filter(|display| !display.is_empty()).map(str::to_owned),
            to_uri: to.uri().ok()?,
            login: None,
            call_id: headers.call_id()?.to_owned(),
            sdp: request.body(),
            message: request.clone(),
        };
        let dialog = Dialog::inbound(&request, local_tag, arrived)?;
        let trying = ResponseBuilder::new(&request, arrived.remote, StatusCode::TRYING, None, "").finish();
        let path = response_path(&request, arrived);
        let server = stack.transactions.open_invite_server(key, &request, path, id, trying, &mut stack.out);
        Some((Self { request, arrived, server, dialog, ring_again_at: None }, incoming))
    }

    pub(super) fn ring(&mut self, now: Instant, local_tag: &str, stack: &mut Stack) {
        // A 180 makes an early dialog and so names a Contact; that of the answer replaces it.
        let secure = self.request.uri().is_ok_and(|uri| uri.scheme() == Scheme::Sips);
        let contact = self.arrived.contact(None, secure);
        let response =
            self.response(StatusCode::RINGING, local_tag).dialog(&self.request, contact).server(&stack.config.user_agent).finish();
        stack.transactions.respond(now, self.server, StatusCode::RINGING, response, &mut stack.out);
        self.ring_again_at = Some(now + stack.config.timers.provisional_refresh);
    }

    pub(super) fn answer(self, now: Instant, local_tag: &str, contact: &Uri, sdp: &[u8], stack: &mut Stack) -> Established {
        let response = self.response(StatusCode::OK, local_tag).dialog(&self.request, contact).capabilities();
        let response = response.server(&stack.config.user_agent).finish_with_sdp(sdp);
        stack.transactions.respond(now, self.server, StatusCode::OK, response.clone(), &mut stack.out);
        let path = response_path(&self.request, self.arrived);
        let cseq = self.request.headers().cseq().map_or(0, |cseq| cseq.number);
        let unacknowledged = Unacknowledged::new(now, cseq, response, path, &stack.config.timers);
        Established::as_callee(self.dialog, unacknowledged, contact.clone())
    }

    /// The caller of this ends the call.
    pub(super) fn refuse(&self, now: Instant, local_tag: &str, status: StatusCode, retry_after: Option<Duration>, stack: &mut Stack) {
        let mut response = self.response(status, local_tag);
        if let Some(wait) = retry_after {
            response = response.header(HeaderName::RetryAfter, wait.as_secs().max(1));
        }
        let response = response.server(&stack.config.user_agent).finish();
        stack.transactions.respond(now, self.server, status, response, &mut stack.out);
    }

    /// Only BYE may share the number of what went before: some callers do not count.
    pub(super) fn is_in_order(&mut self, number: u32, method: Method) -> bool {
        match self.dialog.receive(number) {
            Order::Next => true,
            Order::Repeated => method != Method::Invite,
            Order::Late => false,
        }
    }

    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    pub(super) fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        self.ring_again_at.map(|at| (at, Timer::ProvisionalRefresh))
    }

    fn response(&self, status: StatusCode, local_tag: &str) -> ResponseBuilder {
        ResponseBuilder::new(&self.request, self.arrived.remote, status, None, local_tag)
    }
}
