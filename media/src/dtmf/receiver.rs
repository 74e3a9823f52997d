//! Receiving keys: the reports of one stream become each key once, whatever the network does to them (RFC 4733 §2.5.2).
//!
//! What tells events apart is where on the stream's clock they began, not marker, end bit or order: each of those can
//! be lost. So
//! - a report of a key from a time that is known already is the same key: a repetition, a straggler, or the next
//!   segment of a long one (§2.5.1.3), and never a second press;
//! - a key ends with its end bit; with the first report of another key; or when nothing new was told of it for 200 ms,
//!   and then its duration is the last that was told. It does not begin again when more of it comes;
//! - reports that come after those of a later key, of a key never seen before, are dropped: two keys in the wrong
//!   order are worse than one too few, which a menu notices;
//! - a new SSRC, or timestamps that start anew, are a new stream, whose events are new.
//!
//! Bounds: 64 keys in a burst and 25 a second thereafter are taken, more than any person or dialler makes, and a flood
//! is dropped and counted; what is remembered of the past is 16 keys. Left out on purpose: events that are no keys
//! (counted), and what the audio says meanwhile (`dtmf::Detector`).

mod allowance;
mod known;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dtmf::report::Report;
use crate::dtmf::{Digit, DigitEvent, Edge, Source};
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{ClockRate, RtpTimestamp, SequenceNumber, Ssrc};

use allowance::Allowance;
use known::{Known, Past};

/// Takes the telephone-event packets of a leg and tells each key once.
#[derive(Debug)]
pub struct Receiver {
    clock_rate: ClockRate,
    held: Option<Held>,
    past: Past,
    newest: Option<Newest>,
    allowance: Allowance,
    events: VecDeque<DigitEvent>,
    stats: ReceiverStats,
}

/// What a receiver has for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverOutput {
    /// A key was pressed or let go.
    Event(DigitEvent),
    /// Nothing more before this instant, or before the next packet.
    Timeout(Option<Instant>),
}

/// What came, in reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStats {
    /// Packets that came.
    pub packets: u64,
    /// Keys that were told.
    pub keys: u64,
    /// Packets that hold no whole reports.
    pub malformed: u64,
    /// Reports of events that are no keys.
    pub foreign: u64,
    /// Reports of keys that are over.
    pub repeated: u64,
    /// Reports that came too late to be told in order.
    pub late: u64,
    /// Reports beyond what a stream may tell in its time.
    pub flooded: u64,
}

impl Receiver {
    /// A receiver that has heard nothing; `clock_rate` is that of the negotiated telephone-event.
    #[must_use]
    pub fn new(clock_rate: ClockRate) -> Self {
        Self {
            clock_rate,
            held: None,
            past: Past::default(),
            newest: None,
            allowance: Allowance::default(),
            events: VecDeque::with_capacity(8),
            stats: ReceiverStats::default(),
        }
    }

    /// Takes a packet of the negotiated payload type.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.stats.packets += 1;
        self.handle_timeout(now);
        let (reports, rest) = packet.payload.as_chunks::<4>();
        if reports.is_empty() || !rest.is_empty() {
            self.stats.malformed += 1;
            return;
        }
        // Several events in a packet follow each other without a pause; the timestamp is the first one's (§2.5.1.5).
        let mut began = packet.header.timestamp;
        for &report in reports {
            let report = Report::read(report);
            self.handle_report(now, &packet.header, began, report);
            began = began.advance(report.duration.into());
        }
        self.note_newest(now, &packet.header);
    }

    /// Ends a key of which nothing was heard for too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.let_go(now, false);
        }
    }

    /// The stream is over: a key that is held ends.
    pub fn close(&mut self, now: Instant) {
        self.let_go(now, false);
    }

    /// What there is to tell; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> ReceiverOutput {
        self.events.pop_front().map_or_else(|| ReceiverOutput::Timeout(self.deadline()), ReceiverOutput::Event)
    }

    /// What came so far.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.stats
    }

    fn handle_report(&mut self, now: Instant, header: &RtpHeader, began: RtpTimestamp, report: Report) {
        let Some(digit) = Digit::from_event(report.code) else {
            self.stats.foreign += 1;
            return;
        };
        let told = Known {
            ssrc: header.ssrc,
            digit,
            start: began,
            segment: began,
            reached: began.advance(report.duration.into()),
            over: report.end,
        };
        if let Some(held) = self.held.as_mut().filter(|held| held.key.is_told_by(&told, header.marker)) {
            held.tell(now, &told);
        } else if self.past.knows(&told, header.marker) {
            self.stats.repeated += 1;
            return;
        } else if self.is_late(now, header, began) {
            self.stats.late += 1;
            return;
        } else if !self.press(now, told) {
            self.stats.flooded += 1;
            return;
        }
        if report.end {
            self.let_go(now, true);
        }
    }

    /// A key that is new; false when a flood is on.
    fn press(&mut self, now: Instant, key: Known) -> bool {
        self.let_go(now, false);
        if self.events.len() + 2 > EVENTS || !self.allowance.take(now) {
            // Remembered, so that its other reports are no new keys a moment later.
            self.past.keep(key);
            return false;
        }
        self.stats.keys += 1;
        self.held = Some(Held { key: Known { over: false, ..key }, told: now });
        self.events.push_back(event(now, &key, Edge::Began, key.start));
        true
    }

    fn let_go(&mut self, now: Instant, over: bool) {
        let Some(Held { key, .. }) = self.held.take() else { return };
        self.past.keep(Known { over, ..key });
        let duration = self.clock_rate.duration(u64::from(key.reached.since(key.start).unsigned_abs()));
        self.events.push_back(event(now, &key, Edge::Ended { duration }, key.reached));
    }

    /// Whether an unknown key's report was overtaken by a later key's.
    fn is_late(&self, now: Instant, header: &RtpHeader, began: RtpTimestamp) -> bool {
        let last = self.held.map(|held| held.key).or(self.past.last()).filter(|key| key.ssrc == header.ssrc);
        let overtaken = self.newest.is_some_and(|newest| newest.overtook(now, header));
        overtaken && last.is_some_and(|key| began.since(key.start) < 0)
    }

    fn note_newest(&mut self, now: Instant, header: &RtpHeader) {
        if !self.newest.is_some_and(|newest| newest.overtook(now, header)) {
            self.newest = Some(Newest { ssrc: header.ssrc, sequence: header.sequence, came: now });
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.held.map(|held| held.told + LAPSE)
    }
}

/// A key that is down.
#[derive(Clone, Copy, Debug)]
struct Held {
    key: Known,
    /// When something new was last told of it.
    told: Instant,
}

impl Held {
    /// Takes in how far the key has come. What says nothing new, a copy or a straggler, does not keep it alive.
    fn tell(&mut self, now: Instant, told: &Known) {
        if told.reached.since(self.key.reached) > 0 {
            self.key.reached = told.reached;
            self.told = now;
        }
        if told.segment.since(self.key.segment) > 0 {
            self.key.segment = told.segment;
        }
    }
}

/// The packet that is furthest in sequence.
#[derive(Clone, Copy, Debug)]
struct Newest {
    ssrc: Ssrc,
    sequence: SequenceNumber,
    came: Instant,
}

impl Newest {
    /// Whether the packet was overtaken by this one on their way. Minutes of audio between two keys say nothing about
    /// order, since sequence numbers wrap; nor does another stream.
    fn overtook(&self, now: Instant, header: &RtpHeader) -> bool {
        let behind = self.sequence.since(header.sequence);
        self.ssrc == header.ssrc && now.saturating_duration_since(self.came) < REORDERING && (1..=OVERTAKEN).contains(&behind)
    }
}

fn event(at: Instant, key: &Known, edge: Edge, timestamp: RtpTimestamp) -> DigitEvent {
    DigitEvent { digit: key.digit, edge, source: Source::Rfc4733, at, timestamp }
}

/// Without a word for so long a key is over: three intervals and more of the slowest reports (§2.5.2.2; 50 ms).
const LAPSE: Duration = Duration::from_millis(200);
/// As long as packets of one burst may arrive out of order.
const REORDERING: Duration = Duration::from_secs(2);
/// As many packets as may overtake one: two seconds of 20 ms.
const OVERTAKEN: i16 = 100;
/// Events that wait for their owner: a burst of keys, and the end of the one before it.
const EVENTS: usize = 2 * Allowance::BURST as usize + 2;

#[cfg(test)]
mod tests;
