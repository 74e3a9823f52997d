//! The monotonic clock as nanoseconds, and the kernel's receive stamps on the same scale.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// What to subtract from a kernel stamp, which is wall-clock time, to get monotonic time.
pub(crate) fn wall_offset() -> u64 {
    // The two reads are some tens of nanoseconds apart, far below what is measured.
    nanoseconds(clock_gettime(ClockId::Realtime)) - now()
}

fn nanoseconds(at: Timespec) -> u64 {
    at.tv_sec.cast_unsigned() * 1_000_000_000 + at.tv_nsec.cast_unsigned()
}

pub(crate) const MS: u64 = 1_000_000;
