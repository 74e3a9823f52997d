//! The INVITE usage of a dialog (RFC 5057): what caller and callee share from the first response with a tag until the end.

use std::time::Instant;

use bytes::Bytes;

use super::Incoming;
use super::exchange::{Carrier, Exchange};
use super::peer::Peer;
use super::referral::Referral;
use super::referring::Referring;
use super::reoffering::{OfferDue, Reoffering};
use super::session_timer::{self, SessionTimer};
use crate::dialog::{Dialog, Order};
use crate::endpoint::{Event, InviteId, LEAST_SESSION_EXPIRES, OfferId, ResponseBuilder, SDP, Stack};
use crate::header::{HeaderName, Method, OptionTags, Refresher, SessionExpires, StatusCode, Uri};
use crate::message::{Headers, MessageWriter};
use crate::transaction::{ClientId, Timer};

pub(super) struct Usage {
    pub(super) id: InviteId,
    pub(super) dialog: Dialog,
    /// Where the far end reaches us, as we have told it.
    pub(super) contact: Uri,
    /// Before that there is no session that could expire (RFC 4028).
    pub(super) answered: bool,
    /// Whether the Call-ID is ours.
    pub(super) is_caller: bool,
    pub(super) peer: Peer,
    pub(super) exchange: Exchange,
    /// Which offer the application was asked to answer last.
    asked: Option<OfferId>,
    pub(super) reoffering: Option<Box<Reoffering>>,
    pub(super) offer_due: OfferDue,
    pub(super) timer: Option<SessionTimer>,
    pub(super) referral: Option<Referral>,
    pub(super) referring: Option<Referring>,
}

impl Usage {
    pub(super) fn new(id: InviteId, dialog: Dialog, contact: Uri, is_caller: bool, exchange: Exchange, headers: &Headers) -> Self {
        let mut peer = Peer::default();
        peer.learn(headers);
        Self {
            id,
            dialog,
            contact,
            answered: false,
            is_caller,
            peer,
            exchange,
            asked: None,
            reoffering: None,
            offer_due: OfferDue::No,
            timer: None,
            referral: None,
            referring: None,
        }
    }

    /// Takes a request that needs no more than the dialog: UPDATE, INFO, REFER, NOTIFY.
    pub(super) fn handle_request(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        self.peer.learn(incoming.request.headers());
        match incoming.request.method() {
            Method::Update => self.handle_update(now, incoming, stack),
            Method::Info => self.handle_info(now, incoming, stack),
            Method::Refer => self.handle_refer(now, incoming, stack),
            Method::Notify => self.handle_notify(now, incoming, stack),
            _ => incoming.reply(now, StatusCode::METHOD_NOT_ALLOWED, stack, |response| response.header(HeaderName::Allow, Method::ALLOW)),
        }
    }

    /// Hands an offer of the far end to the application.
    pub(super) fn ask(&mut self, carrier: Carrier, sdp: Bytes, stack: &mut Stack) {
        let offer = stack.new_offer();
        self.exchange = Exchange::Theirs(carrier);
        self.asked = Some(offer);
        self.event(Event::Offered { id: self.id, offer, sdp }, stack);
    }

    /// Whether this offer still waits for the application's answer.
    pub(super) fn waits_for(&self, offer: OfferId) -> bool {
        self.exchange.waits_for_us() && self.asked == Some(offer)
    }

    /// Answers the far end's offer. Gives back what carried it when that is not done with: a re-INVITE or the 2xx to our INVITE.
    pub(super) fn accept_offer(&mut self, now: Instant, sdp: &[u8], stack: &mut Stack) -> Option<Carrier> {
        match self.exchange.take_theirs()? {
            Carrier::Request(pending) if pending.request().method() != Method::Invite => {
                let expires = match pending.request().method() {
                    Method::Update => self.agree_session(now, pending.request().headers(), stack),
                    _ => None,
                };
                let contact = &self.contact;
                pending.respond(now, StatusCode::OK, sdp, stack, |response| {
                    response.header(HeaderName::Contact, format_args!("<{contact}>")).session(expires)
                });
                None
            }
            Carrier::Provisional { rseq } => {
                self.prack(now, rseq, sdp, stack);
                None
            }
            carrier => Some(carrier),
        }
    }

    /// Refuses the far end's offer. Gives back the 2xx to our INVITE, which cannot be refused.
    pub(super) fn refuse_offer(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) -> Option<Carrier> {
        match self.exchange.take_theirs()? {
            Carrier::Request(pending) => {
                pending.refuse(now, status, stack);
                None
            }
            // A PRACK without an answer is all that can be said.
            Carrier::Provisional { rseq } => {
                self.prack(now, rseq, b"", stack);
                None
            }
            carrier => Some(carrier),
        }
    }

    /// The call ends: who waits for us is told.
    pub(super) fn refuse_all(&mut self, now: Instant, stack: &mut Stack) {
        if let Exchange::Theirs(Carrier::Request(pending)) = &self.exchange {
            pending.refuse(now, StatusCode::REQUEST_TERMINATED, stack);
            self.exchange = Exchange::Settled;
        }
        if let Some(referral) = self.referral.take() {
            referral.refuse(now, StatusCode::REQUEST_TERMINATED, stack);
        }
        self.leave_reoffer(now, stack);
    }

    /// Acknowledges a reliable provisional response (RFC 3262 §4). Its own answer says nothing that matters.
    pub(super) fn prack(&mut self, now: Instant, rseq: u32, sdp: &[u8], stack: &mut Stack) {
        // The INVITE's number: it is the first request of this dialog, before any of ours within it.
        let invite = self.dialog.invite_cseq();
        self.send(now, Method::Prack, stack, sdp, |request| {
            request.header(HeaderName::RAck, format_args!("{rseq} {invite} {}", Method::Invite));
        });
    }

    /// Sends a request within the dialog with an SDP body, if any.
    pub(super) fn send(
        &mut self,
        now: Instant,
        method: Method,
        stack: &mut Stack,
        sdp: &[u8],
        write: impl FnOnce(&mut MessageWriter),
    ) -> ClientId {
        self.send_body(now, method, stack, (SDP, sdp), write)
    }

    /// Sends a request within the dialog. `body` is its type and text.
    pub(super) fn send_body(
        &mut self,
        now: Instant,
        method: Method,
        stack: &mut Stack,
        body: (&str, &[u8]),
        write: impl FnOnce(&mut MessageWriter),
    ) -> ClientId {
        let branch = stack.identifiers.branch();
        let cseq = self.dialog.next_cseq();
        let mut request = self.dialog.request(method, cseq, &branch);
        // What refreshes the target or begins a subscription names a Contact (RFC 3311 §5.1, RFC 6665 §8.1).
        if matches!(method, Method::Invite | Method::Update | Method::Refer | Method::Notify) {
            request.header(HeaderName::Contact, format_args!("<{}>", self.contact));
        }
        if matches!(method, Method::Invite | Method::Update) {
            request.header(HeaderName::Allow, Method::ALLOW);
            request.header(HeaderName::Supported, OptionTags::SUPPORTED);
        }
        stack.sign(&mut request);
        write(&mut request);
        if !body.1.is_empty() {
            request.header(HeaderName::ContentType, body.0);
        }
        let (path, request) = (self.dialog.path(), request.finish(body.1));
        if method == Method::Invite {
            let ack = self.dialog.request(Method::Ack, cseq, &branch).finish(b"");
            let client = stack.open_client(now, &branch, method, path, Some(self.id), request);
            stack.transactions.acknowledge_refusal(client, ack);
            return client;
        }
        stack.open_client(now, &branch, method, path, Some(self.id), request)
    }

    /// What a 2xx of ours says about the session's life, which begins anew.
    pub(super) fn agree_session(&mut self, now: Instant, headers: &Headers, stack: &Stack) -> Option<SessionExpires> {
        if !self.answered {
            return None;
        }
        let agreed = session_timer::agreed(headers, &stack.config);
        let patience = stack.config.timers.give_up();
        let is_ours = |agreed: &SessionExpires| agreed.refresher == Some(Refresher::Uas);
        self.timer = agreed.map(|agreed| SessionTimer::start(now, now, agreed.interval, is_ours(&agreed), patience));
        agreed
    }

    /// What a 2xx of the far end to a request of ours says about it; silence ends the timer (RFC 4028 §7.2).
    ///
    /// The far end counts from its first 2xx, or from the first copy of our request, and what came of these may have been lost: so no
    /// earlier than the request went out, and no longer ago than a 2xx is repeated.
    pub(super) fn take_session(&mut self, now: Instant, sent: Instant, headers: &Headers, stack: &Stack) {
        let patience = stack.config.timers.give_up();
        let since = sent.max(now.checked_sub(patience).unwrap_or(sent));
        let is_ours = |agreed: &SessionExpires| agreed.refresher.unwrap_or(Refresher::Uac) == Refresher::Uac;
        // No word of a far end makes us refresh more often than the shortest life asks for.
        let agreed = headers.session_expires().filter(|_| self.answered);
        let interval = |agreed: &SessionExpires| agreed.interval.max(LEAST_SESSION_EXPIRES);
        self.timer = agreed.map(|agreed| SessionTimer::start(now, since, interval(&agreed), is_ours(&agreed), patience));
    }

    /// Requests may share a number with what went before, but not an INVITE: some peers do not count.
    pub(super) fn is_in_order(&mut self, number: u32, method: Method) -> bool {
        match self.dialog.receive(number) {
            Order::Next => true,
            Order::Repeated => method != Method::Invite,
            Order::Late => false,
        }
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        let timers = [
            self.timer.as_ref().map(SessionTimer::deadline),
            self.offer_due.deadline(),
            self.referring.as_ref().and_then(Referring::deadline),
            self.reoffering.as_ref().and_then(|reoffering| reoffering.patience.deadline()),
        ];
        timers.into_iter().flatten().min()
    }

    pub(super) fn event(&self, event: Event, stack: &mut Stack) {
        stack.event(event);
    }
}

impl Incoming<'_> {
    /// Answers through a transaction.
    pub(super) fn reply(
        &self,
        now: Instant,
        status: StatusCode,
        stack: &mut Stack,
        write: impl FnOnce(ResponseBuilder) -> ResponseBuilder,
    ) {
        let response = ResponseBuilder::new(self.request, self.arrived.remote, status, None, "");
        stack.reply(now, self.request, self.arrived, write(response));
    }

    /// The SDP that it carries; empty when it carries none.
    pub(super) fn sdp(&self) -> Bytes {
        self.request.sdp()
    }
}
