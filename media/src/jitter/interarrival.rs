//! Interarrival jitter (RFC 3550 §6.4.1 and appendix A.8).

use std::time::{Duration, Instant};

use crate::units::{ClockRate, RtpTimestamp};

/// The running estimate for one stream.
#[derive(Clone, Debug)]
pub(crate) struct Interarrival {
    rate: ClockRate,
    last: Option<(Instant, RtpTimestamp)>,
    jitter: Duration,
}

impl Interarrival {
    pub(crate) const fn new(rate: ClockRate) -> Self {
        Self { rate, last: None, jitter: Duration::ZERO }
    }

    /// Takes note of a packet.
    pub(crate) fn arrived(&mut self, now: Instant, timestamp: RtpTimestamp) {
        if let Some((then, previous)) = self.last {
            let arrival = now.saturating_duration_since(then).as_micros() as i64;
            let sampling = i64::from(timestamp.since(previous)) * 1_000_000 / i64::from(self.rate.0);
            let difference = Duration::from_micros((arrival - sampling).unsigned_abs());
            // A sender whose clock stood still or jumped says nothing about the network.
            if difference < CLOCK_JUMP {
                self.jitter = self.jitter * 15 / 16 + difference / 16;
            }
        }
        self.last = Some((now, timestamp));
    }

    /// A new stream: the next packet is compared with nothing.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    pub(crate) const fn jitter(&self) -> Duration {
        self.jitter
    }
}

/// Differences beyond this are not jitter.
const CLOCK_JUMP: Duration = Duration::from_millis(500);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    fn after(delays_ms: &[u64]) -> Duration {
        let mut interarrival = Interarrival::new(ClockRate::HZ_8000);
        let start = Instant::now();
        for (n, delay) in delays_ms.iter().enumerate() {
            interarrival
                .arrived(start + Duration::from_millis(20 * n as u64 + delay), RtpTimestamp(u32::MAX - 300).advance(160 * n as u32));
        }
        interarrival.jitter()
    }

    #[test]
    fn an_even_stream_has_no_jitter_across_the_wrap() {
        assert_eq!(after(&[5; 20]), Duration::ZERO);
    }

    #[test]
    fn alternating_delays_converge_to_their_difference() {
        let delays: Vec<u64> = (0..200).map(|n| if n % 2 == 0 { 0 } else { 10 }).collect();
        assert!(after(&delays).abs_diff(Duration::from_millis(10)) < Duration::from_micros(50));
    }

    #[test]
    fn a_pause_of_the_senders_clock_is_not_jitter() {
        assert_eq!(after(&[0, 0, 0, 5_000, 5_000, 5_000]), Duration::ZERO);
    }
}
