//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Actions, Backoff, BackoffStep, Pacing, Report, Timer};
use crate::header::StatusCode;

#[derive(Debug)]
pub(crate) enum InviteClient {
    Calling(Calling),
    Proceeding(Proceeding),
    Accepted(Accepted),
    Completed(Completed),
    Terminated,
}

/// Nothing came back yet: the INVITE is repeated (Timer A) until Timer B.
#[derive(Debug)]
pub(crate) struct Calling {
    request: Bytes,
    backoff: Backoff,
    ends_at: Option<Instant>,
}

/// A provisional response came: no timer runs (§17.1.1.2), unless nobody waits for the final one any more.
#[derive(Debug)]
pub(crate) struct Proceeding {
    ends_at: Option<Instant>,
}

/// A 2xx came; copies and those of other forks go to the transaction user until Timer M.
#[derive(Debug)]
pub(crate) struct Accepted {
    timer_m: Instant,
}

/// Refused and acknowledged; the ACK is repeated for each copy of the refusal until Timer D.
#[derive(Debug)]
pub(crate) struct Completed {
    ack: Bytes,
    timer_d: Instant,
}

impl InviteClient {
    pub(crate) fn start(now: Instant, pacing: &Pacing, request: Bytes, actions: &mut Actions) -> Self {
        actions.send = Some(request.clone());
        // Timer A doubles without a ceiling; 64 × T1 ends it.
        Self::Calling(Calling { request, backoff: pacing.backoff(now, Duration::MAX), ends_at: None })
    }

    /// Its user is done with it: a final response is waited for until `ends_at` and no longer.
    pub(crate) fn leave(self, ends_at: Instant) -> Self {
        match self {
            Self::Calling(state) => Self::Calling(Calling { ends_at: Some(ends_at), ..state }),
            Self::Proceeding(_) => Self::Proceeding(Proceeding { ends_at: Some(ends_at) }),
            other => other,
        }
    }

    /// Whether the transaction user shall see the response. `ack` builds the ACK of a refusal (§17.1.1.3).
    pub(crate) fn receive(
        self,
        now: Instant,
        pacing: &Pacing,
        status: StatusCode,
        ack: impl FnOnce() -> Bytes,
        actions: &mut Actions,
    ) -> (Self, bool) {
        match self {
            Self::Calling(Calling { ends_at, .. }) | Self::Proceeding(Proceeding { ends_at }) if status.is_provisional() => {
                (Self::Proceeding(Proceeding { ends_at }), true)
            }
            Self::Calling(_) | Self::Proceeding(_) if status.is_success() => {
                (Self::Accepted(Accepted { timer_m: now + pacing.give_up() }), true)
            }
            Self::Calling(_) | Self::Proceeding(_) => {
                let ack = ack();
                actions.send = Some(ack.clone());
                (Self::Completed(Completed { ack, timer_d: now + pacing.copies_end() }), true)
            }
            Self::Accepted(state) => (Self::Accepted(state), status.is_success()),
            Self::Completed(state) => {
                if !status.is_provisional() && !status.is_success() {
                    actions.send = Some(state.ack.clone());
                }
                (Self::Completed(state), false)
            }
            Self::Terminated => (Self::Terminated, false),
        }
    }

    pub(crate) fn timeout(self, now: Instant, actions: &mut Actions) -> Self {
        match self {
            Self::Calling(mut state) => match state.backoff.step(now) {
                BackoffStep::Repeat => {
                    actions.send = Some(state.request.clone());
                    Self::Calling(state)
                }
                BackoffStep::NotYet => Self::Calling(state),
                BackoffStep::GiveUp => {
                    actions.report = Some(Report::TimedOut);
                    Self::Terminated
                }
            },
            Self::Proceeding(Proceeding { ends_at: Some(end) })
            | Self::Accepted(Accepted { timer_m: end })
            | Self::Completed(Completed { timer_d: end, .. })
                if now >= end =>
            {
                actions.report = Some(Report::Terminated);
                Self::Terminated
            }
            other => other,
        }
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Calling(state) => Some(state.backoff.deadline(Timer::A, Timer::B)),
            Self::Accepted(state) => Some((state.timer_m, Timer::M)),
            Self::Completed(state) => Some((state.timer_d, Timer::D)),
            Self::Proceeding(state) => state.ends_at.map(|end| (end, Timer::Left)),
            Self::Terminated => None,
        }
    }
}
