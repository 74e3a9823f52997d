//! When the next report goes out (RFC 3550 §6.2, §6.3, appendix A.7).
//!
//! The interval grows with the members so that all of them together keep to 5 % of the session's bandwidth, is drawn at
//! random so that they do not speak at once, and is reconsidered when it ends, so that a crowd that has just come in does
//! not flood itself. In a call of two the minimum rules; the rest costs nothing.
//!
//! Left out on purpose: the back-off of a goodbye (§6.3.7), which begins at fifty members.

use std::time::{Duration, Instant};

/// Who is there, at the moment of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// We included.
    pub(super) members: u32,
    /// Those who sent RTP of late, we included.
    pub(super) senders: u32,
    pub(super) we_send: bool,
}

/// The timer of the reports.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Tmin.
    minimum: Duration,
    /// What all members together may send in reports, in octets a second.
    bandwidth: f64,
    random: SplitMix64,
    /// tp: when the last report went, or the beginning.
    last: Instant,
    /// tn: when the next one is due; `None` after the goodbye.
    next: Option<Instant>,
    /// The members when `next` was drawn.
    members: u32,
    /// Octets of a report with its IP and UDP headers, over the last sixteen or so.
    average: f64,
    initial: bool,
}

impl Schedule {
    /// `bandwidth_bps` is the session's; the seed is for the draws.
    pub(super) fn new(now: Instant, minimum: Duration, bandwidth_bps: u32, seed: u64) -> Self {
        let mut schedule = Self {
            minimum,
            bandwidth: f64::from(bandwidth_bps) / 8.0 * SHARE,
            random: SplitMix64(seed),
            last: now,
            next: None,
            members: 1,
            average: FIRST_AVERAGE,
            initial: true,
        };
        let interval = schedule.draw(Group { members: 1, senders: 0, we_send: false });
        schedule.next = Some(now + interval);
        schedule
    }

    /// A report of another member came.
    pub(super) fn received(&mut self, octets: usize) {
        self.average += (octets as f64 + DATAGRAM_HEADERS - self.average) / 16.0;
    }

    /// Somebody left: the next report comes sooner by as much as the group shrank (§6.3.4).
    pub(super) fn shrank(&mut self, now: Instant, group: Group) {
        let Some(next) = self.next.filter(|_| group.members < self.members) else { return };
        let ratio = f64::from(group.members) / f64::from(self.members);
        self.next = Some(now + next.saturating_duration_since(now).mul_f64(ratio));
        self.last = now.checked_sub(now.saturating_duration_since(self.last).mul_f64(ratio)).unwrap_or(self.last);
        self.members = group.members;
    }

    /// Whether to report now. When the time has come but the group has grown meanwhile, a later one is drawn (§6.3.6).
    pub(super) fn is_due(&mut self, now: Instant, group: Group) -> bool {
        if self.next.is_none_or(|next| next > now) {
            return false;
        }
        let reconsidered = self.last + self.draw(group);
        self.members = group.members;
        if reconsidered > now {
            self.next = Some(reconsidered);
        }
        reconsidered <= now
    }

    /// A report of ours went out.
    pub(super) fn sent(&mut self, now: Instant, octets: usize, group: Group) {
        self.received(octets);
        (self.initial, self.last, self.members) = (false, now, group.members);
        self.next = Some(now + self.draw(group));
    }

    /// No more reports.
    pub(super) const fn stop(&mut self) {
        self.next = None;
    }

    pub(super) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The interval before anything random is done to it (§6.3.1): Td.
    pub(super) fn deterministic(&self, group: Group) -> Duration {
        let minimum = if self.initial { self.minimum / 2 } else { self.minimum };
        let (members, senders) = (f64::from(group.members), f64::from(group.senders));
        // A quarter is kept for senders while they are a quarter of the members or fewer.
        let (count, share) = match (senders <= members * SENDERS_SHARE, group.we_send) {
            (true, true) => (senders, SENDERS_SHARE),
            (true, false) => (members - senders, 1.0 - SENDERS_SHARE),
            (false, _) => (members, 1.0),
        };
        let seconds = (self.average * count / (self.bandwidth * share)).min(MAX_SECONDS);
        minimum.max(Duration::try_from_secs_f64(seconds).unwrap_or(minimum))
    }

    fn draw(&mut self, group: Group) -> Duration {
        let part = 0.5 + (self.random.next() >> 11) as f64 / (1u64 << 53) as f64;
        self.deterministic(group).mul_f64(part / COMPENSATION)
    }
}

/// The generator of the intervals: small, seeded, and not for secrets (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Of the session's bandwidth.
const SHARE: f64 = 0.05;
/// Of the reports' bandwidth.
const SENDERS_SHARE: f64 = 0.25;
/// e − 3/2: reconsideration lengthens intervals by this (§6.3.1).
const COMPENSATION: f64 = 1.218_281_828_459_045;
/// IPv4 and UDP.
const DATAGRAM_HEADERS: f64 = 28.0;
/// What our first report is likely to have: an empty receiver report and a name.
const FIRST_AVERAGE: f64 = 64.0;
/// No interval is longer, however little bandwidth there is.
const MAX_SECONDS: f64 = 3_600.0;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
mod tests {
    use super::*;

    const PAIR: Group = Group { members: 2, senders: 2, we_send: true };
    const SECOND: Duration = Duration::from_secs(1);

    /// When the next report goes out.
    fn next_report(schedule: &mut Schedule, group: Group) -> Instant {
        loop {
            let now = schedule.next().unwrap();
            if schedule.is_due(now, group) {
                schedule.sent(now, 100, group);
                return now;
            }
        }
    }

    #[test]
    fn the_first_report_comes_after_half_an_interval_drawn_around() {
        let now = Instant::now();
        let mut sum = Duration::ZERO;
        for seed in 0..500 {
            let mut schedule = Schedule::new(now, 5 * SECOND, 64_000, seed);
            let first = next_report(&mut schedule, PAIR) - now;
            assert!((1.02..=3.08).contains(&first.as_secs_f64()), "seed {seed}: {first:?}");
            sum += first;
        }
        let mean = sum.as_secs_f64() / 500.0;
        assert!((2.3..2.7).contains(&mean), "{mean} s");
    }

    #[test]
    fn later_reports_come_an_interval_apart_on_average_and_differ() {
        let mut schedule = Schedule::new(Instant::now(), 5 * SECOND, 64_000, 7);
        let start = next_report(&mut schedule, PAIR);
        let mut times = vec![start];
        times.extend((0..1_000).map(|_| next_report(&mut schedule, PAIR)));
        let mut gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (2.05..=6.16).contains(&gap.as_secs_f64())));
        let mean = (times[1_000] - start).as_secs_f64() / 1_000.0;
        assert!((4.8..5.2).contains(&mean), "{mean} s");
        gaps.sort();
        gaps.dedup();
        assert!(gaps.len() > 990);
    }

    #[test]
    fn the_same_seed_reports_at_the_same_instants() {
        let now = Instant::now();
        let [mut one, mut other] = [(); 2].map(|()| Schedule::new(now, 5 * SECOND, 64_000, 42));
        for _ in 0..20 {
            assert_eq!(next_report(&mut one, PAIR), next_report(&mut other, PAIR));
        }
    }

    #[test]
    fn many_members_share_five_percent_of_the_bandwidth() {
        let mut schedule = Schedule::new(Instant::now(), 5 * SECOND, 64_000, 1);
        (0..500).for_each(|_| schedule.received(72));
        schedule.initial = false;
        // 100 octets each, 400 octets a second for all.
        let crowd = Group { members: 1_000, senders: 1_000, we_send: true };
        assert!((schedule.deterministic(crowd).as_secs_f64() - 250.0).abs() < 1.0);
        // Ten senders among a thousand have a quarter of it for themselves, the listeners the rest.
        let speaker = Group { members: 1_000, senders: 10, we_send: true };
        assert!((schedule.deterministic(speaker).as_secs_f64() - 10.0).abs() < 0.1);
        assert!((schedule.deterministic(Group { we_send: false, ..speaker }).as_secs_f64() - 330.0).abs() < 1.0);
        assert_eq!(schedule.deterministic(PAIR), 5 * SECOND);
    }

    #[test]
    fn a_crowd_that_came_in_meanwhile_delays_the_report_and_one_that_left_hastens_it() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, 5 * SECOND, 64_000, 1);
        let crowd = Group { members: 1_000, senders: 0, we_send: false };
        let due = schedule.next().unwrap();
        assert!(!schedule.is_due(due, crowd));
        let delayed = schedule.next().unwrap();
        assert!(delayed - now > 50 * SECOND, "{:?}", delayed - now);
        schedule.shrank(due, PAIR);
        assert!(schedule.next().unwrap() - due < SECOND);
        schedule.shrank(due, crowd);
        assert!(schedule.next().unwrap() - due < SECOND, "a group that grew does not hasten");
    }

    #[test]
    fn no_bandwidth_at_all_is_no_report_for_an_hour_and_no_panic() {
        let now = Instant::now();
        let mut schedule = Schedule::new(now, Duration::ZERO, 0, 1);
        assert!(schedule.next().unwrap() - now >= 1_000 * SECOND);
        schedule.stop();
        assert!(!schedule.is_due(now + 100_000 * SECOND, PAIR));
    }
}
