//! How the agent's audio comes: how late against its own play-out, and whether at the pace of the clock.
//!
//! **How much is gathered before it is played.** Audio of which a play-out began with the first of it would be needed at
//! known times; how much later than that it came is its lateness. What is gathered at the start of an item, and after
//! the queue ran dry, is the greatest lateness of late: it rises at once, and falls by half of the way with each run of audio,
//! or 10 s of one, that needed less. A run that began late itself is judged as if it had begun in time, but needs no
//! more than its lateness varies by. An agent that sends faster than it speaks is never late and waits for nothing.
//! What came later than the bound is an outage, which no gathering would have bridged, and does not count. Audio that
//! came earlier than needed counts as gathered.
//!
//! **Whether it is live.** An agent that hands over an utterance faster than it can be played is right to: its queue is
//! long, and nothing is done about it. A source in real time, a translator or a far microphone, has nothing to hand over
//! early: its queue is delay. The two are told apart by the pace at which audio comes. Audio is live once it has come for
//! 2.5 s and has not run ahead of the clock by more than 250 ms, within one chunk or over time, for 10 s. That it catches
//! up after a stall is not ahead; clocks may be off by a thousandth.

use std::time::{Duration, Instant};

/// What is known of an agent's delivery, for all of a call.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The most that is gathered.
    bound: Duration,
    prebuffer: Duration,
    run: Option<Run>,
    pace: Option<Pace>,
}

/// Audio came while the line was dry, or went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Nothing was being played, and the audio before it was whole.
    Begins,
    /// Nothing was being played because this had not come.
    Overdue,
    /// It joins what is played.
    Joins,
}

/// A play-out without a gap.
#[derive(Debug)]
struct Run {
    began: Instant,
    schedule: Schedule,
    /// The furthest that audio came ahead of the schedule, in nanoseconds; never positive.
    earliest: i64,
    /// How late its first audio was, against the run before.
    began_late: i64,
    /// The greatest and the least lateness since `since`, in nanoseconds; none yet where the one is below the other.
    greatest: i64,
    least: i64,
    /// How much has come since `since`.
    taken: Duration,
    since: Instant,
}

/// The clock's pace, kept over gaps within the agent's speech.
#[derive(Debug)]
struct Pace {
    began: Instant,
    schedule: Schedule,
    /// When the audio ran ahead last.
    ahead: Option<Instant>,
    /// The least lateness since `since`, in nanoseconds.
    least: i64,
    since: Instant,
}

/// When audio is due that follows without a gap on what came before.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    last: Instant,
    /// By how much what follows would be late had it come at `last`, in nanoseconds; negative as a rule.
    offset: i64,
}

impl Delivery {
    pub(super) const fn new(bound: Duration) -> Self {
        Self { bound, prebuffer: Duration::ZERO, run: None, pace: None }
    }

    /// Audio of some length came. True when it came no later than the agent's pace and its known lateness let expect: not in
    /// the rear of a stall.
    pub(super) fn arrived(&mut self, now: Instant, length: Duration, arrival: Arrival) -> bool {
        let lateness = match &mut self.run {
            Some(run) if arrival == Arrival::Joins => {
                run.taken += length;
                run.schedule.arrive(now, length)
            }
            Some(run) if arrival == Arrival::Overdue => run.schedule.lateness(now),
            _ => 0,
        };
        self.note(now, lateness);
        if arrival != Arrival::Joins || self.run.is_none() {
            self.settle();
            let began_late = if lateness <= nanos(self.bound) { lateness.max(0) } else { 0 };
            self.run = Some(Run::new(now, length, began_late));
        }
        if arrival == Arrival::Begins {
            self.pace = None;
        }
        let pace = self.pace.get_or_insert_with(|| Pace::new(now));
        pace.arrive(now, length) <= nanos(self.prebuffer.max(ON_TIME))
    }

    /// The play-out was moved on by so many nanoseconds of audio, or back.
    pub(super) fn shifted(&mut self, by: i64) {
        if let Some(run) = &mut self.run {
            run.schedule.offset += by;
        }
    }

    /// Something of ours took the place of the audio: what follows is needed later.
    pub(super) fn delayed(&mut self, by: Duration) {
        self.shifted(-nanos(by));
    }

    /// Audio was dropped: what follows is needed earlier.
    pub(super) fn hastened(&mut self, by: Duration) {
        self.shifted(nanos(by));
    }

    /// The audio was held up by us: how late it comes, and how long the queue is, say nothing until it runs dry.
    pub(super) fn held(&mut self) {
        (self.run, self.pace) = (None, None);
    }

    /// Another agent speaks from now on.
    pub(super) const fn forget(&mut self) {
        *self = Self::new(self.bound);
    }

    /// When enough is gathered.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        let run = self.run.as_ref()?;
        Some(run.began + self.prebuffer.saturating_sub(Duration::from_nanos(run.earliest.unsigned_abs())))
    }

    /// What is gathered of this agent.
    pub(super) const fn prebuffer(&self) -> Duration {
        self.prebuffer
    }

    /// Since when the audio has been live, if it is.
    pub(super) fn live_since(&self, now: Instant) -> Option<Instant> {
        let pace = self.pace.as_ref()?;
        let proved = pace.ahead.map_or(pace.began + PROOF, |ahead| ahead + PROOF_AFTER_LEAD);
        (proved <= now && now.saturating_duration_since(pace.schedule.last) <= RECENT).then_some(pace.began)
    }

    fn note(&mut self, now: Instant, lateness: i64) {
        let Some(run) = &mut self.run else { return };
        run.earliest = run.earliest.min(lateness);
        run.least = run.least.min(lateness);
        if lateness <= nanos(self.bound) {
            run.greatest = run.greatest.max(lateness);
            let late = Duration::from_nanos(lateness.max(0).unsigned_abs());
            self.prebuffer = self.prebuffer.max(late).max(run.needed().min(self.bound));
        }
        if now.saturating_duration_since(run.since) >= PERIOD {
            self.settle();
        }
    }

    /// Lets the prebuffer fall toward what the run needed.
    fn settle(&mut self) {
        let Some(run) = &mut self.run else { return };
        if run.taken >= SHORTEST {
            self.prebuffer -= self.prebuffer.saturating_sub(run.needed()) / 2;
        }
        if self.prebuffer < LEAST {
            self.prebuffer = Duration::ZERO;
        }
        (run.greatest, run.least, run.taken, run.since) = (i64::MIN, i64::MAX, Duration::ZERO, run.schedule.last);
    }
}

impl Run {
    fn new(now: Instant, length: Duration, began_late: i64) -> Self {
        let mut schedule = Schedule { last: now, offset: 0 };
        schedule.arrive(now, length);
        Self { began: now, schedule, earliest: 0, began_late, greatest: 0, least: 0, taken: length, since: now }
    }

    /// What would have had to be gathered, had it begun in time.
    fn needed(&self) -> Duration {
        let varies = self.greatest.saturating_sub(self.least);
        let needed = varies.min(self.greatest.saturating_add(self.began_late));
        Duration::from_nanos(needed.max(0).unsigned_abs())
    }
}

impl Pace {
    const fn new(now: Instant) -> Self {
        Self { began: now, schedule: Schedule { last: now, offset: 0 }, ahead: None, least: i64::MAX, since: now }
    }

    /// Takes note of audio; returns its lateness.
    fn arrive(&mut self, now: Instant, length: Duration) -> i64 {
        let passed = nanos(now.saturating_duration_since(self.schedule.last));
        // A clock that is fast by a thousandth is not ahead.
        let tolerance = if self.schedule.offset < 0 { passed / 1_000 } else { 0 };
        self.schedule.offset += tolerance.min(-self.schedule.offset.min(0));
        let lateness = self.schedule.arrive(now, length);
        self.least = self.least.min(lateness);
        if length > AHEAD || lateness < -nanos(AHEAD) {
            self.ahead = Some(now);
            self.schedule.offset = -nanos(length);
        }
        // Whoever is late by some time for a whole second is not late: the pace goes on from there.
        if now.saturating_duration_since(self.since) >= FOR_GOOD {
            self.schedule.offset -= self.least.max(0);
            (self.least, self.since) = (i64::MAX, now);
        }
        lateness
    }
}

impl Schedule {
    /// Takes audio of some length; returns how late it was.
    fn arrive(&mut self, now: Instant, length: Duration) -> i64 {
        let lateness = self.lateness(now);
        *self = Self { last: now, offset: lateness - nanos(length) };
        lateness
    }

    fn lateness(&self, now: Instant) -> i64 {
        self.offset + nanos(now.saturating_duration_since(self.last))
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Lateness that every driver may add: not a stall's.
const ON_TIME: Duration = Duration::from_millis(20);
/// A live source gives no more than this at once, nor runs ahead by more.
const AHEAD: Duration = Duration::from_millis(250);
/// How long audio must have come at the clock's pace to count as live: an agent that is a tenth faster is ahead by then.
const PROOF: Duration = Duration::from_millis(2_500);
/// What has been late for so long is not late.
const FOR_GOOD: Duration = Duration::from_secs(1);
/// How long since it last ran ahead.
const PROOF_AFTER_LEAD: Duration = Duration::from_secs(10);
/// Live audio that has not come for so long has stopped.
const RECENT: Duration = Duration::from_millis(500);
/// A run is judged anew after so long.
const PERIOD: Duration = Duration::from_secs(10);
/// Of less than this nothing is learnt but how late it was.
const SHORTEST: Duration = Duration::from_millis(200);
/// Less is not worth waiting for.
const LEAST: Duration = Duration::from_millis(1);
