//! What a sender report says of our own stream (RFC 3550 §6.4.1).

use std::time::Instant;

use super::NtpBase;
use super::sender_report::SenderInformation;
use crate::rtp::RtpPacket;
use crate::units::{ClockRate, RtpTimestamp};

/// Our stream, as far as reports go.
#[derive(Debug)]
pub(super) struct Sender {
    clock_rate: ClockRate,
    pub(super) packets: u64,
    pub(super) octets: u64,
    /// Of those, packets and octets of streams that ended: reports tell of the present one (§6.4.1).
    ended: (u64, u64),
    /// When the last packet left, and its timestamp.
    last: Option<(Instant, RtpTimestamp)>,
    /// Packets at the last report and at the one before: who sent since the latter is a sender (§6.4).
    reported: [u64; 2],
}

impl Sender {
    pub(super) const fn new(clock_rate: ClockRate) -> Self {
        Self { clock_rate, packets: 0, octets: 0, ended: (0, 0), last: None, reported: [0, 0] }
    }

    pub(super) fn packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.packets += 1;
        self.octets += packet.payload.len() as u64;
        self.last = Some((now, packet.header.timestamp));
    }

    /// The timestamps are of another clock from the next packet on.
    pub(super) fn set_clock_rate(&mut self, clock_rate: ClockRate) {
        if clock_rate != self.clock_rate {
            (self.clock_rate, self.last) = (clock_rate, None);
        }
    }

    /// Packets of the present stream.
    pub(super) const fn present(&self) -> u64 {
        self.packets - self.ended.0
    }

    /// Another stream begins.
    pub(super) const fn renew(&mut self) {
        (self.ended, self.last) = ((self.packets, self.octets), None);
    }

    /// Whether anything was sent since the last report but one.
    pub(super) const fn is_sending(&self) -> bool {
        self.packets > self.reported[1]
    }

    /// Our part of a report; `None` for who is no sender any more.
    pub(super) fn report(&mut self, now: Instant, ntp: &NtpBase) -> Option<SenderInformation> {
        let (sending, last) = (self.is_sending(), self.last);
        self.reported = [self.packets, self.reported[0]];
        let (sent, timestamp) = last.filter(|_| sending)?;
        let since = self.clock_rate.ticks(now.saturating_duration_since(sent));
        Some(SenderInformation {
            ntp: ntp.timestamp(now),
            rtp: timestamp.advance(since as u32),
            packets: self.present() as u32,
            octets: (self.octets - self.ended.1) as u32,
        })
    }
}
