//! An emulated network in virtual time: it loses, delays, reorders and doubles packets, as a seed decides.

use std::time::Duration;

/// What a link does to the packets on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    /// Part of the packets that is lost.
    pub(crate) loss: f64,
    /// Packets in a row that a loss takes, on the average (Gilbert's model); each is drawn by itself at 0 and 1.
    pub(crate) burst: f64,
    /// Each packet is delayed by itself, by as much as this either way.
    pub(crate) jitter: Duration,
    /// From here to there the jitter lasts; always when empty.
    pub(crate) jitter_until: Option<Duration>,
    /// Part of the packets that comes after its successor.
    pub(crate) reorder: f64,
    /// Part of the packets that comes twice.
    pub(crate) duplicate: f64,
    /// Nothing comes that is sent from here on for so long.
    pub(crate) outage: Option<(Duration, Duration)>,
}

/// A repeatable chain of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

/// When a packet comes, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrival {
    pub(crate) at: Duration,
    pub(crate) index: usize,
}

impl Link {
    /// The arrivals of `count` packets sent every `ptime` from nought on, in their order.
    pub(crate) fn carry(&self, count: usize, ptime: Duration, seed: u64) -> Vec<Arrival> {
        let (mut draw, mut bad) = (Draw::new(seed), false);
        let mut arrivals = Vec::with_capacity(count);
        for index in 0..count {
            let sent = ptime * index as u32;
            bad = self.is_lost(&mut draw, bad);
            let out = self.outage.is_some_and(|(from, length)| sent >= from && sent < from + length);
            let (twice, late, part) = (draw.unit() < self.duplicate, draw.unit() < self.reorder, draw.unit());
            if bad || out {
                continue;
            }
            let shaken = self.jitter_until.is_none_or(|until| sent < until);
            let delay = if shaken { self.jitter.mul_f64(2.0 * part) } else { self.jitter };
            // One and a half packets: behind the next, before the next but one.
            let at = sent + delay + if late { ptime * 3 / 2 } else { Duration::ZERO };
            arrivals.push(Arrival { at, index });
            if twice {
                arrivals.push(Arrival { at: at + ptime / 4, index });
            }
        }
        arrivals.sort();
        arrivals
    }

    /// Whether anything about it is left to chance.
    pub(crate) fn is_random(&self) -> bool {
        self.loss + self.reorder + self.duplicate > 0.0 || !self.jitter.is_zero()
    }

    fn is_lost(&self, draw: &mut Draw, before: bool) -> bool {
        if self.burst <= 1.0 {
            return draw.unit() < self.loss;
        }
        let leave = 1.0 / self.burst;
        let enter = leave * self.loss / (1.0 - self.loss);
        draw.unit() < if before { 1.0 - leave } else { enter }
    }
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        for _ in 0..8 {
            draw.next();
        }
        draw
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn a_link_loses_as_much_as_it_says_in_runs_as_long_as_it_says() {
    for (loss, burst) in [(0.1, 1.0), (0.1, 3.0), (0.2, 1.0)] {
        let link = Link { loss, burst, ..Link::default() };
        let arrived: Vec<usize> = link.carry(200_000, Duration::from_millis(20), 1).into_iter().map(|arrival| arrival.index).collect();
        let lost = 200_000 - arrived.len();
        let runs = arrived.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
        let (share, length) = (lost as f64 / 200_000.0, lost as f64 / runs as f64);
        let expected = if burst > 1.0 { burst } else { 1.0 / (1.0 - loss) };
        assert!((share - loss).abs() < 0.005 && (length - expected).abs() < 0.1, "{share} in runs of {length}");
    }
}
