//! How long a packet takes there and back, from the moments that reports carry (RFC 3550 §6.4.1, RFC 3611 §4.5).

use std::time::{Duration, Instant};

use super::ntp::{self, NtpBase};
use super::spread::Extremes;

/// The round trip, last measured and over the call.
#[derive(Debug, Default)]
pub(super) struct RoundTrip {
    pub(super) last: Option<Duration>,
    pub(super) over_call: Extremes,
}

impl RoundTrip {
    /// Takes what the peer says of a moment that we told: the middle of our NTP timestamp, and how long it kept it.
    ///
    /// A peer that tells a longer delay than has passed, or of a moment never told, says nothing of the path. One whose
    /// clock is a little coarse says that the path is short.
    pub(super) fn measure(&mut self, now: Instant, ntp: &NtpBase, told: u32, delay: u32) {
        if told == 0 {
            return;
        }
        let elapsed = ntp.short(now).wrapping_sub(told);
        let trip = elapsed.checked_sub(delay).or_else(|| (delay - elapsed <= COARSE).then_some(0));
        let Some(trip) = trip.map(ntp::from_short).filter(|trip| *trip <= LONGEST) else { return };
        self.last = Some(trip);
        self.over_call.add(trip.as_secs_f64() * 1_000.0);
    }
}

/// Longer than any call could bear: what claims more is not a round trip.
const LONGEST: Duration = Duration::from_secs(30);
/// Two milliseconds, in units of 2⁻¹⁶ s: what a peer that counts in whole milliseconds may tell too much.
const COARSE: u32 = 131;

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn measured(after_ms: u64, told_ago_ms: u64, delay: u32) -> Option<Duration> {
        let ntp = NtpBase { at: Instant::now(), ntp: 0xe000_0000 << 32 };
        let now = ntp.at + Duration::from_millis(after_ms);
        let mut trip = RoundTrip::default();
        trip.measure(now, &ntp, ntp.short(ntp.at + Duration::from_millis(after_ms - told_ago_ms)), delay);
        assert_eq!(trip.last.is_some(), trip.over_call.spread().is_some());
        trip.last
    }

    #[test]
    fn the_trip_is_what_passed_without_what_the_peer_kept() {
        let trip = measured(10_000, 1_580, 3 << 15).unwrap();
        assert!(trip.abs_diff(Duration::from_millis(80)) < Duration::from_micros(40), "{trip:?}");
    }

    #[test]
    fn a_delay_longer_than_the_time_since_is_none_but_for_a_coarse_clock() {
        assert_eq!(measured(10_000, 1_000, 2 << 16), None);
        assert_eq!(measured(10_000, 1_000, u32::MAX), None);
        assert_eq!(measured(10_000, 1_000, (1 << 16) + COARSE), Some(Duration::ZERO));
        assert_eq!(measured(10_000, 1_000, (1 << 16) + COARSE + 2), None);
    }

    #[test]
    fn a_moment_never_told_or_long_ago_is_none() {
        assert_eq!(measured(60_000, 31_000, 0), None);
        let (mut trip, ntp) = (RoundTrip::default(), NtpBase { at: start(), ntp: 0xe000_0000 << 32 });
        trip.measure(ntp.at, &ntp, 0, 0);
        assert_eq!(trip.last, None);
    }

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn start() -> Instant {
        Instant::now()
    }
}
