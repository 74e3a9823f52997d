//! A connection among those of a call: what it takes over from the one before it, and when its own life ends.

use std::time::{Duration, Instant};

use media::frame::ItemId;

use super::{AgentSession, State};
use crate::agent::config::AgentConfig;
use crate::agent::model::Handover;
use crate::agent::protocol::{Expiry, Recollection};

impl AgentSession {
    /// The next connection of the same call, to this agent or another: it counts its items from `first_item` on, since the call may
    /// still play those of this one; it is told what was said, and hears what no agent has dealt with; it is muted and held as this
    /// one was.
    #[must_use]
    pub fn successor(&self, config: &AgentConfig, handover: Handover, first_item: ItemId) -> Self {
        let Handover { history, owed, audio, in_turn, has_begun } = handover;
        let greeted = AgentConfig { greet_first: false, greeting: None, ..config.clone() };
        let config = if has_begun { &greeted } else { config };
        let adapter = self.adapter.successor(config, &self.facts, first_item, Recollection { history, owed });
        let mut next = Self::over(adapter, config, self.facts.clone());
        (next.muted, next.held) = (self.muted, self.held);
        next.backlog.push(audio.expose());
        if let Some(turns) = next.turns.as_mut().filter(|_| in_turn) {
            turns.begin(Duration::ZERO);
        }
        next
    }

    /// Whether the agent takes the caller's audio.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether this side or the other is done with the connection.
    #[must_use]
    pub fn has_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// What the next utterance of the agent will be called.
    #[must_use]
    pub fn next_item(&self) -> ItemId {
        self.adapter.next_item()
    }

    pub(super) fn expiry_warning_at(&self) -> Option<Instant> {
        let at = self.expires_at.filter(|_| !self.warned_of_expiry && self.state == State::Ready)?;
        Some(at.checked_sub(EXPIRY_WARNING).unwrap_or(at))
    }

    pub(super) fn instant_of(&self, now: Instant, expiry: Expiry) -> Option<Instant> {
        match expiry {
            Expiry::At(unix_time_s) => {
                let ahead = Duration::from_secs(unix_time_s).saturating_sub(self.facts.unix_time);
                self.facts.now.checked_add(ahead.min(MAX_LIFETIME))
            }
            Expiry::In(left) => now.checked_add(left.min(MAX_LIFETIME)),
        }
    }
}

/// Time enough to end a conversation, or to begin another connection.
const EXPIRY_WARNING: Duration = Duration::from_secs(60);

/// No call is that long; keeps a peer's number from leaving the range of the clock.
const MAX_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
