//! One call from INVITE to its end (RFC 3261 §9, §13, §14, §15): an enum of one struct a state, in a file each.
//!
//! Left out: our own re-INVITE, calls without an offer as caller, reliable provisional responses.

mod calling;
mod established;
mod invited;
mod outbound;
mod reoffer;
mod unacknowledged;

use std::time::{Duration, Instant};

use bytes::Bytes;

use self::calling::Calling;
use self::established::Established;
use self::invited::Invited;
use self::outbound::Outbound;
use crate::auth::DigestClient;
use crate::endpoint::{Event, IncomingInvite, InviteId, OutgoingInvite, Reissued, ResponseBuilder, Stack};
use crate::header::{HeaderName, Method, StatusCode, Uri};
use crate::message::{Headers, Request, Response};
use crate::transaction::{ClientId, Report, Reported, ServerId, ServerKey, Timer};
use crate::transport::Flow;

/// A call.
pub(crate) struct Invite {
    id: InviteId,
    call_id: Box<str>,
    local_tag: Box<str>,
    state: State,
    /// As caller, until the transaction of the INVITE ends: late and forked 2xx are answered from it, even when the call is over.
    outbound: Option<Outbound>,
    /// As caller, where the callee's realm knows us. A callee's call has none: whoever calls us shall not have our answers.
    credentials: Option<DigestClient>,
}

enum State {
    /// Callee, not answered.
    Invited(Box<Invited>),
    /// Caller, not answered.
    Calling(Calling),
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

impl Invite {
    /// A caller's INVITE that was let in: 100 goes out. `None` when the request lacks what every request has.
    pub(crate) fn inbound(
        id: InviteId,
        request: Request,
        key: ServerKey,
        arrived: Flow,
        stack: &mut Stack,
    ) -> Option<(Self, Box<IncomingInvite>)> {
        let local_tag = stack.identifiers.tag();
        let call_id = request.headers().call_id()?.into();
        let (invited, incoming) = Invited::new(id, request, key, arrived, &local_tag, stack)?;
        Some((
            Self { id, call_id, local_tag, state: State::Invited(Box::new(invited)), outbound: None, credentials: None },
            Box::new(incoming),
        ))
    }

    /// A call of ours: the INVITE goes out.
    pub(crate) fn outbound(now: Instant, id: InviteId, call: OutgoingInvite, stack: &mut Stack) -> Self {
        let credentials = call.account.clone().map(DigestClient::new);
        let outbound = Outbound::start(now, id, call, stack);
        let (call_id, local_tag) = (outbound.call_id().into(), outbound.local_tag().into());
        Self { id, call_id, local_tag, state: State::Calling(Calling::new()), outbound: Some(outbound), credentials }
    }

    pub(crate) fn ring(&mut self, now: Instant, stack: &mut Stack) {
        if let State::Invited(invited) = &mut self.state {
            invited.ring(now, &self.local_tag, stack);
        }
    }

    pub(crate) fn answer(&mut self, now: Instant, contact: &Uri, sdp: &[u8], stack: &mut Stack) {
        self.state = match self.take_state() {
            State::Invited(invited) => State::Established(Box::new(invited.answer(now, &self.local_tag, contact, sdp, stack))),
            other => other,
        };
    }

    pub(crate) fn reject(&mut self, now: Instant, status: StatusCode, retry_after: Option<Duration>, stack: &mut Stack) {
        if let State::Invited(invited) = &self.state {
            let status = if status.code() < 300 { StatusCode::SERVER_INTERNAL_ERROR } else { status };
            invited.refuse(now, &self.local_tag, status, retry_after, stack);
            self.end(None, stack);
        }
    }

    pub(crate) fn hang_up(&mut self, now: Instant, stack: &mut Stack) {
        match &mut self.state {
            State::Invited(_) => self.reject(now, StatusCode::TEMPORARILY_UNAVAILABLE, None, stack),
            State::Calling(calling) => calling.hang_up(now, self.outbound.as_ref(), stack),
            State::Established(established) => {
                if established.may_close() {
                    self.close(now, stack);
                }
            }
            State::Closing(_) | State::Over => {}
        }
    }

    pub(crate) fn accept_reoffer(&mut self, now: Instant, sdp: &[u8], stack: &mut Stack) {
        if let State::Established(established) = &mut self.state {
            established.accept_reoffer(now, sdp, stack);
        }
    }

    pub(crate) fn reject_reoffer(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) {
        if let State::Established(established) = &mut self.state {
            let status = if status.code() < 300 { StatusCode::NOT_ACCEPTABLE_HERE } else { status };
            established.refuse_reoffer(now, status, stack);
        }
    }

    /// Any request within the dialog but ACK and CANCEL; it has passed admission and is no copy.
    pub(crate) fn handle_request(&mut self, now: Instant, incoming: Incoming<'_>, stack: &mut Stack) {
        let (request, arrived) = (incoming.request, incoming.arrived);
        let Some(cseq) = request.headers().cseq() else { return };
        let early = matches!(self.state, State::Invited(_));
        let in_order = match &mut self.state {
            State::Invited(invited) => invited.is_in_order(cseq.number, request.method()),
            State::Established(established) => established.is_in_order(cseq.number, request.method()),
            State::Calling(_) | State::Closing(_) | State::Over => true,
        };
        let respond = |status| ResponseBuilder::new(request, arrived.remote, status, None, "");
        match request.method() {
            _ if !in_order => stack.reply_stateless(request, arrived, respond(StatusCode::SERVER_INTERNAL_ERROR)),
            Method::Bye => {
                stack.reply(now, request, arrived, respond(StatusCode::OK));
                self.handle_bye(now, stack);
            }
            Method::Options => stack.reply(now, request, arrived, respond(StatusCode::OK).capabilities()),
            Method::Invite if early => {
                // The first INVITE has no answer yet (§14.2).
                let wait = stack.identifiers.retry_seconds();
                stack.reply_stateless(request, arrived, respond(StatusCode::SERVER_INTERNAL_ERROR).header(HeaderName::RetryAfter, wait));
            }
            Method::Invite => match &mut self.state {
                State::Established(established) => established.handle_reinvite(self.id, incoming, stack),
                _ => stack.reply_stateless(request, arrived, respond(StatusCode::CALL_DOES_NOT_EXIST)),
            },
            _ => stack.reply_stateless(request, arrived, respond(StatusCode::CALL_DOES_NOT_EXIST)),
        }
    }

    pub(crate) fn handle_ack(&mut self, now: Instant, request: &Request, stack: &mut Stack) {
        let State::Established(established) = &mut self.state else { return };
        let Some(cseq) = request.headers().cseq() else { return };
        if !established.acknowledge(cseq.number) {
            return;
        }
        if established.wants_to_close() {
            return self.close(now, stack);
        }
        stack.event(Event::Confirmed { id: self.id, sdp: request.body() });
    }

    /// `server` is the transaction of the INVITE that the CANCEL names; the CANCEL itself is answered.
    pub(crate) fn handle_cancel(&mut self, now: Instant, server: ServerId, stack: &mut Stack) {
        match &mut self.state {
            State::Invited(invited) if invited.server() == server => {
                invited.refuse(now, &self.local_tag, StatusCode::REQUEST_TERMINATED, None, stack);
                self.end(Some(Event::Cancelled { id: self.id }), stack);
            }
            State::Established(established) => established.handle_cancel(now, server, stack),
            _ => {}
        }
    }

    pub(crate) fn handle_response(&mut self, now: Instant, method: Method, client: ClientId, response: &Response, stack: &mut Stack) {
        let status = response.status();
        match method {
            Method::Invite if status.is_provisional() => {
                if let State::Calling(calling) = &mut self.state {
                    calling.handle_provisional(now, self.id, status, self.outbound.as_ref(), stack);
                }
            }
            Method::Invite if status.is_success() => self.handle_success(now, response, stack),
            Method::Invite => {
                // The transaction has acknowledged the refusal and will do so again.
                self.outbound = None;
                if let State::Calling(calling) = &self.state {
                    let event = (!calling.is_ending()).then_some(Event::Refused { id: self.id, status });
                    self.end(event, stack);
                }
            }
            Method::Bye if !status.is_provisional() => self.closed(client, stack),
            _ => {}
        }
    }

    pub(crate) fn handle_report(&mut self, reported: &Reported, stack: &mut Stack) {
        match (reported.method, reported.report) {
            (Method::Invite, Report::TimedOut | Report::Unreachable) => {
                self.outbound = None;
                if let State::Calling(calling) = &self.state {
                    let failure = if reported.report == Report::TimedOut {
                        Event::TimedOut { id: self.id }
                    } else {
                        Event::Unreachable { id: self.id }
                    };
                    let event = (!calling.is_ending()).then_some(failure);
                    self.end(event, stack);
                }
            }
            (Method::Invite, Report::Terminated) => self.outbound = None,
            (Method::Bye, Report::TimedOut | Report::Unreachable) => self.closed(reported.client, stack),
            _ => {}
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, timer: Timer, stack: &mut Stack) {
        match (&mut self.state, timer) {
            (State::Invited(invited), Timer::ProvisionalRefresh) => invited.ring(now, &self.local_tag, stack),
            (State::Calling(_), Timer::CancelAbandoned) => {
                if let Some(outbound) = self.outbound.take() {
                    stack.transactions.drop_client(outbound.client(), &mut stack.out);
                }
                self.end(None, stack);
            }
            (State::Established(_), Timer::Answer | Timer::AnswerAbandoned) => self.handle_answer_timeout(now, stack),
            _ => {}
        }
    }

    /// What answers a challenge of our request; nothing once the call is unwanted and not up.
    pub(crate) fn credentials(&mut self) -> Option<&mut DigestClient> {
        let unwanted = matches!(&self.state, State::Calling(calling) if calling.is_ending());
        self.credentials.as_mut().filter(|_| !unwanted)
    }

    /// A request of ours was challenged, and went out anew.
    pub(crate) fn handle_reissued(&mut self, reissued: Reissued) {
        match &mut self.state {
            State::Calling(_) if reissued.method == Method::Invite => {
                if let Some(outbound) = &mut self.outbound {
                    outbound.reissued(reissued);
                }
            }
            State::Established(established) => established.dialog_mut().reissued(reissued.cseq),
            _ => {}
        }
    }

    pub(crate) fn id(&self) -> InviteId {
        self.id
    }

    pub(crate) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// Whether a request with our tag is of this call.
    pub(crate) fn holds(&self, headers: &Headers) -> bool {
        match &self.state {
            State::Invited(invited) => invited.dialog().holds(headers, headers.from()),
            State::Established(established) => established.dialog().holds(headers, headers.from()),
            State::Calling(_) | State::Closing(_) | State::Over => headers.call_id() == Some(&*self.call_id),
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

    fn handle_answer_timeout(&mut self, now: Instant, stack: &mut Stack) {
        let State::Established(established) = &mut self.state else { return };
        if !established.answer_timeout(now, stack) {
            return;
        }
        if !established.wants_to_close() {
            stack.event(Event::Unacknowledged { id: self.id });
        }
        self.close(now, stack);
    }

    fn handle_bye(&mut self, now: Instant, stack: &mut Stack) {
        match &mut self.state {
            State::Invited(invited) => {
                invited.refuse(now, &self.local_tag, StatusCode::REQUEST_TERMINATED, None, stack);
                self.end(Some(Event::Cancelled { id: self.id }), stack);
            }
            // A callee may not do that; its 200 is lost or never was. Whatever final response still comes is taken care of.
            State::Calling(calling) => {
                if calling.abandon(now, stack) {
                    stack.event(Event::HungUp { id: self.id });
                }
            }
            State::Established(established) => {
                established.refuse_reoffer(now, StatusCode::REQUEST_TERMINATED, stack);
                let event = (!established.wants_to_close()).then_some(Event::HungUp { id: self.id });
                self.end(event, stack);
            }
            // BYE against BYE: ours is repeated by its transaction, the call is over.
            State::Closing(_) => self.end(None, stack),
            State::Over => {}
        }
    }

    /// A 2xx to our INVITE: the first makes the call, copies are acknowledged again, other forks are ended (§13.2.2.4).
    fn handle_success(&mut self, now: Instant, response: &Response, stack: &mut Stack) {
        let Some(mut dialog) = self.outbound.as_mut().and_then(|outbound| outbound.acknowledge(response, stack)) else { return };
        match &self.state {
            State::Calling(calling) if calling.is_ending() => self.state = State::Closing(stack.bye(now, &mut dialog, Some(self.id))),
            State::Calling(_) => {
                let contact = self.outbound.as_ref().map(|outbound| outbound.contact().clone());
                self.state = State::Established(Box::new(Established::as_caller(dialog, contact)));
                stack.event(Event::Answered { id: self.id, sdp: response.body() });
            }
            _ => {
                stack.bye(now, &mut dialog, None);
            }
        }
    }

    /// Sends BYE.
    fn close(&mut self, now: Instant, stack: &mut Stack) {
        self.state = match self.take_state() {
            State::Established(mut established) => {
                established.refuse_reoffer(now, StatusCode::REQUEST_TERMINATED, stack);
                State::Closing(stack.bye(now, established.dialog_mut(), Some(self.id)))
            }
            other => other,
        };
    }

    /// Our BYE was answered, however, or nobody answers.
    fn closed(&mut self, bye: ClientId, stack: &mut Stack) {
        if matches!(self.state, State::Closing(ours) if ours == bye) {
            self.end(None, stack);
        }
    }

    fn end(&mut self, event: Option<Event>, stack: &mut Stack) {
        self.state = State::Over;
        if let Some(event) = event {
            stack.event(event);
        }
        stack.event(Event::Ended { id: self.id });
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Over)
    }
}
