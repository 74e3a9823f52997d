//! Interarrival jitter (RFC 3550 §6.4.1, appendix A.8), in whole numbers as the appendix has it.

use std::time::{Duration, Instant};

use crate::units::{ClockRate, RtpTimestamp};

/// The estimator of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter {
    clock_rate: ClockRate,
    /// The packet that the next one is measured against.
    last: Option<(Instant, RtpTimestamp)>,
    /// Sixteen times the estimate, in ticks.
    scaled: u32,
}

impl Jitter {
    pub(super) const fn new(clock_rate: ClockRate) -> Self {
        Self { clock_rate, last: None, scaled: 0 }
    }

    /// Takes the arrival of a packet.
    ///
    /// A packet with the timestamp of the one before is passed over: telephone-events repeat theirs (RFC 4733 §2.5.1)
    /// and would read as a growing delay. A difference of more than [`LEAP`] is a new timeline, not jitter.
    pub(super) fn update(&mut self, now: Instant, timestamp: RtpTimestamp) {
        let Some((arrived, stamped)) = self.last else {
            self.last = Some((now, timestamp));
            return;
        };
        let media = i64::from(timestamp.since(stamped));
        if media == 0 {
            return;
        }
        self.last = Some((now, timestamp));
        let elapsed = i64::try_from(self.clock_rate.ticks(now.saturating_duration_since(arrived))).unwrap_or(i64::MAX);
        let difference = elapsed.saturating_sub(media).unsigned_abs();
        if difference > self.clock_rate.ticks(LEAP) {
            return;
        }
        let difference = u32::try_from(difference).unwrap_or(u32::MAX);
        self.scaled = self.scaled.saturating_add(difference).saturating_sub((self.scaled + 8) >> 4);
    }

    /// The estimate in ticks, as a report block has it.
    pub(super) const fn ticks(&self) -> u32 {
        self.scaled >> 4
    }

    /// The estimate in milliseconds.
    pub(super) fn millis(&self) -> f64 {
        millis(self.ticks(), self.clock_rate)
    }
}

/// Ticks in milliseconds; nought where the clock rate is.
pub(super) fn millis(ticks: u32, clock_rate: ClockRate) -> f64 {
    if clock_rate.0 == 0 { 0.0 } else { f64::from(ticks) * 1_000.0 / f64::from(clock_rate.0) }
}

/// As the reorder stage resets at a gap of two seconds, so does the estimate.
const LEAP: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn start() -> Instant {
        Instant::now()
    }

    const PTIME: Duration = Duration::from_millis(20);

    #[test]
    fn a_steady_stream_has_none() {
        let mut jitter = Jitter::new(ClockRate::HZ_8000);
        let start = start();
        for n in 0..100u32 {
            jitter.update(start + PTIME * n, RtpTimestamp(n * 160));
        }
        assert_eq!(jitter.ticks(), 0);
    }

    #[test]
    fn delays_of_nought_and_ten_milliseconds_in_turns_converge_to_ten() {
        let mut jitter = Jitter::new(ClockRate::HZ_8000);
        let start = start();
        for n in 0..500u32 {
            let delay = Duration::from_millis(if n % 2 == 0 { 0 } else { 10 });
            jitter.update(start + PTIME * n + delay, RtpTimestamp(n * 160));
        }
        assert!((jitter.millis() - 10.0).abs() < 0.5, "{} ms", jitter.millis());
    }

    #[test]
    fn repeated_timestamps_of_a_telephone_event_add_none() {
        let mut jitter = Jitter::new(ClockRate::HZ_8000);
        let start = start();
        for n in 0..50u32 {
            let timestamp = if (10..30).contains(&n) { 1_600 } else { n * 160 };
            jitter.update(start + PTIME * n, RtpTimestamp(timestamp));
        }
        assert_eq!(jitter.ticks(), 0);
    }

    #[test]
    fn a_leap_of_the_timestamp_adds_none() {
        let mut jitter = Jitter::new(ClockRate::HZ_8000);
        let start = start();
        for n in 0..50u32 {
            let leap = if n < 25 { 0 } else { 0x4000_0000 };
            jitter.update(start + PTIME * n, RtpTimestamp(leap + n * 160));
        }
        assert_eq!(jitter.ticks(), 0);
    }
}
