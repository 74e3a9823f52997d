//! What a sender report says of our own stream (RFC 3550 §6.4.1).

use std::time::Instant;

use rtc_rtcp::sender_report::SenderReport;

use crate::rtcp::NtpBase;
use crate::rtp::RtpPacket;
use crate::units::{ClockRate, RtpTimestamp, Ssrc};

/// Our stream, as far as reports go.
#[derive(Debug)]
pub(super) struct Sender {
    ssrc: Ssrc,
    clock_rate: ClockRate,
    pub(super) packets: u64,
    pub(super) octets: u64,
    /// When the last packet left, and its timestamp.
    last: Option<(Instant, RtpTimestamp)>,
    /// Packets at the last report and at the one before: who sent since the latter is a sender (§6.4).
    reported: [u64; 2],
}

impl Sender {
    pub(super) const fn new(ssrc: Ssrc, clock_rate: ClockRate) -> Self {
        Self { ssrc, clock_rate, packets: 0, octets: 0, last: None, reported: [0, 0] }
    }

    pub(super) fn handle_rtp(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.packets += 1;
        self.octets += packet.payload.len() as u64;
        self.last = Some((now, packet.header.timestamp));
    }

    /// The sender's part of a report, without blocks; `None` when nothing was sent since the last report but one.
    #[expect(clippy::cast_possible_truncation, reason = "ticks and counts wrap on the wire as 32 bits")]
    pub(super) fn report(&mut self, now: Instant, ntp: &NtpBase) -> Option<SenderReport> {
        let before = self.reported[1];
        self.reported = [self.packets, self.reported[0]];
        let (sent, timestamp) = self.last.filter(|_| self.packets > before)?;
        let since = self.clock_rate.ticks(now.saturating_duration_since(sent));
        Some(SenderReport {
            ssrc: self.ssrc.0,
            ntp_time: ntp.timestamp(now),
            rtp_time: timestamp.advance(since as u32).0,
            packet_count: self.packets as u32,
            octet_count: self.octets as u32,
            ..SenderReport::default()
        })
    }
}
