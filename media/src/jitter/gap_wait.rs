//! How long a missing packet is waited for: as long as packets that were overtaken have lately needed.
//!
//! What counts is the lateness against the first packet that overtook: how long that one had to wait, or would have had
//! to. The wait is the least under which at most one in 200 packets of the last 4 to 8 s comes too late, from 20 ms up
//! to a limit. A packet that was given up and comes after all raises it at once to what it would have needed; after 8 s
//! without disorder it is at its least. At the beginning, when nothing is known, it is 40 ms. Left out on purpose:
//! interarrival jitter; where packets keep their order, however late they are, nothing is gained by waiting.

use std::time::{Duration, Instant};

use crate::units::SequenceNumber;

/// The wait, and what it follows from.
#[derive(Debug)]
pub(crate) struct GapWait {
    most: Duration,
    wait: Duration,
    present: Period,
    previous: Period,
    begun: Option<Instant>,
    given_up: [Option<GivenUp>; REMEMBERED],
    oldest: usize,
}

/// What was seen in some seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Period {
    packets: u32,
    /// Packets by lateness, in steps of 10 ms; those beyond the last step stand in it.
    overtaken: [u32; STEPS],
    /// What a packet that came too late would have needed.
    missed_by: Duration,
}

/// Packets in a row that were not waited for any longer.
#[derive(Clone, Copy, Debug)]
struct GivenUp {
    from: SequenceNumber,
    count: u16,
    /// When the first came that overtook them.
    since: Instant,
}

impl GapWait {
    /// One that never waits longer than `most`.
    pub(crate) fn new(most: Duration) -> Self {
        let present = Period { missed_by: FIRST, ..Period::default() };
        let (previous, given_up) = (Period::default(), [None; REMEMBERED]);
        Self { most, wait: FIRST.min(most), present, previous, begun: None, given_up, oldest: 0 }
    }

    /// A packet came before all that were sent later.
    pub(crate) fn in_order(&mut self, now: Instant) {
        self.present.packets += 1;
        let age = self.begun.map(|begun| now.saturating_duration_since(begun));
        if age.is_none_or(|age| age >= PERIOD) {
            self.previous = if age.is_none_or(|age| age >= 2 * PERIOD) { Period::default() } else { self.present };
            if age.is_some() {
                self.present = Period::default();
            }
            self.begun = Some(now);
            self.decide();
        }
    }

    /// A packet came in time, but this long after one that was sent later.
    pub(crate) fn overtaken(&mut self, now: Instant, by: Duration) {
        self.in_order(now);
        let step = by.as_nanos().div_ceil(STEP.as_nanos()).saturating_sub(1);
        let counter = usize::try_from(step).unwrap_or(STEPS).min(STEPS - 1);
        if let Some(counter) = self.present.overtaken.get_mut(counter) {
            *counter += 1;
        }
        self.decide();
    }

    /// `count` packets from `from` on are not waited for any longer; the first that overtook them came at `since`.
    pub(crate) fn gave_up(&mut self, from: SequenceNumber, count: u64, since: Instant) {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        if let Some(place) = self.given_up.get_mut(self.oldest) {
            *place = Some(GivenUp { from, count, since });
        }
        self.oldest = (self.oldest + 1) % REMEMBERED;
    }

    /// A packet came after it was given up.
    pub(crate) fn late(&mut self, now: Instant, sequence: SequenceNumber) {
        self.in_order(now);
        let covers = |given_up: &&GivenUp| u16::try_from(sequence.since(given_up.from)).is_ok_and(|after| after < given_up.count);
        let Some(given_up) = self.given_up.iter().flatten().find(covers) else { return };
        let needed = now.saturating_duration_since(given_up.since) + STEP;
        self.present.missed_by = self.present.missed_by.max(needed);
        self.decide();
    }

    /// How long a missing packet is waited for.
    pub(crate) const fn wait(&self) -> Duration {
        self.wait
    }

    fn decide(&mut self) {
        let (present, previous) = (&self.present, &self.previous);
        let mut allowed = (present.packets + previous.packets) / TOO_LATE;
        let mut steps = STEPS;
        for (one, other) in present.overtaken.iter().zip(&previous.overtaken).rev() {
            let beyond = one + other;
            if beyond > allowed {
                break;
            }
            allowed -= beyond;
            steps -= 1;
        }
        let needed = (STEP * steps as u32).max(present.missed_by).max(previous.missed_by);
        self.wait = needed.max(LEAST).min(self.most);
    }
}

/// The wait on a line that keeps its order.
const LEAST: Duration = Duration::from_millis(20);
/// The wait while nothing is known.
const FIRST: Duration = Duration::from_millis(40);
/// What is seen is remembered for one to two of these.
const PERIOD: Duration = Duration::from_secs(4);
const STEP: Duration = Duration::from_millis(10);
/// 160 ms, and all beyond.
const STEPS: usize = 17;
/// One in so many packets may come too late.
const TOO_LATE: u32 = 200;
/// Gaps that were given up and may yet prove to have been late.
const REMEMBERED: usize = 8;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_millis(160);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// `seconds` of packets of 20 ms in order.
    fn calm(wait: &mut GapWait, from: Instant, seconds: u64) -> Instant {
        (0..seconds * 50).for_each(|n| wait.in_order(from + ms(20 * n)));
        from + Duration::from_secs(seconds)
    }

    #[test]
    fn a_calm_line_comes_down_from_the_first_wait_to_the_least() {
        let mut wait = GapWait::new(MOST);
        assert_eq!(wait.wait(), FIRST);
        let now = calm(&mut wait, Instant::now(), 4);
        assert_eq!(wait.wait(), FIRST);
        calm(&mut wait, now, 5);
        assert_eq!(wait.wait(), LEAST);
    }

    #[test]
    fn a_packet_that_comes_after_it_was_given_up_is_waited_for_next_time() {
        let mut wait = GapWait::new(MOST);
        let now = calm(&mut wait, Instant::now(), 10);
        wait.gave_up(SequenceNumber(65_535), 3, now);
        wait.late(now + ms(95), SequenceNumber(1));
        assert_eq!(wait.wait(), ms(105));
        wait.late(now + ms(500), SequenceNumber(2));
        assert_eq!(wait.wait(), ms(105), "one that nobody gave up teaches nothing");
        let now = calm(&mut wait, now + ms(500), 9);
        assert_eq!(wait.wait(), LEAST);
        wait.late(now, SequenceNumber(0));
        assert_eq!(wait.wait(), MOST, "never beyond the limit");
    }

    #[test]
    fn one_in_two_hundred_may_come_too_late_and_no_more() {
        let mut wait = GapWait::new(MOST);
        let start = calm(&mut wait, Instant::now(), 10);
        for n in 0..400_u64 {
            let now = start + ms(20 * n);
            if n % 10 == 0 {
                wait.overtaken(now, ms(if n == 200 { 150 } else { 55 }));
            } else {
                wait.in_order(now);
            }
        }
        assert_eq!(wait.wait(), ms(60));
    }

    #[test]
    fn a_limit_below_the_least_is_kept() {
        let mut wait = GapWait::new(ms(10));
        assert_eq!(wait.wait(), ms(10));
        calm(&mut wait, Instant::now(), 10);
        assert_eq!(wait.wait(), ms(10));
    }
}
