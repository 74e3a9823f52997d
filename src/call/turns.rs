//! Turns that the gateway decides, and faults of the line, as the agent and the journal are told of them.

use std::time::{Duration, Instant};

use media::analysis::Warning;
use media::barge_in::{Config, Decision};

use super::agents::Agents;
use super::journal::Journal;
use super::playback::silence;
use crate::agent::model::{AgentCommand, BargeInCause, ClearScope};
use crate::domain::timeline::Moment;
use crate::leg::plan::PlannedLeg;

/// What a call knows of turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Whether the line is listened to, and how turns are decided, where the gateway does it.
    pub(super) rules: Option<Option<Config>>,
    /// The caller has finished before the agent was ready to be told.
    owed: bool,
}

impl Turns {
    /// Does what was decided, but for the pause, which the leg has done.
    pub(super) fn decide(&mut self, now: Instant, decision: Decision, leg: &mut PlannedLeg, agents: &mut Agents, journal: &mut Journal) {
        match decision {
            Decision::Pause => journal.mark(now, Moment::AgentPaused),
            Decision::Resume { heard } => journal.mark(now, Moment::AgentResumed { heard_ms: millis(heard) }),
            Decision::Confirm { .. } => {
                // First that it was interrupted, then what of it was heard.
                if agents.is_ready() {
                    agents.handle_command(now, AgentCommand::BargeIn(BargeInCause::LocalVad));
                }
                let discarded = silence(now, leg, ClearScope::All);
                if let Some(leg) = leg.agreed() {
                    leg.settle(now);
                }
                journal.barged_in(now, discarded);
            }
            Decision::TurnStarted { began } => {
                self.owed = false;
                agents.handle_command(now, AgentCommand::TurnStarted { ago: now.saturating_duration_since(began) });
                journal.caller_started(began);
            }
            Decision::TurnEnded => {
                let silence = self.rules.flatten().map_or(Duration::ZERO, |turns| turns.silence);
                journal.caller_stopped(now, now.checked_sub(silence).unwrap_or(now));
                self.owed = !agents.is_ready();
                if agents.is_ready() {
                    agents.handle_command(now, AgentCommand::TurnEnded);
                }
            }
        }
    }

    /// Another connection takes over, on which turns are decided by `rules` where the gateway does it; `owed`: the caller has
    /// finished a turn that is heard there again. What the line is to be listened to for from now on, where that changes.
    pub(super) fn passed(&mut self, rules: Option<Config>, owed: bool) -> Option<Option<Config>> {
        self.owed = rules.is_some() && owed;
        let wanted = (self.rules.is_some() || rules.is_some()).then_some(rules);
        let changes = wanted != self.rules;
        self.rules = wanted;
        wanted.filter(|_| changes)
    }

    /// The agent is ready: it hears of a turn that ended before.
    pub(super) fn agent_ready(&mut self, now: Instant, agents: &mut Agents) {
        if std::mem::take(&mut self.owed) {
            agents.handle_command(now, AgentCommand::TurnEnded);
        }
    }
}

/// A fault of the line is written down, with its measure.
pub(super) fn report_fault(now: Instant, journal: &mut Journal, warning: Warning) {
    let Warning { condition, measured } = warning;
    let reason = format!("{measured:.3} {}", condition.unit());
    journal.mark(now, Moment::AudioWarning { code: condition.code().to_owned(), reason });
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
