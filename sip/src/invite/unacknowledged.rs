//! A 2xx that waits for its ACK (RFC 3261 §13.3.1.4): repeated by the call, since the transaction is done with it.

use std::time::Instant;

use bytes::Bytes;

use crate::endpoint::Stack;
use crate::transaction::{Backoff, BackoffStep, Timer, Timers};
use crate::transport::Flow;

pub(super) struct Unacknowledged {
    cseq: u32,
    response: Bytes,
    path: Flow,
    backoff: Backoff,
}

impl Unacknowledged {
    /// The 2xx has gone out once.
    pub(super) fn new(now: Instant, cseq: u32, response: Bytes, path: Flow, timers: &Timers) -> Self {
        Self { cseq, response, path, backoff: Backoff::start(now, timers.t1, timers.t2, timers.give_up()) }
    }

    /// True when it is time to give up.
    pub(super) fn timeout(&mut self, now: Instant, stack: &mut Stack) -> bool {
        match self.backoff.step(now) {
            BackoffStep::Repeat => stack.out.send(self.path, Some(self.response.clone())),
            BackoffStep::NotYet => {}
            BackoffStep::GiveUp => return true,
        }
        false
    }

    pub(super) fn cseq(&self) -> u32 {
        self.cseq
    }

    pub(super) fn deadline(&self) -> (Instant, Timer) {
        self.backoff.deadline(Timer::Answer, Timer::AnswerAbandoned)
    }
}
