//! The connections of a call to its agents: the one that the conversation is on, and one that stands by.

use std::time::{Duration, Instant};

use crate::agent::model::AgentMessage;
use crate::agent::session::AgentSession;

/// One connection of a call to an agent, counted from 1 in the order in which they are begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u32);

/// The connection that the conversation is on.
pub(super) struct Link {
    pub(super) id: LinkId,
    /// Which of the agents is at its other end.
    pub(super) member: usize,
    pub(super) session: AgentSession,
    pub(super) stage: Stage,
    /// The agent was heard on it.
    pub(super) proved: bool,
    /// It was found wanting by something the agent said.
    pub(super) condemned: bool,
    /// The agent has hung up on it.
    pub(super) hung_up: bool,
    /// Something failed in the agent's turn that runs.
    pub(super) faulted: bool,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// To be dialled then.
    Waiting { until: Instant },
    /// Being dialled, or taking our settings; given up then, where there is another.
    Opening { until: Option<Instant> },
    /// The agent hears the caller.
    Ready { since: Instant },
}

impl Link {
    /// One that is to be dialled.
    pub(super) const fn new(id: LinkId, member: usize, session: AgentSession, until: Instant) -> Self {
        Self { id, member, session, stage: Stage::Waiting { until }, proved: false, condemned: false, hung_up: false, faulted: false }
    }

    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. })
    }

    /// Whether it has been good for something.
    pub(super) fn has_held(&self, now: Instant) -> bool {
        self.proved || self.has_stood(now)
    }

    /// Whether the agent has been ready for a while.
    pub(super) fn has_stood(&self, now: Instant) -> bool {
        matches!(self.stage, Stage::Ready { since } if now.saturating_duration_since(since) >= SETTLED)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let own = match self.stage {
            Stage::Waiting { until } => Some(until),
            Stage::Opening { until } => until,
            Stage::Ready { .. } => None,
        };
        [own, self.session.poll_timeout()].into_iter().flatten().min()
    }
}

/// A connection beside the conversation's.
pub(super) struct Standby {
    pub(super) id: LinkId,
    pub(super) member: usize,
    pub(super) readiness: Readiness,
}

/// How far it has come.
pub(super) enum Readiness {
    /// Being dialled.
    Dialled,
    /// It stands, and the agent was told nothing yet; what it said by itself.
    Standing(Early),
    /// The agent takes our settings and the conversation so far, as it was at this step.
    Opening(Box<AgentSession>, u64),
}

impl Standby {
    pub(super) fn session(&mut self) -> Option<&mut AgentSession> {
        match &mut self.readiness {
            Readiness::Opening(session, _) => Some(session),
            Readiness::Dialled | Readiness::Standing(_) => None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.readiness {
            Readiness::Opening(session, _) => session.poll_timeout(),
            Readiness::Dialled | Readiness::Standing(_) => None,
        }
    }
}

/// What an agent says on a connection that stands by, to whom nobody has said anything: with some that is their welcome, and said once.
#[derive(Default)]
pub(super) struct Early(Vec<String>);

impl Early {
    /// Keeps it; false where it is more than a welcome. Bytes are sound, which nobody hears.
    pub(super) fn keep(&mut self, message: AgentMessage<'_>) -> bool {
        let AgentMessage::Text(text) = message else { return true };
        let length = self.0.iter().map(String::len).sum::<usize>() + text.len();
        let fits = self.0.len() < MAX_EARLY_MESSAGES && length <= MAX_EARLY_LEN_BYTES;
        if fits {
            self.0.push(text.to_owned());
        }
        fits
    }

    /// The socket is the session's from here on: it is told of it, and of what came before.
    pub(super) fn hand_to(&self, now: Instant, session: &mut AgentSession) {
        session.handle_connected(now);
        for text in &self.0 {
            session.handle_message(now, AgentMessage::Text(text));
        }
    }
}

/// A connection that stood so long was a good one.
const SETTLED: Duration = Duration::from_secs(10);

/// Services greet with one or two; the rest is room for their pings.
const MAX_EARLY_MESSAGES: usize = 8;
const MAX_EARLY_LEN_BYTES: usize = 64 * 1024;
