//! How well a wheel keeps time: written by its thread, read by whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The counters of one wheel. Only its own thread writes, so plain loads and stores do.
#[derive(Debug, Default)]
pub(in crate::call::thread) struct Counters {
    ticks: AtomicU64,
    late: AtomicU64,
    worst_nanos: AtomicU64,
}

impl Counters {
    pub(super) fn count(&self, lateness: Duration) {
        add(&self.ticks, 1);
        add(&self.late, u64::from(lateness > LATE));
        let nanos = u64::try_from(lateness.as_nanos()).unwrap_or(u64::MAX);
        self.worst_nanos.store(self.worst_nanos.load(Ordering::Relaxed).max(nanos), Ordering::Relaxed);
    }

    pub(in crate::call::thread) fn read(&self) -> WheelStats {
        WheelStats {
            ticks: self.ticks.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            worst: Duration::from_nanos(self.worst_nanos.load(Ordering::Relaxed)),
        }
    }
}

/// How well a wheel keeps time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WheelStats {
    /// Ticks in which the timer woke the thread.
    pub ticks: u64,
    /// Those that came more than a millisecond late: the thread was busy, or others kept it from its core.
    pub late: u64,
    /// The longest lateness since the thread started.
    pub worst: Duration,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}

/// One tick: what is later than this has missed its own.
const LATE: Duration = Duration::from_millis(1);
