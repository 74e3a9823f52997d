//! The timers of a call: one table, each with its reason.

use std::time::Instant;

/// Why a call wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The agent did not become ready before the call was answered.
    AgentReady,
    /// The far end did not answer.
    NoAnswer,
    /// The call has lasted as long as it may.
    MaxDuration,
    /// No RTP for too long.
    RtpSilence,
}

impl Timer {
    const ALL: [Self; 4] = [Self::AgentReady, Self::NoAnswer, Self::MaxDuration, Self::RtpSilence];
}

/// One deadline a timer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    /// Sets a deadline, in place of an earlier one.
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = Some(at);
        }
    }

    /// Takes a deadline back.
    pub(super) fn clear(&mut self, timer: Timer) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = None;
        }
    }

    /// The nearest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// A timer that is due, taken out of the table.
    pub(super) fn expired(&mut self, now: Instant) -> Option<Timer> {
        let (timer, slot) = Timer::ALL.into_iter().zip(&mut self.0).find(|(_, slot)| slot.is_some_and(|at| at <= now))?;
        *slot = None;
        Some(timer)
    }
}
