//! How long audio must wait so that nearly every packet comes before its turn.
//!
//! Each packet's transit, arrival less timestamp, is kept for 5 s. The fastest of them is the path without its jitter;
//! a packet's delay is what its transit has more. Audio waits as long as 99 % of those delays, and one frame more: all of
//! it must be there when the frame is pulled. Because the fastest is taken from the same 5 s, another route or a drifting clock
//! settles by itself, and so does calm after a storm. Of packets that a stall held back and that come all at once only
//! the first counts: it says how long the path stood still, the others say nothing. What took twice as long as can be
//! waited for does not count at all.
//!
//! A path that stalls now and then has peaks that no percentile sees in time. Two peaks within 8 s are therefore
//! expected again: audio waits for the higher of them until 8 s have passed without one. Left out on purpose: a delay
//! agreed with the sender; this side knows what it has seen.

use std::collections::VecDeque;
use std::time::Duration;

/// The wait, from what has arrived. All times are microseconds since one origin.
#[derive(Debug)]
pub(super) struct DelayTarget {
    arrivals: VecDeque<Arrival>,
    fastest: i64,
    /// What the percentile asks for.
    usual: i64,
    peaks: Peaks,
    sorted: Vec<i64>,
    /// How much is pulled at a time.
    frame: i64,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    at: i64,
    transit: i64,
    /// It came right behind the one before it.
    held_back: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Peaks {
    /// The height that the present one has reached.
    rising: Option<i64>,
    /// When the last two ended, and how high they were; the newest first.
    last: [Option<(i64, i64)>; 2],
}

impl DelayTarget {
    pub(super) fn new(frame: Duration) -> Self {
        Self {
            frame: micros(frame),
            arrivals: VecDeque::with_capacity(MOST_KEPT),
            fastest: 0,
            usual: START,
            peaks: Peaks::default(),
            sorted: Vec::with_capacity(MOST_KEPT),
        }
    }

    /// Takes note of a packet that came at `at`.
    pub(super) fn arrived(&mut self, at: i64, transit: i64) {
        while self.arrivals.len() >= MOST_KEPT || self.arrivals.front().is_some_and(|first| at - first.at > WINDOW) {
            self.arrivals.pop_front();
        }
        let held_back = self.arrivals.back().is_some_and(|before| {
            let (apart, spoken) = (at - before.at, (at - transit) - (before.at - before.transit));
            (1..=LONGEST_PACKET).contains(&spoken) && apart < spoken / 2
        });
        self.arrivals.push_back(Arrival { at, transit, held_back });
        self.fastest = self.arrivals.iter().map(|arrival| arrival.transit).min().unwrap_or(transit);
        self.sorted.clear();
        let counts = |arrival: &&Arrival| !arrival.held_back && arrival.transit - self.fastest <= 2 * MOST;
        self.sorted.extend(self.arrivals.iter().filter(counts).map(|arrival| arrival.transit));
        if let Some(place) = (self.sorted.len() * USUAL_PERCENT).div_ceil(100).checked_sub(1) {
            self.usual = *self.sorted.select_nth_unstable(place).1 - self.fastest + self.frame;
        }
        if self.arrivals.len() < SETTLED {
            self.usual = self.usual.max(START);
        }
        self.peaks.note(at, transit - self.fastest, self.usual);
    }

    /// Another stream begins, or another path.
    pub(super) fn restart(&mut self) {
        self.arrivals.clear();
        self.peaks = Peaks::default();
        self.usual = START;
    }

    /// How much longer than the fastest something took; `None` before the first packet.
    pub(super) fn delay_of(&self, transit: i64) -> Option<i64> {
        (!self.arrivals.is_empty()).then_some(transit - self.fastest)
    }

    /// How long audio shall wait.
    pub(super) fn target(&self) -> i64 {
        self.usual.max(self.peaks.expected() + self.frame).clamp(LEAST, MOST)
    }
}

impl Peaks {
    fn note(&mut self, at: i64, delay: i64, usual: i64) {
        if delay > usual + PEAK {
            self.rising = Some(self.rising.map_or(delay, |height| height.max(delay)));
        } else if let Some(height) = self.rising.take() {
            self.last = [Some((at, height)), self.last[0]];
        }
        self.last = self.last.map(|peak| peak.filter(|(then, _)| at - then <= REMEMBERED));
    }

    fn expected(&self) -> i64 {
        match self.last {
            [Some((_, newer)), Some((_, older))] => newer.max(older),
            _ => 0,
        }
    }
}

const fn micros(duration: Duration) -> i64 {
    duration.as_micros() as i64
}

/// The least that audio waits.
pub(super) const LEAST: i64 = micros(Duration::from_millis(20));
/// The most that audio waits; what comes later than that is late.
pub(super) const MOST: i64 = micros(Duration::from_millis(240));
/// How long audio waits as long as little is known.
const START: i64 = micros(Duration::from_millis(40));
/// Packets after which enough is known.
const SETTLED: usize = 25;
/// How long an arrival counts.
const WINDOW: i64 = micros(Duration::from_secs(5));
/// As many arrivals as there are in that time when packets hold 10 ms.
const MOST_KEPT: usize = 500;
const USUAL_PERCENT: usize = 99;
/// Packets hold no more than this.
const LONGEST_PACKET: i64 = micros(Duration::from_millis(120));
/// A delay that much above what is usual is a peak.
const PEAK: i64 = micros(Duration::from_millis(30));
/// How long a peak is remembered.
const REMEMBERED: i64 = micros(Duration::from_secs(8));

#[cfg(test)]
mod tests {
    use super::*;

    /// The target in whole milliseconds after packets every 20 ms with these delays, in milliseconds.
    fn after(delays: impl IntoIterator<Item = i64>) -> i64 {
        let mut target = DelayTarget::new(Duration::from_millis(20));
        feed(&mut target, 0, delays);
        target.target() / 1_000
    }

    fn feed(target: &mut DelayTarget, from: i64, delays: impl IntoIterator<Item = i64>) -> i64 {
        let mut n = from;
        for delay in delays {
            target.arrived((n * 20 + delay) * 1_000, (5_000 + delay) * 1_000);
            n += 1;
        }
        n
    }

    /// Delays from 0 to `most`, without a pattern.
    fn uneven(count: usize, most: i64) -> impl Iterator<Item = i64> {
        let mut state = 7_u32;
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (i64::from(state >> 8) * (most + 1)) >> 24
        })
        .take(count)
    }

    #[test]
    fn a_line_without_jitter_waits_no_longer_than_it_must() {
        assert_eq!(after([0; 10]), 40, "too little is known");
        assert_eq!(after([3; 100]), 20);
    }

    #[test]
    fn audio_waits_for_all_but_the_slowest() {
        let target = after(uneven(500, 200));
        assert!((205..=220).contains(&target), "{target}");
        assert_eq!(after(uneven(500, 600)), 240, "never longer");
    }

    #[test]
    fn calm_is_noticed_within_six_seconds() {
        let mut target = DelayTarget::new(Duration::from_millis(20));
        let n = feed(&mut target, 0, uneven(500, 200));
        feed(&mut target, n, [100; 300]);
        assert_eq!(target.target() / 1_000, 20);
    }

    #[test]
    fn another_route_is_no_jitter_once_the_old_one_is_forgotten() {
        let mut target = DelayTarget::new(Duration::from_millis(20));
        let n = feed(&mut target, 0, [0; 250]);
        let n = feed(&mut target, n, [100; 100]);
        assert_eq!(target.target() / 1_000, 120);
        feed(&mut target, n, [100; 200]);
        assert_eq!(target.target() / 1_000, 20);
        assert_eq!(target.delay_of(5_100_000), Some(0));
    }

    #[test]
    fn a_lone_stall_is_let_pass_and_two_are_expected_again() {
        // Packets that a stall of `height` holds back.
        let stall = |height: i64| (0..height / 20).map(move |n| height - 20 * n);
        let mut target = DelayTarget::new(Duration::from_millis(20));
        let n = feed(&mut target, 0, std::iter::repeat_n(0, 200).chain(stall(300)).chain(std::iter::repeat_n(0, 50)));
        assert_eq!(target.target() / 1_000, 20);
        let n = feed(&mut target, n, stall(120).chain(stall(80)).chain(std::iter::repeat_n(0, 50)));
        assert_eq!(target.target() / 1_000, 240);
        feed(&mut target, n, std::iter::repeat_n(0, 400));
        assert_eq!(target.target() / 1_000, 20, "8 s without");
    }
}
