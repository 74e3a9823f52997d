//! Responses to requests of ours, and their absence.

use std::time::Instant;

use super::established::Established;
use super::exchange::{Carrier, Exchange};
use super::outbound::Answerer;
use super::reoffering::Survival;
use super::{Invite, State};
use crate::endpoint::{Event, Stack};
use crate::header::{Causes, Method, StatusCode};
use crate::message::Response;
use crate::transaction::{ClientId, Report, Reported};

impl Invite {
    pub(crate) fn handle_response(&mut self, now: Instant, method: Method, client: ClientId, response: &Response, stack: &mut Stack) {
        if self.outbound.as_ref().is_some_and(|outbound| outbound.client() == client) {
            return self.handle_invite_response(now, response, stack);
        }
        if method == Method::Bye {
            if !response.status().is_provisional() {
                self.closed(now, client, stack);
            }
            return;
        }
        let mut survival = Survival::Alive;
        for usage in self.usages() {
            if usage.is_reoffer(client) {
                survival = usage.handle_reoffer_response(now, response, stack);
            } else if usage.is_refer(client) {
                usage.handle_refer_response(response, stack);
            }
        }
        if survival == Survival::Dead {
            self.lose(now, stack);
        }
    }

    pub(crate) fn handle_report(&mut self, now: Instant, reported: &Reported, stack: &mut Stack) {
        if self.outbound.as_ref().is_some_and(|outbound| outbound.client() == reported.client) {
            self.outbound = None;
            let failure = match reported.report {
                Report::TimedOut => Event::TimedOut { id: self.id },
                Report::Unreachable => Event::Unreachable { id: self.id },
                Report::Terminated => return,
            };
            if let State::Calling(calling) = &self.state {
                let event = (!calling.is_ending()).then_some(failure);
                self.end(now, event, stack);
            }
            return;
        }
        if reported.report == Report::Terminated {
            return;
        }
        if reported.method == Method::Bye {
            return self.closed(now, reported.client, stack);
        }
        let mut lost = false;
        for usage in self.usages() {
            lost |= usage.is_reoffer(reported.client);
            if usage.is_refer(reported.client) {
                usage.give_up_refer(stack);
            }
        }
        if lost {
            self.lose(now, stack);
        }
    }

    fn handle_invite_response(&mut self, now: Instant, response: &Response, stack: &mut Stack) {
        let status = response.status();
        if status.is_success() {
            return self.handle_success(now, response, stack);
        }
        let State::Calling(calling) = &mut self.state else {
            if !status.is_provisional() {
                self.outbound = None;
            }
            return;
        };
        if status.is_provisional() {
            return calling.handle_provisional(now, self.id, response, self.outbound.as_deref(), stack);
        }
        if status == StatusCode::SESSION_INTERVAL_TOO_SMALL
            && !calling.is_ending()
            && let Some(outbound) = self.outbound.as_mut()
            && outbound.ask_for_longer(now, self.id, response.headers().min_se(), stack)
        {
            return calling.start_over(now, stack);
        }
        // The transaction has acknowledged the refusal and will do so again.
        self.outbound = None;
        let event = (!calling.is_ending()).then_some(Event::Refused { id: self.id, status, causes: response.headers().causes() });
        self.end(now, event, stack);
    }

    /// A 2xx to our INVITE: the first makes the call, copies are acknowledged again, other forks are ended (§13.2.2.4).
    fn handle_success(&mut self, now: Instant, response: &Response, stack: &mut Stack) {
        let Some(outbound) = self.outbound.as_deref_mut() else { return };
        if outbound.answerer(response, stack) != Answerer::New {
            return;
        }
        let remote_tag = response.headers().to().and_then(|to| to.tag()).unwrap_or_default();
        let early = match &mut self.state {
            State::Calling(calling) => calling.take_early(remote_tag),
            _ => None,
        };
        let (mut usage, early_sdp) = match early {
            Some((mut usage, sdp)) => {
                usage.dialog.confirm(response);
                (usage, sdp)
            }
            None => match outbound.usage(self.id, response, stack) {
                Some(usage) => (usage, bytes::Bytes::new()),
                None => return,
            },
        };
        let wanted = matches!(&self.state, State::Calling(calling) if !calling.is_ending());
        if let State::Calling(others) = &mut self.state {
            others.refuse_all(now, stack);
        }
        if !wanted {
            usage.refuse_all(now, stack);
            outbound.acknowledge(&usage.dialog, b"", stack);
            let ours = matches!(self.state, State::Calling(_));
            let bye = stack.bye(now, &mut usage.dialog, Causes::default(), ours.then_some(self.id));
            if ours {
                self.state = State::Closing(bye);
            }
            return;
        }
        usage.peer.learn(response.headers());
        usage.answered = true;
        usage.take_session(now, outbound.sent(), response.headers(), stack);
        let body = response.sdp();
        if outbound.asks_for_offer() && matches!(usage.exchange, Exchange::Fresh) && !body.is_empty() {
            outbound.hold_ack(&usage.dialog);
            stack.event(Event::Answered { id: self.id, sdp: bytes::Bytes::new() });
            usage.ask(Carrier::Success, body, stack);
        } else {
            outbound.acknowledge(&usage.dialog, b"", stack);
            let sdp = match usage.exchange {
                _ if outbound.asks_for_offer() => bytes::Bytes::new(),
                Exchange::Ours if !body.is_empty() => body,
                _ => early_sdp,
            };
            if matches!(usage.exchange, Exchange::Ours | Exchange::Fresh) {
                usage.exchange = Exchange::Settled;
            }
            stack.event(Event::Answered { id: self.id, sdp });
        }
        self.state = State::Established(Box::new(Established::as_caller(usage)));
    }

    /// The far end does not know the call any more, or does not answer: BYE, in case it does hear (RFC 3261 §12.2.1.2).
    fn lose(&mut self, now: Instant, stack: &mut Stack) {
        if matches!(self.state, State::Established(_)) {
            stack.event(Event::TimedOut { id: self.id });
            self.close(now, Causes { sip: Some(StatusCode::REQUEST_TIMEOUT.code()), q850: None }, stack);
        }
    }

    /// Our BYE was answered, however, or nobody answers.
    fn closed(&mut self, now: Instant, bye: ClientId, stack: &mut Stack) {
        if matches!(self.state, State::Closing(ours) if ours == bye) {
            self.end(now, None, stack);
        }
    }
}
