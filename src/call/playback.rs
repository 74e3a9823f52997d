//! What becomes of the agent's audio: told to the agent, so that it knows what was heard, and written down.

use std::time::{Duration, Instant};

use media::egress::{EgressEvent, FlushScope, ItemPosition, MarkId};
use media::frame::ItemId;

use super::agents::Agents;
use super::journal::Journal;
use crate::agent::model::{AgentCommand, BargeInCause, ClearScope, PlaybackState};
use crate::domain::timeline::Moment;
use crate::leg::plan::PlannedLeg;

/// Silences the agent. What it had said to the caller's ears is told to it by the leg's events.
pub(super) fn silence(now: Instant, leg: &mut PlannedLeg, scope: ClearScope) -> Duration {
    let scope = match scope {
        ClearScope::All => FlushScope::All,
        ClearScope::UpTo(item) => FlushScope::UpTo(item),
    };
    leg.flush(now, scope)
}

/// Whether an event tells of this item.
pub(super) fn is_of(event: &EgressEvent, wanted: ItemId) -> bool {
    match event {
        EgressEvent::ItemStarted(at) | EgressEvent::ItemFinished(at) | EgressEvent::ItemFlushed(at) => at.item == wanted,
        EgressEvent::QueueFull { .. } | EgressEvent::MarkReached { .. } | EgressEvent::Underrun(_) => false,
    }
}

/// Marks the end of what the agent has said so far. Where nobody can hear it, nothing is waited for.
pub(super) fn mark_place(now: Instant, leg: &mut PlannedLeg, agents: &mut Agents, mark: MarkId) {
    match leg.agreed() {
        Some(leg) => leg.mark(now, mark),
        None => agents.handle_command(now, AgentCommand::MarkReached { mark, cleared: true }),
    }
}

/// What became of an item goes to the agent and into the journal.
pub(super) fn report_playback(now: Instant, leg: &mut PlannedLeg, agents: &mut Agents, journal: &mut Journal, event: EgressEvent) {
    let mut tell = |position: ItemPosition, state| {
        let ItemPosition { item, played_ms, .. } = position;
        agents.handle_command(now, AgentCommand::Playback { item, played_ms, state });
    };
    match event {
        EgressEvent::ItemStarted(position) => {
            tell(position, PlaybackState::Started);
            journal.item_started(now, position.item);
        }
        EgressEvent::ItemFinished(position) => {
            tell(position, PlaybackState::Finished);
            journal.item_ended(position.item, position.played_ms, false);
        }
        EgressEvent::ItemFlushed(position) => {
            tell(position, PlaybackState::Cleared);
            journal.item_ended(position.item, position.played_ms, true);
        }
        EgressEvent::QueueFull { .. } => {
            // A speech with a hole in it is none: first that it ends here, then what of it was heard.
            agents.handle_command(now, AgentCommand::BargeIn(BargeInCause::Overflow));
            silence(now, leg, ClearScope::All);
            journal.mark_once(now, Moment::Warning { code: "agent_audio_overflow".to_owned() });
        }
        EgressEvent::MarkReached { mark, cleared } => agents.handle_command(now, AgentCommand::MarkReached { mark, cleared }),
        EgressEvent::Underrun(_) => {}
    }
}
