//! A call that is up, from the 2xx on (RFC 3261 §13.3.1.4, §14, §15).

use std::time::Instant;

use super::Incoming;
use super::exchange::{Carrier, Exchange};
use super::outbound::Outbound;
use super::pending::Pending;
use super::session_timer;
use super::unacknowledged::Unacknowledged;
use super::usage::Usage;
use crate::endpoint::Stack;
use crate::header::{Causes, HeaderName, StatusCode};
use crate::transaction::{ServerId, Timer};

pub(super) struct Established {
    pub(super) usage: Usage,
    /// Our last 2xx, until its ACK.
    unacknowledged: Option<Unacknowledged>,
    /// Whether that is the 2xx that made the call: before its ACK the callee may not send BYE (§15).
    first: bool,
    /// The number of the last reliable provisional response: its PRACK may come late (RFC 3262 §3).
    rseq: u32,
    /// The application hung up before it may.
    close_wanted: Option<Causes>,
}

impl Established {
    pub(super) fn as_caller(usage: Usage) -> Self {
        Self { usage, unacknowledged: None, first: false, rseq: 0, close_wanted: None }
    }

    pub(super) fn as_callee(usage: Usage, unacknowledged: Unacknowledged, rseq: u32) -> Self {
        Self { usage, unacknowledged: Some(unacknowledged), first: true, rseq, close_wanted: None }
    }

    /// Whether BYE may go now; if not, it goes when it may.
    pub(super) fn may_close(&mut self, causes: Causes) -> bool {
        let early = self.first && self.unacknowledged.is_some();
        self.close_wanted = early.then_some(causes);
        !early
    }

    /// The application hung up, and why.
    pub(super) fn close_wanted(&self) -> Option<Causes> {
        self.close_wanted
    }

    /// True when the ACK is that of our waiting 2xx. It holds the answer when the 2xx held our offer.
    pub(super) fn acknowledge(&mut self, cseq: u32) -> bool {
        let fits = self.unacknowledged.take_if(|waiting| waiting.cseq() == cseq).is_some();
        if fits {
            self.first = false;
            if matches!(self.usage.exchange, Exchange::Ours) && self.usage.reoffering.is_none() {
                self.usage.exchange = Exchange::Settled;
            }
        }
        fits
    }

    pub(super) fn handle_reinvite(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let id = self.usage.id;
        let headers = incoming.request.headers();
        self.usage.peer.learn(headers);
        if session_timer::is_too_short(headers, &stack.config) {
            let least = stack.config.min_session_expires.as_secs();
            let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
            return Pending::refuse_reinvite(now, id, incoming, status, stack, |response| response.header(HeaderName::MinSe, least));
        }
        if matches!(self.usage.exchange, Exchange::Theirs(_)) {
            // One at a time (§14.2).
            let wait = stack.identifiers.retry_seconds();
            let status = StatusCode::SERVER_INTERNAL_ERROR;
            return Pending::refuse_reinvite(now, id, incoming, status, stack, |response| response.header(HeaderName::RetryAfter, wait));
        }
        if self.unacknowledged.is_some() || self.close_wanted.is_some() || !self.usage.is_free() {
            return Pending::refuse_reinvite(now, id, incoming, StatusCode::REQUEST_PENDING, stack, |response| response);
        }
        if stack.is_full() {
            return incoming.put_off(stack);
        }
        let carrier = Carrier::Request(Box::new(Pending::open(now, id, incoming, stack)));
        self.usage.ask(carrier, incoming.sdp(), stack);
    }

    /// A PRACK that crossed our 2xx is answered; all others acknowledge nothing.
    pub(super) fn handle_prack(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let known = incoming.request.headers().rack().is_some_and(|rack| self.rseq != 0 && rack.rseq == self.rseq);
        let status = if known { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
        incoming.reply(now, status, stack, |response| response);
    }

    pub(super) fn accept_offer(&mut self, now: Instant, sdp: &[u8], outbound: Option<&mut Outbound>, stack: &mut Stack) {
        match self.usage.accept_offer(now, sdp, stack) {
            Some(Carrier::Request(reinvite)) => self.accept_reinvite(now, &reinvite, sdp, stack),
            Some(Carrier::Success) => self.acknowledge_success(outbound, sdp, stack),
            _ => {}
        }
    }

    pub(super) fn refuse_offer(&mut self, now: Instant, status: StatusCode, outbound: Option<&mut Outbound>, stack: &mut Stack) {
        if let Some(Carrier::Success) = self.usage.refuse_offer(now, status, stack) {
            self.acknowledge_success(outbound, b"", stack);
        }
    }

    /// CANCEL of a re-INVITE ends only that.
    pub(super) fn handle_cancel(&mut self, now: Instant, server: ServerId, stack: &mut Stack) {
        if let Exchange::Theirs(Carrier::Request(pending)) = &self.usage.exchange
            && pending.server() == server
        {
            self.usage.refuse_offer(now, StatusCode::REQUEST_TERMINATED, stack);
        }
    }

    /// True when the far end has never acknowledged.
    pub(super) fn answer_timeout(&mut self, now: Instant, stack: &mut Stack) -> bool {
        self.unacknowledged.as_mut().is_some_and(|waiting| waiting.timeout(now, stack))
    }

    /// Whether an offer of ours may go by re-INVITE.
    pub(super) fn is_confirmed(&self) -> bool {
        self.unacknowledged.is_none() && self.close_wanted.is_none()
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        [self.unacknowledged.as_ref().map(Unacknowledged::deadline), self.usage.deadline()].into_iter().flatten().min()
    }

    fn accept_reinvite(&mut self, now: Instant, reinvite: &Pending, sdp: &[u8], stack: &mut Stack) {
        let headers = reinvite.request().headers();
        if let Some(contact) = headers.contact() {
            self.usage.dialog.refresh_target(contact.uri_text());
        }
        self.usage.dialog.follow(reinvite.arrived());
        let expires = self.usage.agree_session(now, headers, stack);
        let contact = &self.usage.contact;
        let (response, path) = reinvite.respond(now, StatusCode::OK, sdp, stack, |response| {
            response.dialog(reinvite.request(), contact).capabilities().session(expires)
        });
        if reinvite.request().sdp().is_empty() {
            // We offer; the answer comes with the ACK.
            self.usage.exchange = Exchange::Ours;
        }
        self.unacknowledged = Some(Unacknowledged::new(now, reinvite.cseq(), response, path, &stack.config.timers));
    }

    fn acknowledge_success(&mut self, outbound: Option<&mut Outbound>, sdp: &[u8], stack: &mut Stack) {
        if let Some(outbound) = outbound {
            outbound.acknowledge(&self.usage.dialog, sdp, stack);
        }
    }
}
