//! Ticks of 1 ms, and the two clocks in which they are named: `Instant` for us, `CLOCK_MONOTONIC` for the kernel.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Counts milliseconds from one moment, known in both clocks.
#[derive(Debug)]
pub(super) struct Ticks {
    instant: Instant,
    monotonic: Timespec,
}

impl Ticks {
    /// A timer that expires once does not repeat.
    pub(super) const NO_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    /// Tick 0 is now.
    pub(super) fn start() -> Self {
        // In this order the kernel's moment is the later one by some nanoseconds, and no timer expires too early.
        let instant = Instant::now();
        Self { instant, monotonic: clock_gettime(ClockId::Monotonic) }
    }

    /// The last tick at or before `now`.
    pub(super) fn passed(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.instant);
        since.as_secs() * TICKS_PER_SECOND + u64::from(since.subsec_millis())
    }

    /// The first tick at or after `deadline`.
    pub(super) fn due(&self, deadline: Instant) -> u64 {
        let ahead = deadline.saturating_duration_since(self.instant);
        ahead.as_secs() * TICKS_PER_SECOND + u64::from(ahead.subsec_nanos()).div_ceil(NANOS_PER_TICK)
    }

    /// When `tick` is, for us.
    pub(super) fn instant(&self, tick: u64) -> Instant {
        self.instant + Duration::from_millis(tick)
    }

    /// When `tick` is, for the kernel.
    pub(super) fn monotonic(&self, tick: u64) -> Timespec {
        let nanos = self.monotonic.tv_nsec as u64 + (tick % TICKS_PER_SECOND) * NANOS_PER_TICK;
        let seconds = tick / TICKS_PER_SECOND + nanos / NANOS_PER_SECOND;
        Timespec { tv_sec: self.monotonic.tv_sec.saturating_add_unsigned(seconds), tv_nsec: (nanos % NANOS_PER_SECOND) as i64 }
    }
}

const NANOS_PER_TICK: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const TICKS_PER_SECOND: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_falls_into_the_tick_after_it() {
        let ticks = Ticks::start();
        assert_eq!(ticks.due(ticks.instant(20)), 20);
        assert_eq!(ticks.due(ticks.instant(20) + Duration::from_nanos(1)), 21);
        assert_eq!(ticks.passed(ticks.instant(20) + Duration::from_nanos(999_999)), 20);
        assert_eq!(ticks.due(ticks.instant.checked_sub(Duration::from_secs(1)).unwrap()), 0);
    }

    #[test]
    fn the_kernel_hears_the_same_moment() {
        let ticks = Ticks { instant: Instant::now(), monotonic: Timespec { tv_sec: 7, tv_nsec: 999_500_000 } };
        let at = ticks.monotonic(61_234);
        assert_eq!((at.tv_sec, at.tv_nsec), (7 + 61 + 1, 233_500_000));
    }
}
