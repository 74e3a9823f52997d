//! The agent's timeline: RTP's, not the wall clock's.
//!
//! Two positions since the first packet, both in ticks of the line's own clock, 48 kHz: **S**, what was sent on, and
//! **P**, the end of the newest packet placed. Every codec's clock divides 48 kHz, so that the line goes on exactly
//! when the codec changes. Where a packet stands follows from its timestamp:
//!
//! | the packet begins | then |
//! | --- | --- |
//! | at S | it goes on |
//! | up to 2 s after S | the span between is a gap, filled at once; it goes on |
//! | before S and ends after it | the uncovered tail goes on |
//! | ends at S or before | it is late, its span was filled: dropped |
//! | more than 2 s after S, or more than 200 ms before S (while silence is filled: before P) | the sender's clock jumped: it goes on at S |
//!
//! When nothing came for max(200 ms, 3 × jitter), or the sender said that it falls silent, the silence is filled: first what has elapsed, then in steps of
//! 20 ms in real time, behind the wall clock by a margin of 20 ms and 3 × jitter (at most 80 ms), so that the first
//! packet after it still finds its place free. A packet that is late all the same may belong to a burst that the
//! network held back (dropped until caught up) or to a sender whose clock stood still while it was silent. The second
//! comes no faster than real time: after 100 ms of late packets at that pace the timeline is anchored anew.
//!
//! **The invariant.** After every packet placed, unless a silence is running (from the first filled step to the first
//! packet that goes on): 0 ≤ S − P ≤ 200 ms. S never goes back. Left out on purpose: the drift between two clocks,
//! since samples are sent on as they come.

use std::time::{Duration, Instant};

use crate::units::{ClockRate, RtpTimestamp};

/// Where the line to the agent stands against RTP.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// Ticks of the line in one of the timestamp.
    scale: u32,
    /// S.
    sent: u64,
    /// P, and the timestamp that stands for it. Only ever behind S.
    newest: Option<(i64, RtpTimestamp)>,
    /// When the newest packet came, and S at that time.
    quiet: Option<(Instant, u64)>,
    /// The next packet is anchored at S, wherever its timestamp stands.
    anchor: bool,
    filling: bool,
    /// The sender said that it is silent: nothing is expected.
    resting: bool,
    held: bool,
    late: Option<LateRun>,
}

/// Packets in a row that were all late.
#[derive(Clone, Copy, Debug)]
struct LateRun {
    since: Instant,
    /// P at that time.
    from: i64,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// It goes on, behind `gap` ticks to be made up, without its first `covered` ticks.
    Forward { gap: u64, covered: u64, anchored: bool },
    /// Its span was made up already.
    Late,
}

impl Timeline {
    /// A line on which nothing was placed yet; `None` for a clock that does not divide that of the line.
    pub(crate) fn new(clock: ClockRate) -> Option<Self> {
        let scale = scale_of(clock)?;
        Some(Self { scale, sent: 0, newest: None, quiet: None, anchor: false, filling: false, resting: false, held: false, late: None })
    }

    /// Timestamps count in another clock from now on. False, and nothing done, when it does not divide that of the line.
    pub(crate) fn set_clock(&mut self, clock: ClockRate) -> bool {
        let Some(scale) = scale_of(clock) else { return false };
        if scale != self.scale {
            // Timestamps of two clocks cannot be compared (RFC 7160 §3).
            self.scale = scale;
            self.anchor();
        }
        true
    }

    /// Gives a packet that came at `arrived` and lasts `ticks` of its own clock its place; S moves past it.
    pub(crate) fn place(&mut self, arrived: Instant, timestamp: RtpTimestamp, ticks: u32) -> Placement {
        let (length, after) = (self.length(ticks) as i64, timestamp.advance(ticks));
        let sent = self.sent as i64;
        let stands = self.start_of(timestamp);
        let mut start = stands.unwrap_or(sent);
        let mut end = start + length;
        self.quiet = Some((arrived, self.sent));
        let mut anchored = stands.is_none() && self.newest.is_some();
        if end <= sent {
            anchored = self.clock_stood_still(arrived, end);
            if !anchored {
                self.newest = Some((end, after));
                return Placement::Late;
            }
            (start, end) = (sent, sent + length);
        }
        self.newest = Some((end, after));
        self.sent = end as u64;
        self.quiet = Some((arrived, self.sent));
        (self.late, self.filling, self.resting, self.anchor) = (None, false, false, false);
        Placement::Forward { gap: (start - sent).max(0) as u64, covered: (sent - start).max(0) as u64, anchored }
    }

    /// The sender said at `timestamp` that it falls silent. Returns the gap before that; S moves past it.
    pub(crate) fn rest(&mut self, arrived: Instant, timestamp: RtpTimestamp) -> u64 {
        let sent = self.sent as i64;
        let start = self.start_of(timestamp).unwrap_or(sent);
        let gap = (start - sent).max(0) as u64;
        self.sent += gap;
        self.newest = Some((start, timestamp));
        self.quiet = Some((arrived, self.sent));
        (self.anchor, self.resting) = (false, true);
        gap
    }

    /// The sender fell silent with the packet placed last.
    pub(crate) const fn expect_nothing(&mut self) {
        self.resting = true;
    }

    /// The next packet goes on at S: the stream is a new one.
    pub(crate) fn anchor(&mut self) {
        self.anchor = self.newest.is_some();
    }

    /// Ticks of silence due at `now`, at most 60 ms at a time; S moves past them.
    pub(crate) fn fill(&mut self, now: Instant, jitter: Duration) -> u64 {
        let Some((since, base)) = self.quiet else { return 0 };
        let elapsed = now.saturating_duration_since(since);
        let (patience, margin) = self.waits(jitter);
        if elapsed < patience {
            return 0;
        }
        let missing = (base + LINE.ticks(elapsed.saturating_sub(margin))).saturating_sub(self.sent);
        let overslept = missing.saturating_sub(LINE.ticks(CLOCK_JUMP));
        if overslept > 0 {
            // Whoever calls was asleep: no more than two seconds of it are made up.
            self.quiet = Some((since + Self::lasting(overslept), base));
        }
        let step = LINE.ticks(STEP);
        let due = ((missing - overslept) / step * step).min(LINE.ticks(AT_ONCE));
        self.sent += due;
        self.filling |= due > 0;
        due
    }

    /// While held, time goes on without packets: silence is due at once and in real time.
    pub(crate) fn hold(&mut self, now: Instant, held: bool) {
        if self.held != held && self.newest.is_some() {
            self.quiet = Some((now, self.sent));
            self.anchor();
        }
        self.held = held;
    }

    /// When the next silence is due.
    pub(crate) fn next_fill(&self, jitter: Duration) -> Option<Instant> {
        let (since, base) = self.quiet?;
        let (patience, margin) = self.waits(jitter);
        let ahead = self.sent - base + LINE.ticks(STEP);
        Some(since + patience.max(Self::lasting(ahead) + margin))
    }

    /// What `ticks` of the timestamp's clock last, in ticks of the line.
    pub(crate) fn length(&self, ticks: u32) -> u64 {
        u64::from(ticks) * u64::from(self.scale)
    }

    /// S.
    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    /// S − P.
    pub(crate) fn lead(&self) -> i64 {
        self.newest.map_or(0, |(position, _)| self.sent as i64 - position)
    }

    /// Whether a silence is running.
    pub(crate) const fn is_filling(&self) -> bool {
        self.filling
    }

    /// Whether the silence is the sender's own.
    pub(crate) const fn is_resting(&self) -> bool {
        self.resting
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.held
    }

    /// Where a timestamp stands; `None` when it stands nowhere and is to be anchored at S.
    fn start_of(&self, timestamp: RtpTimestamp) -> Option<i64> {
        let (position, newest) = self.newest.filter(|_| !self.anchor)?;
        let start = position + i64::from(timestamp.since(newest)) * i64::from(self.scale);
        // Once silence was filled, S says nothing about the sender any more.
        let earliest = if self.filling { position } else { self.sent as i64 } - LINE.ticks(CLOCK_BACK) as i64;
        let latest = (self.sent + LINE.ticks(CLOCK_JUMP)) as i64;
        (earliest..=latest).contains(&start).then_some(start)
    }

    /// Whether late packets keep coming no faster than real time.
    fn clock_stood_still(&mut self, now: Instant, position: i64) -> bool {
        let run = *self.late.get_or_insert(LateRun { since: now, from: position });
        let wall = now.saturating_duration_since(run.since);
        if wall < LATE_RUN {
            return false;
        }
        let advanced = (position - run.from).max(0) as u64;
        let real_time = advanced <= LINE.ticks(wall * 3 / 2 + STEP);
        if !real_time {
            // A burst, so far; what follows it is judged for itself.
            self.late = Some(LateRun { since: now, from: position });
        }
        real_time
    }

    /// How long `ticks` last, rounded up: a step that is not wholly due yet is none.
    fn lasting(ticks: u64) -> Duration {
        Duration::from_nanos(ticks.saturating_mul(1_000_000_000).div_ceil(u64::from(LINE.0)))
    }

    /// How long nothing may come before silence is filled, and how far behind the wall clock filling stays.
    fn waits(&self, jitter: Duration) -> (Duration, Duration) {
        if self.held {
            return (Duration::ZERO, Duration::ZERO);
        }
        let margin = STEP + (jitter * 3).min(MAX_MARGIN);
        (if self.resting { margin } else { QUIET.max(jitter * 3) }, margin)
    }
}

/// Ticks of the line in one of `clock`.
fn scale_of(clock: ClockRate) -> Option<u32> {
    (clock.0 > 0 && LINE.0.is_multiple_of(clock.0)).then(|| LINE.0 / clock.0)
}

/// The line's own clock: every codec's divides it.
pub(crate) const LINE: ClockRate = ClockRate::HZ_48000;
/// Without packets for this long, time is filled.
const QUIET: Duration = Duration::from_millis(200);
/// Silence is filled in whole steps of this.
const STEP: Duration = Duration::from_millis(20);
/// The most that one call fills, so that a long silence needs no large buffer; the next is due at once.
const AT_ONCE: Duration = Duration::from_millis(60);
/// The most that jitter adds to the margin behind the wall clock.
const MAX_MARGIN: Duration = Duration::from_millis(60);
/// A timestamp further ahead than this is no gap but another clock.
const CLOCK_JUMP: Duration = Duration::from_secs(2);
/// A timestamp further behind its predecessor than this, in sequence, is another clock.
const CLOCK_BACK: Duration = Duration::from_millis(200);
/// Late packets at the pace of real time for this long prove that the sender's clock stood still.
const LATE_RUN: Duration = Duration::from_millis(100);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    const FORWARD: Placement = Placement::Forward { gap: 0, covered: 0, anchored: false };
    const CALM: Duration = Duration::ZERO;

    /// A timeline with one packet of 20 ms on it, of timestamp 0.
    fn begun() -> (Timeline, Instant) {
        let (mut timeline, start) = (Timeline::new(ClockRate::HZ_8000).unwrap(), Instant::now());
        assert_eq!(timeline.place(start, RtpTimestamp(0), 160), FORWARD);
        (timeline, start)
    }

    /// Fills all that is due at `now`.
    fn filled(timeline: &mut Timeline, now: Instant) -> u64 {
        std::iter::from_fn(|| Some(timeline.fill(now, CALM)).filter(|due| *due > 0)).sum()
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn consecutive_packets_of_any_length_go_on_at_once() {
        let (mut timeline, start) = begun();
        assert_eq!(timeline.place(start + ms(60), RtpTimestamp(160), 480), FORWARD);
        assert_eq!(timeline.place(start + ms(70), RtpTimestamp(640), 80), FORWARD);
        assert_eq!((timeline.sent(), timeline.lead()), (720 * 6, 0));
    }

    #[test]
    fn a_jump_of_the_timestamp_is_a_gap_to_fill() {
        let (mut timeline, start) = begun();
        assert_eq!(
            timeline.place(start + ms(100), RtpTimestamp(800), 160),
            Placement::Forward { gap: 640 * 6, covered: 0, anchored: false }
        );
    }

    #[test]
    fn silence_is_filled_after_two_hundred_milliseconds_and_then_in_real_time() {
        let (mut timeline, start) = begun();
        assert_eq!(timeline.next_fill(CALM), Some(start + ms(200)));
        assert_eq!(timeline.fill(start + ms(199), CALM), 0);
        assert_eq!(filled(&mut timeline, start + ms(200)), 1_440 * 6, "what elapsed, less the margin");
        assert_eq!(timeline.next_fill(CALM), Some(start + ms(220)));
        assert_eq!(timeline.fill(start + ms(220), CALM), 160 * 6);
    }

    #[test]
    fn the_first_packet_after_a_silence_loses_nothing() {
        let (mut timeline, start) = begun();
        filled(&mut timeline, start + ms(500));
        assert_eq!(timeline.place(start + ms(500), RtpTimestamp(8 * 500), 160), Placement::Forward { gap: 0, covered: 0, anchored: false });
    }

    #[test]
    fn a_packet_of_a_filled_span_is_late_and_a_tail_that_sticks_out_goes_on() {
        let (mut timeline, start) = begun();
        filled(&mut timeline, start + ms(420));
        assert_eq!(timeline.sent(), (160 + 3_200) * 6);
        assert_eq!(timeline.place(start + ms(421), RtpTimestamp(160), 160), Placement::Late);
        assert_eq!(
            timeline.place(start + ms(421), RtpTimestamp(3_280), 160),
            Placement::Forward { gap: 0, covered: 80 * 6, anchored: false }
        );
    }

    #[test]
    fn a_sender_whose_clock_stood_still_is_heard_within_two_hundred_milliseconds() {
        let (mut timeline, start) = begun();
        filled(&mut timeline, start + ms(1_500));
        let placed: Vec<_> = (0..10).map(|n| timeline.place(start + ms(1_500 + 20 * n), RtpTimestamp(160 * (n as u32 + 1)), 160)).collect();
        assert!(placed[..5].iter().all(|placement| *placement == Placement::Late));
        assert_eq!(placed[5], Placement::Forward { gap: 0, covered: 0, anchored: true });
        assert!(placed[6..].iter().all(|placement| *placement == FORWARD));
    }

    #[test]
    fn a_burst_that_was_held_back_is_dropped_until_it_has_caught_up() {
        let (mut timeline, start) = begun();
        filled(&mut timeline, start + ms(1_020));
        let covered = timeline.sent() / 6 - 160;
        let late = (0..60)
            .filter(|n| timeline.place(start + ms(1_020 + n * 3), RtpTimestamp(160 * (*n as u32 + 1)), 160) == Placement::Late)
            .count();
        assert_eq!(late as u64, covered / 160);
    }

    #[test]
    fn a_clock_that_jumped_is_anchored_where_the_line_stands() {
        let anchored = Placement::Forward { gap: 0, covered: 0, anchored: true };
        let (mut timeline, start) = begun();
        assert_eq!(timeline.place(start + ms(20), RtpTimestamp(160 + 16_001), 160), anchored);
        assert_eq!(timeline.place(start + ms(40), RtpTimestamp(160), 160), anchored);
        assert_eq!((timeline.sent(), timeline.lead()), (480 * 6, 0));
    }

    #[test]
    fn hold_fills_at_once_and_what_comes_after_it_is_anchored() {
        let (mut timeline, start) = begun();
        timeline.hold(start + ms(20), true);
        assert_eq!(timeline.fill(start + ms(60), CALM), 320 * 6);
        timeline.hold(start + ms(60), false);
        assert_eq!(timeline.place(start + ms(65), RtpTimestamp(160), 160), Placement::Forward { gap: 0, covered: 0, anchored: true });
    }

    #[test]
    fn whoever_sleeps_an_hour_is_not_given_an_hour_of_silence() {
        let (mut timeline, start) = begun();
        assert_eq!(filled(&mut timeline, start + ms(3_600_000)), 96_000);
        assert_eq!(timeline.next_fill(CALM), Some(start + ms(3_600_020)));
    }

    #[test]
    fn another_clock_goes_on_where_the_line_stands() {
        let (mut timeline, start) = begun();
        assert!(timeline.set_clock(ClockRate::HZ_48000));
        assert_eq!(timeline.place(start + ms(20), RtpTimestamp(7), 960), Placement::Forward { gap: 0, covered: 0, anchored: true });
        assert_eq!(
            timeline.place(start + ms(60), RtpTimestamp(7 + 1_920), 960),
            Placement::Forward { gap: 960, covered: 0, anchored: false }
        );
        assert_eq!((timeline.sent(), timeline.lead()), (4 * 960, 0));
        assert!(!timeline.set_clock(ClockRate(44_100)) && !timeline.set_clock(ClockRate(0)));
    }

    #[test]
    fn a_silence_that_the_sender_told_of_is_filled_without_delay() {
        let (mut timeline, start) = begun();
        assert_eq!(timeline.rest(start + ms(40), RtpTimestamp(320)), 160 * 6, "up to where it was told");
        assert_eq!(timeline.fill(start + ms(79), CALM), 0);
        assert_eq!(timeline.fill(start + ms(80), CALM), 960, "20 ms behind the wall clock");
        assert!(timeline.is_resting());
        assert_eq!(filled(&mut timeline, start + ms(500)), 960 * 21);
        let word = Placement::Forward { gap: 960, covered: 0, anchored: false };
        assert_eq!(timeline.place(start + ms(500), RtpTimestamp(8 * 500), 160), word);
        assert!(!timeline.is_resting());
    }
}
