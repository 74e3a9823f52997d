//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).

use std::time::Instant;

use bytes::Bytes;

use super::{Actions, Backoff, BackoffStep, Pacing, Report, Timer};
use crate::header::StatusCode;

#[derive(Debug)]
pub(crate) enum InviteServer {
    Proceeding(Proceeding),
    Accepted(Accepted),
    Completed(Completed),
    Confirmed(Confirmed),
    Terminated,
}

/// No final response yet; the last provisional one is repeated for each copy of the INVITE.
#[derive(Debug)]
pub(crate) struct Proceeding {
    provisional: Bytes,
    /// When it goes out by itself: 100 does, once the application has taken its time.
    due: Option<Instant>,
}

/// Answered with 2xx, which the transaction user repeats; copies of the INVITE are absorbed until Timer L.
#[derive(Debug)]
pub(crate) struct Accepted {
    timer_l: Instant,
}

/// Refused; the refusal is repeated (Timer G) until the ACK, or Timer H.
#[derive(Debug)]
pub(crate) struct Completed {
    response: Bytes,
    backoff: Backoff,
}

/// Refusal acknowledged; copies of the ACK are absorbed until Timer I.
#[derive(Debug)]
pub(crate) struct Confirmed {
    timer_i: Instant,
}

/// How far a transaction is, as its user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerPhase {
    /// A final response is still owed.
    Open,
    /// A 2xx went out.
    Accepted,
    /// A refusal went out, or the transaction is over.
    Closed,
}

impl InviteServer {
    /// 100 goes out unless the application says something soon; without one it owes a final response at once.
    pub(crate) fn start(now: Instant, pacing: &Pacing, trying: Option<Bytes>, actions: &mut Actions) -> Self {
        let wait = Some(pacing.trying_after()).filter(|wait| !wait.is_zero());
        if wait.is_none() {
            actions.send.clone_from(&trying);
        }
        let due = trying.as_ref().and(wait).map(|wait| now + wait);
        Self::Proceeding(Proceeding { provisional: trying.unwrap_or_default(), due })
    }

    pub(crate) fn respond(self, now: Instant, pacing: &Pacing, status: StatusCode, response: Bytes, actions: &mut Actions) -> Self {
        match self {
            Self::Proceeding(_) => {
                actions.send = Some(response.clone());
                if status.is_provisional() {
                    Self::Proceeding(Proceeding { provisional: response, due: None })
                } else if status.is_success() {
                    Self::Accepted(Accepted { timer_l: now + pacing.give_up() })
                } else {
                    Self::Completed(Completed { response, backoff: pacing.backoff(now, pacing.t2()) })
                }
            }
            Self::Accepted(accepted) => {
                if status.is_success() {
                    actions.send = Some(response);
                }
                Self::Accepted(accepted)
            }
            other => other,
        }
    }

    /// A copy of the INVITE.
    pub(crate) fn repeat(&self, actions: &mut Actions) {
        match self {
            Self::Proceeding(state) => actions.send = Some(state.provisional.clone()),
            Self::Completed(state) => actions.send = Some(state.response.clone()),
            Self::Accepted(_) | Self::Confirmed(_) | Self::Terminated => {}
        }
    }

    /// An ACK with the branch of the INVITE; that of a 2xx is the transaction user's.
    pub(crate) fn acknowledge(self, now: Instant, pacing: &Pacing) -> Self {
        match self {
            Self::Completed(_) => Self::Confirmed(Confirmed { timer_i: now + pacing.network_empty() }),
            other => other,
        }
    }

    pub(crate) fn timeout(self, now: Instant, actions: &mut Actions) -> Self {
        let terminated = |actions: &mut Actions| {
            actions.report = Some(Report::Terminated);
            Self::Terminated
        };
        match self {
            Self::Proceeding(Proceeding { provisional, due: Some(due) }) if now >= due => {
                actions.send = Some(provisional.clone());
                Self::Proceeding(Proceeding { provisional, due: None })
            }
            Self::Completed(mut state) => match state.backoff.step(now) {
                BackoffStep::Repeat => {
                    actions.send = Some(state.response.clone());
                    Self::Completed(state)
                }
                BackoffStep::NotYet => Self::Completed(state),
                BackoffStep::GiveUp => terminated(actions),
            },
            Self::Accepted(state) if now >= state.timer_l => terminated(actions),
            Self::Confirmed(state) if now >= state.timer_i => terminated(actions),
            other => other,
        }
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Proceeding(state) => state.due.map(|due| (due, Timer::Trying)),
            Self::Terminated => None,
            Self::Accepted(state) => Some((state.timer_l, Timer::L)),
            Self::Completed(state) => Some(state.backoff.deadline(Timer::G, Timer::H)),
            Self::Confirmed(state) => Some((state.timer_i, Timer::I)),
        }
    }

    pub(crate) fn phase(&self) -> ServerPhase {
        match self {
            Self::Proceeding(_) => ServerPhase::Open,
            Self::Accepted(_) => ServerPhase::Accepted,
            Self::Completed(_) | Self::Confirmed(_) | Self::Terminated => ServerPhase::Closed,
        }
    }
}
