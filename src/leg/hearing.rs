//! What a leg hears of its line, for calls that want it: faults, figures, and, where the gateway decides turns, when the
//! agent must be silent.
//!
//! A doubt pauses the agent here and at once, since that is all that must be fast; the rest of a decision is the call's.

use std::time::{Duration, Instant};

use media::analysis::{Analysis, AnalysisOutput};
use media::barge_in::{AgentSpeech, Config, Decision};
use media::egress::ReferenceFrame;
use media::units::SampleRate;

use super::{Leg, LegEvent};
use crate::domain::audio_diagnostics::AudioDiagnostics;

/// The analysis of a leg.
#[derive(Debug)]
pub(super) struct Hearing {
    analysis: Analysis,
    /// The agent is silenced until a doubt is settled.
    paused: bool,
    due: Option<Instant>,
}

impl Leg {
    /// Listens to the line from here on; decides turns where it is told how.
    pub fn listen(&mut self, turns: Option<Config>) {
        let analysis = Analysis::new(SampleRate::HZ_8000, turns);
        self.hearing = Some(Box::new(Hearing { analysis, paused: false, due: None }));
        self.ingress.set_tap(true);
        self.egress.set_tap(true);
    }

    /// A doubt is settled: what the agent has to say is played again.
    pub fn settle(&mut self, now: Instant) {
        if let Some(hearing) = &mut self.hearing {
            hearing.paused = false;
        }
        self.obey_direction(now);
    }

    /// Whoever transcribes has understood words of the caller: what was in doubt is an interruption.
    pub fn note_words(&mut self, now: Instant) {
        if let Some(hearing) = &mut self.hearing {
            hearing.analysis.handle_words(now);
            self.drain_hearing(now);
        }
    }

    /// Whether the agent is silenced until a doubt is settled.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.hearing.as_ref().is_some_and(|hearing| hearing.paused)
    }

    /// Hears what came, and does what follows.
    pub(super) fn hear(&mut self, now: Instant) {
        let Some(hearing) = &mut self.hearing else { return };
        while let Some(frame) = self.ingress.poll_tap() {
            hearing.analysis.handle_received(now, &frame);
        }
        let (waiting, more) = (self.egress.queued(), self.egress.awaits_more());
        let speech = AgentSpeech { waiting, more, uninterruptible: self.protected.is_some() };
        hearing.analysis.handle_agent(now, speech);
        hearing.analysis.handle_timeout(now);
        self.drain_hearing(now);
    }

    fn drain_hearing(&mut self, now: Instant) {
        loop {
            let Some(hearing) = &mut self.hearing else { return };
            match hearing.analysis.poll_output() {
                AnalysisOutput::Decision(decision) => {
                    match decision {
                        Decision::Pause => {
                            hearing.paused = true;
                            self.egress.pause();
                        }
                        Decision::Resume { .. } => self.settle(now),
                        // The agent was silenced by somebody else meanwhile: nothing is left to be confirmed, nor to be held back. Behind a
                        // confirmation there is, and who throws it away settles the doubt.
                        Decision::TurnStarted { .. } if self.egress.queued().is_zero() => self.settle(now),
                        Decision::Confirm { .. } | Decision::TurnStarted { .. } | Decision::TurnEnded => {}
                    }
                    self.events.push_back(LegEvent::Turn(decision));
                }
                AnalysisOutput::Warning(warning) => self.events.push_back(LegEvent::Fault(warning)),
                AnalysisOutput::Timeout(due) => {
                    hearing.due = due;
                    return;
                }
            }
        }
    }
}

impl Hearing {
    /// Hears what is sent.
    pub(super) fn handle_sent(&mut self, frame: &ReferenceFrame<'_>) {
        self.analysis.handle_sent(frame);
    }

    /// Nothing is sent for so long.
    pub(super) fn handle_silent_slot(&mut self, length: Duration) {
        self.analysis.handle_silent_slot(length);
    }

    /// When it wants to be woken.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What was found so far.
    pub(super) fn diagnostics(&self) -> AudioDiagnostics {
        AudioDiagnostics::from(&self.analysis.diagnostics())
    }
}
