//! Reliable provisional responses of a callee (RFC 3262 §3): numbered, repeated until their PRACK, one at a time; further ones wait.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::endpoint::Stack;
use crate::header::StatusCode;
use crate::transaction::{Backoff, BackoffStep, Timer};
use crate::transport::Flow;

#[derive(Default)]
pub(super) struct Reliable {
    /// The number of the last one sent; 0 before the first.
    last_rseq: u32,
    outstanding: Option<Outstanding>,
    waiting: VecDeque<Provisional>,
}

/// Sent, and not acknowledged yet.
struct Outstanding {
    response: Bytes,
    path: Flow,
    has_sdp: bool,
    backoff: Backoff,
}

/// One to be sent.
pub(super) struct Provisional {
    pub(super) status: StatusCode,
    pub(super) sdp: Bytes,
}

impl Reliable {
    /// Lets one wait for its turn. When too many do, one without a session description gives way.
    pub(super) fn push(&mut self, provisional: Provisional) {
        if self.waiting.len() == MAX_WAITING {
            let droppable = self.waiting.iter().position(|waiting| waiting.sdp.is_empty()).unwrap_or(0);
            self.waiting.remove(droppable);
        }
        self.waiting.push_back(provisional);
    }

    /// The next whose turn it is, with its number.
    pub(super) fn next(&mut self, stack: &mut Stack) -> Option<(u32, Provisional)> {
        if self.outstanding.is_some() {
            return None;
        }
        let provisional = self.waiting.pop_front()?;
        self.last_rseq = if self.last_rseq == 0 { stack.identifiers.first_rseq() } else { self.last_rseq.wrapping_add(1) };
        Some((self.last_rseq, provisional))
    }

    /// It has gone out once.
    pub(super) fn sent(&mut self, now: Instant, response: Bytes, path: Flow, has_sdp: bool, stack: &Stack) {
        let timers = &stack.config.timers;
        // Without a ceiling (§3).
        let backoff = Backoff::start(now, timers.t1, timers.give_up(), timers.give_up());
        self.outstanding = Some(Outstanding { response, path, has_sdp, backoff });
    }

    /// Takes its PRACK; false when it acknowledges nothing that is outstanding.
    pub(super) fn acknowledge(&mut self, rseq: u32) -> bool {
        rseq == self.last_rseq && self.outstanding.take().is_some()
    }

    /// Whether such a number was ever sent: a PRACK may come after the final response (§3).
    pub(super) fn last_rseq(&self) -> u32 {
        self.last_rseq
    }

    /// A 2xx must wait for the PRACK of what carried a session description (§3).
    pub(super) fn holds_back_answer(&self) -> bool {
        self.outstanding.as_ref().is_some_and(|outstanding| outstanding.has_sdp)
            || self.waiting.iter().any(|waiting| !waiting.sdp.is_empty())
    }

    /// True when it is time to give up.
    pub(super) fn timeout(&mut self, now: Instant, stack: &mut Stack) -> bool {
        let Some(outstanding) = &mut self.outstanding else { return false };
        match outstanding.backoff.step(now) {
            BackoffStep::Repeat => stack.out.send(outstanding.path, Some(outstanding.response.clone())),
            BackoffStep::NotYet => {}
            BackoffStep::GiveUp => return true,
        }
        false
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        self.outstanding.as_ref().map(|outstanding| outstanding.backoff.deadline(Timer::Reliable, Timer::ReliableAbandoned))
    }
}

/// More provisional responses than anybody has to tell.
const MAX_WAITING: usize = 8;
