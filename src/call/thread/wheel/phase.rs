//! Who sends in which millisecond of the 20 ms grid.
//!
//! Calls are answered when they are answered: left to chance, dozens of them would send in the same millisecond and
//! the last would be late, while other milliseconds pass empty. Each call is given the emptiest phase instead.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use super::Wheel;

/// How many streams send in each phase.
#[derive(Debug, Default)]
pub(super) struct Phases {
    streams: [Cell<u32>; PHASES],
}

impl Phases {
    /// The tick among the twenty from `first` on whose phase has the fewest streams; the earliest of equals.
    fn emptiest(&self, first: u64) -> (u64, usize) {
        (first..first + PHASES as u64)
            .map(|tick| (tick, (tick % PHASES as u64) as usize))
            .min_by_key(|(_, phase)| self.at(*phase).get())
            .unwrap_or((first, 0))
    }

    fn at(&self, phase: usize) -> &Cell<u32> {
        #[expect(clippy::indexing_slicing, reason = "a phase is a tick modulo the number of phases")]
        &self.streams[phase]
    }
}

/// A stream's place in the grid; dropped, it is free for another one.
#[derive(Debug)]
pub struct PhaseLease {
    wheel: Rc<Wheel>,
    phase: usize,
    first: Instant,
}

impl PhaseLease {
    pub(super) fn take(wheel: Rc<Wheel>, now: Instant) -> Self {
        let (tick, phase) = wheel.phases.emptiest(wheel.ticks.passed(now) + 1);
        let streams = wheel.phases.at(phase);
        streams.set(streams.get() + 1);
        let first = wheel.ticks.instant(tick);
        Self { wheel, phase, first }
    }

    /// The first time to send: a tick of the wheel, after the moment of asking and within 20 ms of it. The next ones
    /// follow every 20 ms.
    #[must_use]
    pub fn first_slot(&self) -> Instant {
        self.first
    }
}

impl Drop for PhaseLease {
    fn drop(&mut self) {
        let streams = self.wheel.phases.at(self.phase);
        streams.set(streams.get().saturating_sub(1));
    }
}

/// The grid is that of the usual packet time, 20 ms. Streams of 10, 40 or 60 ms keep to it; those of 30 ms touch two phases.
const PHASES: usize = 20;
