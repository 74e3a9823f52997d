//! The server transaction of all other requests (RFC 3261 §17.2.2). RFC 4320 forbids provisional responses, so Proceeding never
//! lasts: a transaction waits for its one response in Trying, or begins as Completed where the endpoint answers at once. Its client has
//! given up after 64 × T1 and may not be told 408 (§4.2), so what nobody has answered by then ends without a word.

use std::time::Instant;

use bytes::Bytes;

use super::{Actions, Pacing, Report, Timer};

#[derive(Debug)]
pub(crate) enum NonInviteServer {
    Trying(Trying),
    Completed(Completed),
    Terminated,
}

/// The response is owed, for as long as its client waits.
#[derive(Debug)]
pub(crate) struct Trying {
    ends_at: Instant,
}

/// Answered; the response is repeated for each copy of the request until Timer J.
#[derive(Debug)]
pub(crate) struct Completed {
    response: Bytes,
    timer_j: Instant,
}

impl NonInviteServer {
    pub(crate) fn wait(now: Instant, pacing: &Pacing) -> Self {
        Self::Trying(Trying { ends_at: now + pacing.give_up() })
    }

    pub(crate) fn start(now: Instant, pacing: &Pacing, response: Bytes, actions: &mut Actions) -> Self {
        Self::wait(now, pacing).respond(now, pacing, response, actions)
    }

    /// The one response; a second one changes nothing.
    pub(crate) fn respond(self, now: Instant, pacing: &Pacing, response: Bytes, actions: &mut Actions) -> Self {
        match self {
            Self::Trying(_) => {
                actions.send = Some(response.clone());
                Self::Completed(Completed { response, timer_j: now + pacing.copies_end() })
            }
            other => other,
        }
    }

    /// A copy of the request.
    pub(crate) fn repeat(&self, actions: &mut Actions) {
        if let Self::Completed(state) = self {
            actions.send = Some(state.response.clone());
        }
    }

    pub(crate) fn timeout(self, now: Instant, actions: &mut Actions) -> Self {
        match self {
            Self::Trying(Trying { ends_at: end }) | Self::Completed(Completed { timer_j: end, .. }) if now >= end => {
                actions.report = Some(Report::Terminated);
                Self::Terminated
            }
            other => other,
        }
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Trying(state) => Some((state.ends_at, Timer::Unanswered)),
            Self::Completed(state) => Some((state.timer_j, Timer::J)),
            Self::Terminated => None,
        }
    }
}
