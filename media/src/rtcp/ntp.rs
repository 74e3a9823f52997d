//! Wall-clock time in reports (RFC 3550 §4), from a pair that the caller took once.

use std::time::{Duration, Instant};

/// One moment on both clocks: the monotonic one of this process and that of NTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpBase {
    /// The moment.
    pub at: Instant,
    /// The same moment in units of 2⁻³² s since 1900-01-01 UTC.
    pub ntp: u64,
}

impl NtpBase {
    /// `now` as an NTP timestamp; moments before the pair count as the pair.
    #[must_use]
    pub fn timestamp(&self, now: Instant) -> u64 {
        self.ntp.wrapping_add(fraction(now.saturating_duration_since(self.at), 32))
    }

    /// The middle 32 bits of `now`: units of 2⁻¹⁶ s, as LSR has them.
    pub(super) fn short(&self, now: Instant) -> u32 {
        middle(self.timestamp(now))
    }
}

/// The middle 32 bits of an NTP timestamp.
#[expect(clippy::cast_possible_truncation, reason = "the middle bits are what is asked for")]
pub(super) const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A duration in units of 2⁻¹⁶ s, as DLSR has it; at most what 32 bits hold (18 hours).
pub(super) fn short_duration(duration: Duration) -> u32 {
    u32::try_from(fraction(duration, 16)).unwrap_or(u32::MAX)
}

/// Units of 2⁻¹⁶ s as a duration.
pub(super) fn from_short(units: u32) -> Duration {
    Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16)
}

/// A duration in units of 2^−bits seconds.
#[expect(clippy::cast_possible_truncation, reason = "wraps in 136 years, as NTP itself does")]
const fn fraction(duration: Duration, bits: u32) -> u64 {
    ((duration.as_nanos() << bits) / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn half_a_second_after_the_pair_is_half_a_second_on_the_ntp_clock() {
        let base = NtpBase { at: Instant::now(), ntp: 7 << 32 };
        assert_eq!(base.timestamp(base.at + Duration::from_millis(500)), (7 << 32) + (1 << 31));
        assert_eq!(base.short(base.at + Duration::from_millis(500)), (7 << 16) + (1 << 15));
    }

    #[test]
    fn short_durations_go_there_and_back() {
        let duration = Duration::from_millis(1_500);
        assert_eq!(short_duration(duration), 3 << 15);
        assert_eq!(from_short(3 << 15), duration);
        assert_eq!(short_duration(Duration::from_secs(1 << 20)), u32::MAX);
    }
}
