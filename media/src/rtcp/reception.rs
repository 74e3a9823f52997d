//! What is known of the peer's streams, and the report block about the present one (RFC 3550 §6.4.1, appendices A.1 and A.3).

use std::time::Instant;

use rtc_rtcp::reception_report::ReceptionReport;

use crate::jitter::interarrival::Interarrival;
use crate::rtcp::ntp;
use crate::rtp::RtpPacket;
use crate::stats::StreamStats;
use crate::units::{ClockRate, ExtendedSequenceNumber, SequenceNumber, Ssrc};

/// All streams of the peer: the present one, and the sums of those before it.
#[derive(Debug)]
pub(super) struct Reception {
    clock_rate: ClockRate,
    stream: Option<Stream>,
    /// Expected and received packets of streams that ended.
    ended: Counts,
    octets: u64,
    restarts: u32,
}

impl Reception {
    pub(super) const fn new(clock_rate: ClockRate) -> Self {
        Self { clock_rate, stream: None, ended: Counts { expected: 0, received: 0 }, octets: 0, restarts: 0 }
    }

    pub(super) fn handle_rtp(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.octets += packet.payload.len() as u64;
        let header = &packet.header;
        let follows = match &mut self.stream {
            Some(stream) if stream.ssrc == header.ssrc => stream.advance(header.sequence),
            Some(_) => false,
            None => {
                self.stream = Some(Stream::new(header.ssrc, header.sequence, self.clock_rate));
                true
            }
        };
        if !follows {
            self.restart(header.ssrc, header.sequence);
        }
        if let Some(stream) = &mut self.stream {
            stream.counts.received += 1;
            stream.left = false;
            stream.jitter.arrived(now, header.timestamp);
        }
    }

    /// Notes the peer's sender report for LSR and DLSR, when it is the present stream's.
    pub(super) fn handle_sender_report(&mut self, now: Instant, ssrc: Ssrc, ntp: u64) {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.ssrc == ssrc) {
            stream.last_report = Some((now, ntp::middle(ntp)));
        }
    }

    /// The peer said goodbye: nothing is reported about a stream that left, until it sends again.
    pub(super) fn handle_goodbye(&mut self, ssrc: Ssrc) {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.ssrc == ssrc) {
            stream.left = true;
        }
    }

    /// The block about the present stream; begins the next interval of its fraction lost.
    pub(super) fn report(&mut self, now: Instant) -> Option<ReceptionReport> {
        self.stream.as_mut().filter(|stream| !stream.left).map(|stream| stream.report(now))
    }

    pub(super) fn fill(&self, stats: &mut StreamStats) {
        let mut total = self.ended;
        if let Some(stream) = &self.stream {
            let counts = stream.counts();
            total.expected += counts.expected;
            total.received += counts.received;
            stats.jitter_ms = stream.jitter.jitter().as_secs_f64() * 1_000.0;
            stats.ssrc = Some(stream.ssrc);
        }
        stats.packets_received = total.received;
        stats.octets_received = self.octets;
        stats.lost = total.lost();
        stats.fraction_lost = total.fraction_lost();
        stats.restarts = self.restarts;
    }

    fn restart(&mut self, ssrc: Ssrc, sequence: SequenceNumber) {
        if let Some(stream) = self.stream.replace(Stream::new(ssrc, sequence, self.clock_rate)) {
            let counts = stream.counts();
            self.ended.expected += counts.expected;
            self.ended.received += counts.received;
            self.restarts = self.restarts.saturating_add(1);
        }
    }
}

/// One stream of the peer, from its first packet to its end or leap.
#[derive(Debug)]
struct Stream {
    ssrc: Ssrc,
    first: ExtendedSequenceNumber,
    highest: ExtendedSequenceNumber,
    /// `expected` is filled in by [`Stream::counts`].
    counts: Counts,
    /// Counts at the last report, for the fraction lost since.
    reported: Counts,
    jitter: Interarrival,
    /// Arrival of the last sender report and the middle of its NTP timestamp.
    last_report: Option<(Instant, u32)>,
    left: bool,
}

impl Stream {
    const fn new(ssrc: Ssrc, sequence: SequenceNumber, clock_rate: ClockRate) -> Self {
        let first = ExtendedSequenceNumber(sequence.0 as u64);
        let none = Counts { expected: 0, received: 0 };
        let jitter = Interarrival::new(clock_rate);
        Self { ssrc, first, highest: first, counts: none, reported: none, jitter, last_report: None, left: false }
    }

    /// Takes a sequence number; `false` when it is so far off that the stream must have begun anew.
    ///
    /// Appendix A.1 waits for a second packet in sequence before it believes in a leap. Here the transport has
    /// authenticated the source by address, port and SSRC, so one packet is believed.
    fn advance(&mut self, sequence: SequenceNumber) -> bool {
        let step = i32::from(sequence.since(self.highest.wire()));
        if step > 0 && step < MAX_DROPOUT {
            self.highest = self.highest.extend(sequence);
        }
        (-MAX_MISORDER..MAX_DROPOUT).contains(&step)
    }

    const fn counts(&self) -> Counts {
        Counts { expected: self.highest.0 - self.first.0 + 1, received: self.counts.received }
    }

    fn report(&mut self, now: Instant) -> ReceptionReport {
        let counts = self.counts();
        let interval = Counts { expected: counts.expected - self.reported.expected, received: counts.received - self.reported.received };
        self.reported = counts;
        let (last_sender_report, delay) = match self.last_report {
            Some((at, middle)) => (middle, ntp::short_duration(now.saturating_duration_since(at))),
            None => (0, 0),
        };
        ReceptionReport {
            ssrc: self.ssrc.0,
            fraction_lost: interval.fraction_lost_fixed(),
            total_lost: counts.lost_24_bits(),
            last_sequence_number: low_32_bits(self.highest.0),
            jitter: self.jitter.ticks(),
            last_sender_report,
            delay,
        }
    }
}

/// Packets expected and received.
#[derive(Clone, Copy, Debug)]
struct Counts {
    expected: u64,
    received: u64,
}

impl Counts {
    const fn lost(self) -> i64 {
        self.expected.cast_signed() - self.received.cast_signed()
    }

    #[expect(clippy::cast_precision_loss, reason = "a fraction, and no call has 2⁵² packets")]
    fn fraction_lost(self) -> f64 {
        if self.expected == 0 { 0.0 } else { self.lost().max(0) as f64 / self.expected as f64 }
    }

    /// In units of 1/256, nought where duplicates outweigh the loss (appendix A.3).
    fn fraction_lost_fixed(self) -> u8 {
        let lost = self.lost().max(0).unsigned_abs();
        (lost << 8).checked_div(self.expected).map_or(0, |fraction| u8::try_from(fraction).unwrap_or(u8::MAX))
    }

    /// Clamped to a signed number of 24 bits, in the low bits of a word as `rtc-rtcp` wants it.
    fn lost_24_bits(self) -> u32 {
        let lost = self.lost().clamp(-0x80_0000, 0x7f_ffff);
        low_32_bits(lost.cast_unsigned()) & 0xff_ffff
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are what a report carries")]
const fn low_32_bits(number: u64) -> u32 {
    number as u32
}

/// Sequence numbers a stream may leap ahead and still be the same (appendix A.1).
const MAX_DROPOUT: i32 = 3_000;
/// Sequence numbers a packet may be late (appendix A.1).
const MAX_MISORDER: i32 = 100;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rtp::RtpHeader;
    use crate::units::{PayloadType, RtpTimestamp};

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn start() -> Instant {
        Instant::now()
    }

    fn receive(reception: &mut Reception, now: Instant, ssrc: u32, sequence: u16) {
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(sequence),
            timestamp: RtpTimestamp(u32::from(sequence) * 160),
            ssrc: Ssrc(ssrc),
            marker: false,
        };
        reception.handle_rtp(now, &RtpPacket { header, payload: &[0; 160] });
    }

    fn stats(reception: &Reception) -> StreamStats {
        let mut stats = StreamStats::default();
        reception.fill(&mut stats);
        stats
    }

    #[test]
    fn loss_is_counted_across_the_wrap_of_the_sequence_number() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        for sequence in [65_530, 65_531, 65_533, 65_535, 0, 1, 4] {
            receive(&mut reception, now, 1, sequence);
        }
        let stats = stats(&reception);
        assert_eq!((stats.packets_received, stats.lost), (7, 4));
        assert_eq!(reception.report(now).unwrap().last_sequence_number, 0x1_0004);
    }

    #[test]
    fn the_fraction_lost_is_that_since_the_last_report() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        for sequence in [0, 1, 3] {
            receive(&mut reception, now, 1, sequence);
        }
        assert_eq!(reception.report(now).unwrap().fraction_lost, 64);
        for sequence in [4, 5, 6, 7] {
            receive(&mut reception, now, 1, sequence);
        }
        let report = reception.report(now).unwrap();
        assert_eq!((report.fraction_lost, report.total_lost), (0, 1));
    }

    #[test]
    fn duplicates_make_the_loss_negative_and_the_fraction_nought() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        for sequence in [5, 5, 5] {
            receive(&mut reception, now, 1, sequence);
        }
        assert_eq!(stats(&reception).lost, -2);
        let report = reception.report(now).unwrap();
        assert_eq!((report.fraction_lost, report.total_lost), (0, 0xff_fffe));
    }

    #[test]
    fn another_ssrc_begins_a_new_stream_and_keeps_the_sums() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        for sequence in [10, 12] {
            receive(&mut reception, now, 1, sequence);
        }
        receive(&mut reception, now, 2, 40_000);
        let stats = stats(&reception);
        assert_eq!((stats.packets_received, stats.lost, stats.restarts, stats.ssrc), (3, 1, 1, Some(Ssrc(2))));
        assert_eq!(reception.report(now).unwrap().total_lost, 0);
    }

    #[test]
    fn a_leap_of_the_sequence_number_is_a_restart_and_no_loss() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        for sequence in [100, 101, 30_000, 30_001] {
            receive(&mut reception, now, 1, sequence);
        }
        assert_eq!((stats(&reception).lost, stats(&reception).restarts), (0, 1));
    }

    #[test]
    fn the_delay_since_the_last_sender_report_is_told_for_the_stream_it_was_about() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        receive(&mut reception, now, 1, 0);
        reception.handle_sender_report(now, Ssrc(2), u64::MAX);
        assert_eq!(reception.report(now).unwrap().last_sender_report, 0);
        reception.handle_sender_report(now, Ssrc(1), 0x1122_3344_5566_7788);
        let report = reception.report(now + Duration::from_millis(250)).unwrap();
        assert_eq!((report.last_sender_report, report.delay), (0x3344_5566, 1 << 14));
    }

    #[test]
    fn nothing_is_reported_of_a_stream_that_said_goodbye_until_it_sends_again() {
        let (mut reception, now) = (Reception::new(ClockRate::HZ_8000), start());
        receive(&mut reception, now, 1, 0);
        reception.handle_goodbye(Ssrc(1));
        assert!(reception.report(now).is_none());
        receive(&mut reception, now, 1, 1);
        assert!(reception.report(now).is_some());
    }
}
