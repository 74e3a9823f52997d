//! The client transaction of all other requests (RFC 3261 §17.1.2).

use std::time::Instant;

use bytes::Bytes;

use super::{Actions, Backoff, BackoffStep, Pacing, Report, Timer};
use crate::header::StatusCode;

#[derive(Debug)]
pub(crate) enum NonInviteClient {
    Trying(Trying),
    Proceeding(Proceeding),
    Completed(Completed),
    Terminated,
}

/// Nothing came back yet: repeated at doubling intervals (Timer E) until Timer F.
#[derive(Debug)]
pub(crate) struct Trying {
    request: Bytes,
    backoff: Backoff,
}

/// A provisional response came: repeated every T2 (Timer E) until Timer F.
#[derive(Debug)]
pub(crate) struct Proceeding {
    request: Bytes,
    backoff: Backoff,
}

/// Answered; copies of the response are absorbed until Timer K.
#[derive(Debug)]
pub(crate) struct Completed {
    timer_k: Instant,
}

impl NonInviteClient {
    pub(crate) fn start(now: Instant, pacing: &Pacing, request: Bytes, actions: &mut Actions) -> Self {
        actions.send = Some(request.clone());
        Self::Trying(Trying { request, backoff: pacing.backoff(now, pacing.t2()) })
    }

    /// Whether the transaction user shall see the response.
    pub(crate) fn receive(self, now: Instant, pacing: &Pacing, status: StatusCode) -> (Self, bool) {
        match self {
            Self::Trying(Trying { request, mut backoff }) if status.is_provisional() => {
                backoff.slow_down(pacing.t2());
                (Self::Proceeding(Proceeding { request, backoff }), true)
            }
            Self::Proceeding(state) if status.is_provisional() => (Self::Proceeding(state), true),
            Self::Trying(_) | Self::Proceeding(_) => (Self::Completed(Completed { timer_k: now + pacing.network_empty() }), true),
            other => (other, false),
        }
    }

    pub(crate) fn timeout(mut self, now: Instant, actions: &mut Actions) -> Self {
        match &mut self {
            Self::Trying(Trying { request, backoff }) | Self::Proceeding(Proceeding { request, backoff }) => match backoff.step(now) {
                BackoffStep::Repeat => actions.send = Some(request.clone()),
                BackoffStep::NotYet => {}
                BackoffStep::GiveUp => {
                    actions.report = Some(Report::TimedOut);
                    return Self::Terminated;
                }
            },
            Self::Completed(state) if now >= state.timer_k => {
                actions.report = Some(Report::Terminated);
                return Self::Terminated;
            }
            Self::Completed(_) | Self::Terminated => {}
        }
        self
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Trying(Trying { backoff, .. }) | Self::Proceeding(Proceeding { backoff, .. }) => {
                Some(backoff.deadline(Timer::E, Timer::F))
            }
            Self::Completed(state) => Some((state.timer_k, Timer::K)),
            Self::Terminated => None,
        }
    }
}
