//! Requests of the far end within a call.

use std::time::Instant;

use super::pending::Pending;
use super::{Incoming, Invite, State};
use crate::endpoint::{Event, ResponseBuilder, Stack};
use crate::header::{HeaderName, Method, StatusCode};
use crate::message::Request;
use crate::transaction::ServerId;

impl Invite {
    /// Any request within the dialog but ACK and CANCEL; it has passed admission and is no copy.
    pub(crate) fn handle_request(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let Some(cseq) = incoming.request.headers().cseq() else { return };
        let method = incoming.request.method();
        if !self.is_in_order(incoming.request, cseq.number) {
            return incoming.refuse(StatusCode::SERVER_INTERNAL_ERROR, stack, |response| response);
        }
        match method {
            Method::Bye => {
                incoming.reply(now, StatusCode::OK, stack, |response| response);
                self.handle_bye(now, incoming.request, stack);
            }
            Method::Options => incoming.reply(now, StatusCode::OK, stack, ResponseBuilder::capabilities),
            Method::Invite => self.handle_reinvite(now, incoming, stack),
            Method::Prack => self.handle_prack(now, incoming, stack),
            _ => match self.usages().find(|usage| usage.dialog.holds(incoming.request.headers(), incoming.request.headers().from())) {
                Some(usage) => usage.handle_request(now, incoming, stack),
                None => incoming.refuse(StatusCode::CALL_DOES_NOT_EXIST, stack, |response| response),
            },
        }
    }

    pub(crate) fn handle_ack(&mut self, now: Instant, request: &Request, stack: &mut Stack) {
        let State::Established(established) = &mut self.state else { return };
        let Some(cseq) = request.headers().cseq() else { return };
        if !established.acknowledge(cseq.number) {
            return;
        }
        if let Some(causes) = established.close_wanted() {
            return self.close(now, causes, stack);
        }
        stack.event(Event::Confirmed { id: self.id, sdp: request.sdp() });
    }

    /// `server` is the transaction of the INVITE that the CANCEL names; the CANCEL itself is answered.
    pub(crate) fn handle_cancel(&mut self, now: Instant, server: ServerId, request: &Request, stack: &mut Stack) {
        match &mut self.state {
            State::Invited(invited) if invited.server() == server => {
                invited.refuse(now, &self.local_tag, StatusCode::REQUEST_TERMINATED, None, stack);
                self.end(now, Some(Event::Cancelled { id: self.id, causes: request.headers().causes() }), stack);
            }
            State::Established(established) => established.handle_cancel(now, server, stack),
            _ => {}
        }
    }

    fn handle_bye(&mut self, now: Instant, request: &Request, stack: &mut Stack) {
        let causes = request.headers().causes();
        match &mut self.state {
            State::Invited(invited) => {
                invited.refuse(now, &self.local_tag, StatusCode::REQUEST_TERMINATED, None, stack);
                self.end(now, Some(Event::Cancelled { id: self.id, causes }), stack);
            }
            // A callee may not do that; its 200 is lost or never was. Whatever final response still comes is taken care of.
            State::Calling(calling) => {
                if calling.abandon(now, stack) {
                    stack.event(Event::HungUp { id: self.id, causes });
                }
            }
            State::Established(established) => {
                established.usage.refuse_all(now, stack);
                let event = established.close_wanted().is_none().then_some(Event::HungUp { id: self.id, causes });
                self.end(now, event, stack);
            }
            // BYE against BYE: ours is repeated by its transaction, the call is over.
            State::Closing(_) => self.end(now, None, stack),
            State::Over => {}
        }
    }

    fn handle_reinvite(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        match &mut self.state {
            State::Established(established) => established.handle_reinvite(now, incoming, stack),
            State::Invited(_) => {
                // The first INVITE has no answer yet (§14.2).
                let wait = stack.identifiers.retry_seconds();
                let (id, status) = (self.id, StatusCode::SERVER_INTERNAL_ERROR);
                Pending::refuse_reinvite(now, id, incoming, status, stack, |response| response.header(HeaderName::RetryAfter, wait));
            }
            _ => incoming.refuse(StatusCode::CALL_DOES_NOT_EXIST, stack, |response| response),
        }
    }

    fn handle_prack(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        match &mut self.state {
            State::Invited(invited) => {
                if let Some((contact, sdp)) = invited.handle_prack(now, &self.local_tag, incoming, stack) {
                    self.answer(now, &contact, sdp, stack);
                }
            }
            State::Established(established) => established.handle_prack(now, incoming, stack),
            _ => incoming.refuse(StatusCode::CALL_DOES_NOT_EXIST, stack, |response| response),
        }
    }

    fn is_in_order(&mut self, request: &Request, number: u32) -> bool {
        let headers = request.headers();
        match self.usages().find(|usage| usage.dialog.holds(headers, headers.from())) {
            Some(usage) => usage.is_in_order(number, request.method()),
            None => true,
        }
    }
}

impl Incoming<'_> {
    /// There is no room to wait for what the application says.
    pub(super) fn put_off(&self, stack: &mut Stack) {
        let wait = stack.identifiers.retry_seconds();
        self.refuse(StatusCode::SERVICE_UNAVAILABLE, stack, |response| response.header(HeaderName::RetryAfter, wait));
    }

    /// Answers without keeping state: copies of the request get the same answer again.
    pub(super) fn refuse(&self, status: StatusCode, stack: &mut Stack, write: impl FnOnce(ResponseBuilder) -> ResponseBuilder) {
        let response = ResponseBuilder::new(self.request, self.arrived.remote, status, None, "");
        stack.reply_stateless(self.request, self.arrived, write(response));
    }
}
