//! One call from INVITE to its end (RFC 3261 §9, §13, §14, §15): an enum of one struct a state, in a file each. What both roles share
//! from the first response with a tag on (offers, refreshes, keys, referrals) is the dialog's [`usage`].
//!
//! Left out: re-INVITE without an offer of ours, a second REFER while one is open, and anything after the BYE: the subscription of a
//! REFER ends with its call.

mod calling;
mod early;
mod established;
mod exchange;
mod invited;
mod keys;
mod outbound;
mod peer;
mod pending;
mod referral;
mod referring;
mod reliable;
mod reoffering;
mod requests;
mod responses;
mod session_timer;
mod unacknowledged;
mod update;
mod usage;
mod verbs;
mod withdrawn;

use std::time::Instant;

use bytes::Bytes;

use self::calling::Calling;
use self::established::Established;
use self::exchange::{Carrier, Exchange};
use self::invited::Invited;
use self::outbound::Outbound;
pub(crate) use self::session_timer::is_too_short;
use self::usage::Usage;
use crate::auth::DigestClient;
use crate::endpoint::{Event, IncomingInvite, InviteId, OutgoingInvite, Reissued, Stack};
use crate::header::{Causes, Replaces, StatusCode};
use crate::message::{Headers, Request, Response};
use crate::transaction::{ClientId, ServerKey, Timer};
use crate::transport::Flow;

/// A call.
pub(crate) struct Invite {
    id: InviteId,
    call_id: Box<str>,
    local_tag: Box<str>,
    state: State,
    /// As caller, until the transaction of the INVITE ends: late and forked 2xx are answered from it, even when the call is over.
    outbound: Option<Box<Outbound>>,
    /// As caller, where the callee's realm knows us. A callee's call has none: whoever calls us shall not have our answers.
    credentials: Option<DigestClient>,
}

enum State {
    /// Callee, not answered.
    Invited(Box<Invited>),
    /// Caller, not answered.
    Calling(Box<Calling>),
    /// Answered.
    Established(Box<Established>),
    /// Our BYE is under way.
    Closing(ClientId),
    /// `Ended` was reported.
    Over,
}

/// A request within a dialog.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) request: &'a Request,
    pub(crate) key: &'a ServerKey,
    pub(crate) arrived: Flow,
}

/// Whether a call may be replaced by another (RFC 3891 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaceable {
    Yes,
    /// It is another call, or one that somebody else still rings us for.
    NoSuchCall,
    /// Only while it rings, and it is up.
    Answered,
    /// It is over.
    Ended,
}

impl Invite {
    /// A caller's INVITE that was let in. `None` when the request lacks what every request has.
    pub(crate) fn inbound(
        now: Instant,
        id: InviteId,
        request: Request,
        key: ServerKey,
        arrived: Flow,
        stack: &mut Stack,
    ) -> Option<(Self, Box<IncomingInvite>)> {
        let local_tag = stack.identifiers.tag();
        let call_id = request.headers().call_id()?.into();
        let (invited, incoming) = Invited::new(now, id, request, key, arrived, &local_tag, stack)?;
        Some((
            Self { id, call_id, local_tag, state: State::Invited(Box::new(invited)), outbound: None, credentials: None },
            Box::new(incoming),
        ))
    }

    /// A call of ours: the INVITE goes out.
    pub(crate) fn outbound(now: Instant, id: InviteId, call: OutgoingInvite, stack: &mut Stack) -> Self {
        let credentials = call.account.clone().map(DigestClient::new);
        let outbound = Box::new(Outbound::start(now, id, call, stack));
        let (call_id, local_tag) = (outbound.call_id().into(), outbound.local_tag().into());
        Self { id, call_id, local_tag, state: State::Calling(Box::new(Calling::new())), outbound: Some(outbound), credentials }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, timer: Timer, stack: &mut Stack) {
        match (&mut self.state, timer) {
            (State::Invited(invited), Timer::ProvisionalRefresh) => invited.refresh(now, &self.local_tag, stack),
            (State::Invited(_), Timer::Reliable | Timer::ReliableAbandoned) => self.handle_reliable_timeout(now, stack),
            (State::Calling(_), Timer::CancelAbandoned) => {
                if let Some(outbound) = self.outbound.take() {
                    stack.transactions.drop_client(outbound.client(), &mut stack.out);
                }
                self.end(now, None, stack);
            }
            (State::Established(_), Timer::Answer | Timer::AnswerAbandoned) => self.handle_answer_timeout(now, stack),
            (State::Established(_), Timer::SessionExpired) => self.handle_expiry(now, stack),
            // There is no session to expire.
            (_, Timer::SessionExpired) => self.usages().for_each(|usage| usage.timer = None),
            _ => {
                for usage in self.usages() {
                    usage.handle_offer_timer(now);
                    usage.handle_refer_timer(now, stack);
                    usage.refresh(now, stack);
                    usage.handle_reoffer_timer(now, stack);
                }
            }
        }
    }

    /// What a step may have set free is told.
    pub(crate) fn settle(&mut self, stack: &mut Stack) {
        let up = match &self.state {
            State::Established(established) if !established.is_confirmed() => return,
            State::Established(_) => true,
            _ => false,
        };
        for usage in self.usages() {
            usage.tell_free(up, stack);
        }
    }

    /// What answers a challenge of this request of ours; nothing where nobody wants any more what it asks for.
    pub(crate) fn credentials(&mut self, client: ClientId) -> Option<&mut DigestClient> {
        let wanted = match &self.state {
            State::Invited(_) => true,
            State::Calling(calling) => !calling.is_ending(),
            State::Established(established) => !established.usage.has_withdrawn(client),
            State::Closing(bye) => *bye == client,
            State::Over => false,
        };
        self.credentials.as_mut().filter(|_| wanted)
    }

    /// A request of ours was challenged, and went out anew.
    pub(crate) fn handle_reissued(&mut self, client: ClientId, reissued: Reissued, stack: &mut Stack) {
        if let Some(outbound) = self.outbound.as_mut().filter(|outbound| outbound.client() == client) {
            return outbound.reissued(reissued);
        }
        for usage in self.usages() {
            usage.handle_reissued(client, &reissued, stack);
        }
    }

    pub(crate) fn id(&self) -> InviteId {
        self.id
    }

    pub(crate) fn call_id(&self) -> &str {
        &self.call_id
    }

    pub(crate) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// Whether a request with our tag is of this call.
    pub(crate) fn holds(&self, headers: &Headers) -> bool {
        match &self.state {
            State::Invited(invited) => invited.usage.dialog.holds(headers, headers.from()),
            State::Established(established) => established.usage.dialog.holds(headers, headers.from()),
            State::Calling(_) | State::Closing(_) | State::Over => headers.call_id() == Some(&*self.call_id),
        }
    }

    /// Whether another call may take the place of this one, whose To tag fits.
    pub(crate) fn is_replaceable(&self, replaces: &Replaces) -> Replaceable {
        match &self.state {
            State::Established(established) if established.usage.dialog.is_named_by(replaces) => {
                if replaces.early_only {
                    Replaceable::Answered
                } else {
                    Replaceable::Yes
                }
            }
            State::Calling(calling) if calling.is_named_by(replaces) => Replaceable::Yes,
            State::Closing(_) if self.call_id == replaces.call_id => Replaceable::Ended,
            _ => Replaceable::NoSuchCall,
        }
    }

    /// How the far end of this call names it, and where it is: for the Refer-To of another call.
    pub(crate) fn named_for_transfer(&self) -> Option<(&str, Replaces)> {
        match &self.state {
            State::Established(established) => {
                let dialog = &established.usage.dialog;
                Some((dialog.remote_target(), dialog.replaces()))
            }
            _ => None,
        }
    }

    /// The ACK of a refusal of our INVITE (§17.1.1.3).
    pub(crate) fn ack_of_refusal(&self, response: &Response) -> Option<Bytes> {
        self.outbound.as_ref().map(|outbound| outbound.ack_of_refusal(response))
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match &self.state {
            State::Invited(invited) => invited.deadline(),
            State::Calling(calling) => calling.deadline(),
            State::Established(established) => established.deadline(),
            State::Closing(_) | State::Over => None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(crate) fn is_forgettable(&self) -> bool {
        self.is_over() && self.outbound.is_none()
    }

    /// The dialogs of the call: one, or as a caller that is not answered one a branch.
    fn usages(&mut self) -> impl Iterator<Item = &mut Usage> {
        let (one, many) = match &mut self.state {
            State::Invited(invited) => (Some(&mut invited.usage), None),
            State::Established(established) => (Some(&mut established.usage), None),
            State::Calling(calling) => (None, Some(calling.usages())),
            State::Closing(_) | State::Over => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// The PRACK never came (RFC 3262 §3).
    fn handle_reliable_timeout(&mut self, now: Instant, stack: &mut Stack) {
        let State::Invited(invited) = &mut self.state else { return };
        if invited.reliable_timeout(now, stack) {
            invited.refuse(now, &self.local_tag, StatusCode::SERVER_TIMEOUT, None, stack);
            self.end(now, Some(Event::Unacknowledged { id: self.id }), stack);
        }
    }

    fn handle_answer_timeout(&mut self, now: Instant, stack: &mut Stack) {
        let State::Established(established) = &mut self.state else { return };
        if !established.answer_timeout(now, stack) {
            return;
        }
        let wanted = established.close_wanted();
        if wanted.is_none() {
            stack.event(Event::Unacknowledged { id: self.id });
        }
        self.close(now, wanted.unwrap_or_default(), stack);
    }

    /// Nobody refreshed the session (RFC 4028 §10).
    fn handle_expiry(&mut self, now: Instant, stack: &mut Stack) {
        let State::Established(established) = &self.state else { return };
        if established.usage.timer.as_ref().is_some_and(|timer| timer.has_expired(now)) {
            stack.event(Event::Expired { id: self.id });
            self.close(now, Causes { sip: Some(StatusCode::REQUEST_TIMEOUT.code()), q850: None }, stack);
        }
    }

    /// Sends BYE.
    fn close(&mut self, now: Instant, causes: Causes, stack: &mut Stack) {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Established(mut established) => {
                if matches!(established.usage.exchange, Exchange::Theirs(Carrier::Success)) {
                    // The 2xx must be acknowledged, though nobody answers its offer any more (§13.2.2.4).
                    established.refuse_offer(now, StatusCode::REQUEST_TERMINATED, self.outbound.as_deref_mut(), stack);
                }
                established.usage.refuse_all(now, stack);
                State::Closing(stack.bye(now, &mut established.usage.dialog, causes, Some(self.id)))
            }
            other => other,
        };
    }

    fn end(&mut self, now: Instant, event: Option<Event>, stack: &mut Stack) {
        for usage in self.usages() {
            usage.refuse_all(now, stack);
        }
        self.state = State::Over;
        if let Some(event) = event {
            stack.event(event);
        }
        stack.event(Event::Ended { id: self.id });
    }
}
