//! The server transaction of all other requests (RFC 3261 §17.2.2). RFC 4320 forbids provisional responses, so Proceeding never
//! lasts: a transaction waits for its one response in Trying, or begins as Completed where the endpoint answers at once.

use std::time::Instant;

use bytes::Bytes;

use super::{Actions, Pacing, Report, Timer};

#[derive(Debug)]
pub(crate) enum NonInviteServer {
    Trying,
    Completed(Completed),
    Terminated,
}

/// Answered; the response is repeated for each copy of the request until Timer J.
#[derive(Debug)]
pub(crate) struct Completed {
    response: Bytes,
    timer_j: Instant,
}

impl NonInviteServer {
    pub(crate) fn start(now: Instant, pacing: &Pacing, response: Bytes, actions: &mut Actions) -> Self {
        Self::Trying.respond(now, pacing, response, actions)
    }

    /// The one response; a second one changes nothing.
    pub(crate) fn respond(self, now: Instant, pacing: &Pacing, response: Bytes, actions: &mut Actions) -> Self {
        match self {
            Self::Trying => {
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
            Self::Completed(state) if now >= state.timer_j => {
                actions.report = Some(Report::Terminated);
                Self::Terminated
            }
            other => other,
        }
    }

    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self {
            Self::Completed(state) => Some((state.timer_j, Timer::J)),
            Self::Trying | Self::Terminated => None,
        }
    }
}
