//! One stream of the peer, from its first packet to its end or restart (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8).

use std::time::{Duration, Instant};

use super::bursts::Bursts;
use super::extended::StatisticsSummary;
use super::ntp;
use super::report_block::ReportBlock;
use super::spread::Transits;
use super::window::Window;
use crate::jitter::interarrival::Interarrival;
use crate::rtp::RtpHeader;
use crate::units::{ClockRate, ExtendedSequenceNumber, RtpTimestamp, SequenceNumber, Ssrc};

/// The stream's books.
#[derive(Debug)]
pub(super) struct ReceivedStream {
    pub(super) ssrc: Ssrc,
    clock_rate: ClockRate,
    first: ExtendedSequenceNumber,
    highest: ExtendedSequenceNumber,
    /// The sequence number that would prove that the sender began anew.
    restart: Option<SequenceNumber>,
    /// All but what is expected, which follows from the sequence numbers.
    received: u64,
    duplicates: u64,
    discarded: u64,
    window: Window,
    /// The books at the last report, for the figures since.
    reported: Counts,
    pub(super) jitter: Interarrival,
    /// Differences of transit since the last report.
    transits: Transits,
    /// Timestamp of the highest packet, and ticks from one packet to the next.
    stamped: RtpTimestamp,
    packet_ticks: u32,
    /// Arrival of the last sender report and the middle of its NTP timestamp.
    sender_report: Option<(Instant, u32)>,
    pub(super) heard: Instant,
    pub(super) left: bool,
}

/// What a packet was to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One of the stream's.
    Within,
    /// Far from the others: not believed unless the next one follows it.
    Astray,
    /// The second in a row far from the others: the sender began anew.
    Restart,
}

/// Packets of a stream, or since a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) duplicates: u64,
    pub(super) discarded: u64,
}

impl ReceivedStream {
    pub(super) fn new(now: Instant, header: &RtpHeader, clock_rate: ClockRate) -> Self {
        let first = ExtendedSequenceNumber(u64::from(header.sequence.0));
        let mut stream = Self {
            ssrc: header.ssrc,
            clock_rate,
            first,
            highest: first,
            restart: None,
            received: 1,
            duplicates: 0,
            discarded: 0,
            window: Window::new(),
            reported: Counts::default(),
            jitter: Interarrival::new(clock_rate),
            transits: Transits::default(),
            stamped: header.timestamp,
            packet_ticks: 0,
            sender_report: None,
            heard: now,
            left: false,
        };
        stream.jitter.arrived(now, header.timestamp);
        stream
    }

    /// Takes a packet (appendix A.1). The transport has locked the source, so there is no probation at its beginning.
    pub(super) fn packet(&mut self, now: Instant, header: &RtpHeader) -> Place {
        let step = i32::from(header.sequence.since(self.highest.wire()));
        if !(-MAX_MISORDER..MAX_DROPOUT).contains(&step) {
            let proven = self.restart.replace(header.sequence.next()) == Some(header.sequence);
            return if proven { Place::Restart } else { Place::Astray };
        }
        match u32::try_from(step) {
            Ok(ahead @ 1..) => {
                self.highest = self.highest.extend(header.sequence);
                self.window.advance(ahead);
                self.measure_packet(ahead, header.timestamp);
            }
            _ => self.duplicates += u64::from(self.window.arrived(step.unsigned_abs())),
        }
        self.received += 1;
        (self.heard, self.left, self.restart) = (now, false, None);
        if let Some(difference) = self.jitter.arrived(now, header.timestamp) {
            self.transits.add(difference);
        }
        Place::Within
    }

    /// The packet of this number came, but was not played.
    pub(super) fn discard(&mut self, sequence: SequenceNumber) {
        self.discarded += 1;
        if let Ok(behind) = u32::try_from(-i32::from(sequence.since(self.highest.wire()))) {
            self.window.discard(behind);
        }
    }

    pub(super) const fn sender_report(&mut self, now: Instant, ntp: u64) {
        self.sender_report = Some((now, ntp::middle(ntp)));
    }

    /// From now on its timestamps are of another clock (RFC 7160); what was counted stays.
    pub(super) const fn set_clock_rate(&mut self, clock_rate: ClockRate) {
        (self.clock_rate, self.packet_ticks) = (clock_rate, 0);
        self.jitter = Interarrival::new(clock_rate);
    }

    /// The block about this stream.
    pub(super) fn block(&self, now: Instant) -> ReportBlock {
        let counts = self.counts();
        let (last_sender_report, delay) = match self.sender_report {
            Some((at, middle)) => (middle, ntp::short_duration(now.saturating_duration_since(at))),
            None => (0, 0),
        };
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: counts.since(&self.reported).fraction_lost_fixed(),
            lost: counts.lost().clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            highest: self.highest.0 as u32,
            jitter: self.jitter.ticks(),
            last_sender_report,
            delay,
        }
    }

    /// The summary of what came since the last report (RFC 3611 §4.6).
    pub(super) fn summary(&self) -> StatisticsSummary {
        let since = self.since_report();
        let low = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let end = self.highest.wire().next();
        StatisticsSummary {
            ssrc: self.ssrc,
            begin: SequenceNumber(end.0.wrapping_sub(since.expected as u16)),
            end,
            lost: Some(low(since.expected.saturating_sub(since.received - since.duplicates))),
            duplicates: Some(low(since.duplicates)),
            jitter: Some(self.transits.summary()),
        }
    }

    /// A report has told all this: the next figures are those from now on.
    pub(super) fn reported(&mut self) {
        self.reported = self.counts();
        self.transits = Transits::default();
    }

    pub(super) const fn counts(&self) -> Counts {
        let Self { received, duplicates, discarded, .. } = *self;
        Counts { expected: self.highest.0 - self.first.0 + 1, received, duplicates, discarded }
    }

    pub(super) fn since_report(&self) -> Counts {
        self.counts().since(&self.reported)
    }

    /// Bursts and gaps so far.
    pub(super) fn bursts(&self) -> Bursts {
        self.window.settled()
    }

    /// Time from one packet to the next; 20 ms until two have come in a row.
    pub(super) fn packet_time(&self) -> Duration {
        match (self.packet_ticks, self.clock_rate.0) {
            (0, _) | (_, 0) => Duration::from_millis(20),
            (ticks, rate) => Duration::from_secs(1) * ticks / rate,
        }
    }

    /// Learns how long a packet is from two in a row; a pause between talkspurts is longer than any packet.
    fn measure_packet(&mut self, ahead: u32, timestamp: RtpTimestamp) {
        let ticks = timestamp.since(std::mem::replace(&mut self.stamped, timestamp));
        if ahead == 1 && ticks > 0 && ticks.unsigned_abs() <= self.clock_rate.ticks(LONGEST_PACKET) as u32 {
            self.packet_ticks = ticks.unsigned_abs();
        }
    }
}

impl Counts {
    pub(super) const fn lost(&self) -> i64 {
        self.expected.cast_signed() - self.received.cast_signed()
    }

    pub(super) fn fraction_lost(&self) -> f64 {
        if self.expected == 0 { 0.0 } else { self.lost().max(0) as f64 / self.expected as f64 }
    }

    /// Part of the packets that was not played: lost, or come too late.
    pub(super) fn fraction_unplayed(&self) -> f64 {
        if self.expected == 0 { 0.0 } else { (self.fraction_lost() + self.fraction_discarded()).min(1.0) }
    }

    pub(super) fn fraction_discarded(&self) -> f64 {
        if self.expected == 0 { 0.0 } else { (self.discarded as f64 / self.expected as f64).min(1.0) }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.duplicates += other.duplicates;
        self.discarded += other.discarded;
    }

    const fn since(&self, earlier: &Self) -> Self {
        Self {
            expected: self.expected - earlier.expected,
            received: self.received - earlier.received,
            duplicates: self.duplicates - earlier.duplicates,
            discarded: self.discarded - earlier.discarded,
        }
    }

    /// In units of 1/256, nought where duplicates outweigh the loss (appendix A.3).
    fn fraction_lost_fixed(&self) -> u8 {
        let lost = self.lost().max(0).unsigned_abs();
        (lost << 8).checked_div(self.expected).map_or(0, |fraction| u8::try_from(fraction).unwrap_or(u8::MAX))
    }
}

/// Sequence numbers a stream may leap ahead and still be the same (appendix A.1).
const MAX_DROPOUT: i32 = 3_000;
/// Sequence numbers a packet may be late (appendix A.1).
const MAX_MISORDER: i32 = 100;
/// Twice the longest that is offered.
const LONGEST_PACKET: Duration = Duration::from_millis(120);
