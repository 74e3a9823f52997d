//! Callee, before the final response (RFC 3261 §13.3.1), with reliable provisional responses (RFC 3262 §3, §5).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Incoming;
use super::established::Established;
use super::exchange::{Carrier, Exchange};
use super::pending::Pending;
use super::reliable::{Provisional, Reliable};
use super::unacknowledged::Unacknowledged;
use super::usage::Usage;
use crate::dialog::Dialog;
use crate::endpoint::{Event, IncomingInvite, InviteId, ResponseBuilder, Stack, response_path};
use crate::header::{HeaderName, OptionTags, Scheme, StatusCode, Uri};
use crate::message::Request;
use crate::transaction::{Opening, ServerId, ServerKey, Timer};
use crate::transport::Flow;

pub(super) struct Invited {
    request: Request,
    arrived: Flow,
    server: ServerId,
    pub(super) usage: Usage,
    reliable: Reliable,
    /// Once it rings.
    ring_again_at: Option<Instant>,
    /// The application has answered; a PRACK is awaited first.
    answer: Option<(Uri, Bytes)>,
}

impl Invited {
    pub(super) fn new(
        now: Instant,
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
            sdp: request.sdp(),
            replaces: None,
            message: request.clone(),
        };
        let dialog = Dialog::inbound(&request, local_tag, arrived)?;
        // A 180 makes an early dialog and so names a Contact; that of the answer replaces it.
        let secure = incoming.request_uri.scheme() == Scheme::Sips;
        let contact = Uri::parse(&arrived.contact(None, secure).to_string()).ok()?;
        let exchange = if incoming.sdp.is_empty() { Exchange::Fresh } else { Exchange::Theirs(Carrier::Invite) };
        let usage = Usage::new(id, dialog, contact, false, exchange, headers);
        let trying = ResponseBuilder::new(&request, arrived.remote, StatusCode::TRYING, None, "").finish();
        let path = response_path(&request, arrived);
        let opening = Opening { key, request: &request, path, owner: id, trying: Some(trying) };
        let server = stack.transactions.open_invite_server(now, opening, &mut stack.out);
        let invited = Self { request, arrived, server, usage, reliable: Reliable::default(), ring_again_at: None, answer: None };
        Some((invited, incoming))
    }

    pub(super) fn ring(&mut self, now: Instant, local_tag: &str, stack: &mut Stack) {
        self.provisional(now, local_tag, StatusCode::RINGING, Bytes::new(), stack);
        self.ring_again_at = Some(now + stack.config.timers.provisional_refresh);
    }

    /// 183 with what may be said by it: the answer, or our offer when the caller made none and takes reliable responses.
    pub(super) fn progress(&mut self, now: Instant, local_tag: &str, sdp: Bytes, stack: &mut Stack) {
        let reliable = self.usage.peer.speaks(OptionTags::RELIABLE);
        let sdp = match (&self.usage.exchange, reliable) {
            (Exchange::Theirs(Carrier::Invite), true) => {
                self.usage.exchange = Exchange::Settled;
                sdp
            }
            // A foretaste: the 200 says it again and counts.
            (Exchange::Theirs(Carrier::Invite), false) => sdp,
            (Exchange::Fresh, true) => {
                self.usage.exchange = Exchange::Ours;
                sdp
            }
            _ => Bytes::new(),
        };
        self.provisional(now, local_tag, StatusCode::SESSION_PROGRESS, sdp, stack);
        self.ring_again_at = self.ring_again_at.or(Some(now + stack.config.timers.provisional_refresh));
    }

    /// The 200, with the body that is still owed; `None` while a PRACK must come first.
    pub(super) fn answer(
        mut self: Box<Self>,
        now: Instant,
        local_tag: &str,
        contact: &Uri,
        sdp: Bytes,
        stack: &mut Stack,
    ) -> Result<Established, Box<Self>> {
        if self.reliable.holds_back_answer() {
            self.answer = Some((contact.clone(), sdp));
            return Err(self);
        }
        self.usage.contact = contact.clone();
        let body = match self.usage.exchange {
            Exchange::Theirs(Carrier::Invite) => {
                self.usage.exchange = Exchange::Settled;
                sdp
            }
            Exchange::Fresh => {
                self.usage.exchange = Exchange::Ours;
                sdp
            }
            _ => Bytes::new(),
        };
        self.usage.answered = true;
        let expires = self.usage.agree_session(now, self.request.headers(), stack);
        let response = self.response(StatusCode::OK, local_tag).dialog(&self.request, contact).capabilities().session(expires);
        let response = response.server(&stack.config.user_agent).finish_with_sdp(&body);
        stack.transactions.respond(now, self.server, StatusCode::OK, response.clone(), &mut stack.out);
        let path = response_path(&self.request, self.arrived);
        let cseq = self.request.headers().cseq().map_or(0, |cseq| cseq.number);
        let unacknowledged = Unacknowledged::new(now, cseq, response, path, &stack.config.timers);
        let rseq = self.reliable.last_rseq();
        Ok(Established::as_callee(self.usage, unacknowledged, rseq))
    }

    /// Takes a PRACK; the answer of the application when nothing holds it back any more.
    pub(super) fn handle_prack(
        &mut self,
        now: Instant,
        local_tag: &str,
        incoming: Incoming<'_>,
        stack: &mut Stack,
    ) -> Option<(Uri, Bytes)> {
        let cseq = self.request.headers().cseq().map_or(0, |cseq| cseq.number);
        let rack = incoming.request.headers().rack();
        if !rack.is_some_and(|rack| rack.cseq.number == cseq && self.reliable.acknowledge(rack.rseq)) {
            incoming.reply(now, StatusCode::CALL_DOES_NOT_EXIST, stack, |response| response);
            return None;
        }
        let (id, sdp) = (self.usage.id, incoming.sdp());
        match self.usage.exchange {
            Exchange::Ours => {
                self.usage.exchange = Exchange::Settled;
                incoming.reply(now, StatusCode::OK, stack, |response| response);
                stack.event(Event::OfferAccepted { id, sdp });
            }
            Exchange::Settled if !sdp.is_empty() => {
                let carrier = Carrier::Request(Box::new(Pending::open(now, id, incoming, stack)));
                self.usage.ask(carrier, sdp, stack);
            }
            _ => incoming.reply(now, StatusCode::OK, stack, |response| response),
        }
        self.send_next(now, local_tag, stack);
        if self.reliable.holds_back_answer() { None } else { self.answer.take() }
    }

    /// The caller of this ends the call.
    pub(super) fn refuse(&mut self, now: Instant, local_tag: &str, status: StatusCode, retry_after: Option<Duration>, stack: &mut Stack) {
        self.usage.refuse_all(now, stack);
        let mut response = self.response(status, local_tag);
        if let Some(wait) = retry_after {
            response = response.header(HeaderName::RetryAfter, wait.as_secs().max(1));
        }
        let response = response.server(&stack.config.user_agent).finish();
        stack.transactions.respond(now, self.server, status, response, &mut stack.out);
    }

    /// Says again that it rings.
    pub(super) fn refresh(&mut self, now: Instant, local_tag: &str, stack: &mut Stack) {
        if self.ring_again_at.is_some_and(|at| at <= now) {
            self.ring(now, local_tag, stack);
        }
    }

    /// True when a reliable response was never acknowledged.
    pub(super) fn reliable_timeout(&mut self, now: Instant, stack: &mut Stack) -> bool {
        self.reliable.timeout(now, stack)
    }

    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        let ring = self.ring_again_at.map(|at| (at, Timer::ProvisionalRefresh));
        [ring, self.reliable.deadline(), self.usage.deadline()].into_iter().flatten().min()
    }

    /// Reliable when the caller asks for it, or when a session description goes that it can acknowledge.
    fn provisional(&mut self, now: Instant, local_tag: &str, status: StatusCode, sdp: Bytes, stack: &mut Stack) {
        let required = self.request.headers().requires().contains(OptionTags::RELIABLE);
        let reliable = required || (!sdp.is_empty() && self.usage.peer.speaks(OptionTags::RELIABLE));
        if reliable {
            self.reliable.push(Provisional { status, sdp });
            return self.send_next(now, local_tag, stack);
        }
        let response = self.response(status, local_tag).dialog(&self.request, &self.usage.contact);
        let response = response.header(HeaderName::Allow, crate::header::Method::ALLOW);
        let response = response.server(&stack.config.user_agent).finish_with_sdp(&sdp);
        stack.transactions.respond(now, self.server, status, response, &mut stack.out);
    }

    fn send_next(&mut self, now: Instant, local_tag: &str, stack: &mut Stack) {
        let Some((rseq, Provisional { status, sdp })) = self.reliable.next(stack) else { return };
        let response = self.response(status, local_tag).dialog(&self.request, &self.usage.contact);
        let response = response.header(HeaderName::Allow, crate::header::Method::ALLOW);
        let response = response.header(HeaderName::Require, "100rel").header(HeaderName::RSeq, rseq);
        let response = response.server(&stack.config.user_agent).finish_with_sdp(&sdp);
        stack.transactions.respond(now, self.server, status, response.clone(), &mut stack.out);
        let path = response_path(&self.request, self.arrived);
        self.reliable.sent(now, response, path, !sdp.is_empty(), stack);
    }

    fn response(&self, status: StatusCode, local_tag: &str) -> ResponseBuilder {
        ResponseBuilder::new(&self.request, self.arrived.remote, status, None, local_tag)
    }
}
