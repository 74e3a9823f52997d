//! Interarrival jitter (RFC 3550 §6.4.1, appendix A.8), in whole ticks as the appendix has it: for reports and for pipelines.

use std::time::{Duration, Instant};

use crate::units::{ClockRate, RtpTimestamp};

/// The running estimate for one stream.
#[derive(Clone, Debug)]
pub(crate) struct Interarrival {
    rate: ClockRate,
    /// The first arrival, from which arrivals are counted in ticks: rounding then never adds up.
    origin: Option<Instant>,
    /// Arrival in ticks since the origin, and timestamp, of the packet that the next one is measured against.
    last: Option<(u64, RtpTimestamp)>,
    /// Sixteen times the estimate, in ticks.
    scaled: u32,
}

impl Interarrival {
    pub(crate) const fn new(rate: ClockRate) -> Self {
        Self { rate, origin: None, last: None, scaled: 0 }
    }

    /// Takes note of a packet; says how far its transit differs from that of the one before, in ticks, where that is jitter.
    ///
    /// A packet with the timestamp of the one before is passed over: telephone-events repeat theirs (RFC 4733 §2.5.1)
    /// and would read as a growing delay. A difference of more than [`LEAP`] is a new timeline, not jitter.
    pub(crate) fn arrived(&mut self, now: Instant, timestamp: RtpTimestamp) -> Option<u32> {
        let arrival = self.rate.ticks(now.saturating_duration_since(*self.origin.get_or_insert(now)));
        let Some((before, stamped)) = self.last else {
            self.last = Some((arrival, timestamp));
            return None;
        };
        let media = i64::from(timestamp.since(stamped));
        if media == 0 {
            return None;
        }
        self.last = Some((arrival, timestamp));
        let elapsed = i64::try_from(arrival.saturating_sub(before)).unwrap_or(i64::MAX);
        let difference = elapsed.saturating_sub(media).unsigned_abs();
        if difference > self.rate.ticks(LEAP) {
            return None;
        }
        let difference = u32::try_from(difference).unwrap_or(u32::MAX);
        self.scaled = self.scaled.saturating_add(difference).saturating_sub((self.scaled + 8) >> 4);
        Some(difference)
    }

    /// A new stream: the next packet is compared with nothing. The estimate stays, being the path's.
    pub(crate) const fn restart(&mut self) {
        self.last = None;
    }

    /// The estimate in ticks, as a report block has it.
    pub(crate) const fn ticks(&self) -> u32 {
        self.scaled >> 4
    }

    /// The estimate to a sixteenth of a tick.
    pub(crate) fn jitter(&self) -> Duration {
        match self.rate.0 {
            0 => Duration::ZERO,
            rate => Duration::from_nanos(u64::from(self.scaled) * (1_000_000_000 / 16) / u64::from(rate)),
        }
    }
}

/// The ingress, too, begins anew at a gap of two seconds.
const LEAP: Duration = Duration::from_secs(2);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    /// The estimate after one packet a ptime, of these timestamps and delays.
    fn after(packets: impl IntoIterator<Item = (u32, Duration)>) -> Interarrival {
        let mut interarrival = Interarrival::new(ClockRate::HZ_8000);
        let start = Instant::now();
        for (n, (timestamp, delay)) in packets.into_iter().enumerate() {
            interarrival.arrived(start + PTIME * n as u32 + delay, RtpTimestamp(timestamp));
        }
        interarrival
    }

    fn even(packets: u32, delay: impl Fn(u32) -> u64) -> Interarrival {
        let stamp = |n: u32| (u32::MAX - 300).wrapping_add(n * 160);
        after((0..packets).map(|n| (stamp(n), Duration::from_millis(delay(n)))))
    }

    #[test]
    fn an_even_stream_has_no_jitter_across_the_wrap() {
        assert_eq!(even(100, |_| 5).ticks(), 0);
    }

    #[test]
    fn delays_of_nought_and_ten_milliseconds_in_turns_converge_to_ten() {
        let jitter = even(500, |n| 10 * u64::from(n % 2)).jitter();
        assert!(jitter.abs_diff(Duration::from_millis(10)) < Duration::from_micros(70), "{jitter:?}");
    }

    #[test]
    fn one_late_packet_counts_a_sixteenth_and_fades_as_the_appendix_has_it() {
        let mut scaled: u32 = 0;
        for difference in [160, 160, 0, 0, 0] {
            scaled = scaled + difference - ((scaled + 8) >> 4);
        }
        assert_eq!(even(7, |n| if n == 2 { 20 } else { 0 }).ticks(), scaled >> 4);
    }

    #[test]
    fn arrivals_between_two_ticks_do_not_add_up() {
        let odd = after((0..5_000u32).map(|n| (n * 160, Duration::from_micros(u64::from(n) % 2 * 60))));
        assert!(odd.ticks() <= 1, "{} ticks", odd.ticks());
    }

    #[test]
    fn repeated_timestamps_of_a_telephone_event_add_none() {
        assert_eq!(after((0..50).map(|n| (if (10..30).contains(&n) { 1_600 } else { n * 160 }, Duration::ZERO))).ticks(), 0);
    }

    #[test]
    fn a_leap_of_the_timestamp_or_a_pause_of_the_senders_clock_adds_none() {
        assert_eq!(after((0..50).map(|n| (if n < 25 { 0 } else { 0x4000_0000 } + n * 160, Duration::ZERO))).ticks(), 0);
        assert_eq!(even(6, |n| if n < 3 { 0 } else { 5_000 }).ticks(), 0);
    }
}
