//! The machine that writes our reports in time and reads the peer's.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_shared::marshal::Marshal;

use crate::rtcp::compound::{self, Packet, RtcpError};
use crate::rtcp::ntp::{self, NtpBase};
use crate::rtcp::reception::Reception;
use crate::rtcp::sender::Sender;
use crate::rtp::RtpPacket;
use crate::stats::{RemoteReception, StreamStats};
use crate::units::{ClockRate, Ssrc};

/// What a reporter is told at its birth.
#[derive(Clone, Debug)]
pub struct ReporterConfig {
    /// The SSRC of our stream, the only one that blocks of the peer are believed about.
    pub ssrc: Ssrc,
    /// Our canonical name, told in every compound (§6.5.1): random and without meaning (RFC 7022); cut at 255 octets.
    pub cname: String,
    /// The mean time between reports; 5 s by RFC 3550 §6.2. Each is drawn from half to one and a half times this.
    pub interval: Duration,
    /// One moment on both clocks.
    pub ntp: NtpBase,
    /// Ticks a second of the timestamps of both directions.
    pub clock_rate: ClockRate,
    /// What the intervals are drawn from; random, drawn by the caller.
    pub seed: u64,
}

/// Reports on one RTP exchange: ours to the peer, and what is known from the peer's.
#[derive(Debug)]
pub struct Reporter {
    config: ReporterConfig,
    sender: Sender,
    reception: Reception,
    remote: Option<RemoteReception>,
    round_trip: Option<Duration>,
    random: SplitMix64,
    /// The timer of the next report; `None` after the goodbye.
    next_report: Option<Instant>,
    /// The compound to send, and whether it waits to be polled.
    compound: Vec<u8>,
    waiting: bool,
    reported: bool,
}

/// What a reporter wants from its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReporterOutput<'a> {
    /// Send this compound.
    Packet(&'a [u8]),
    /// Nothing more until then; `None` after the goodbye.
    Timeout(Option<Instant>),
}

impl Reporter {
    /// A reporter whose first report comes after half an interval, as §6.2 has it.
    #[must_use]
    pub fn new(now: Instant, config: ReporterConfig) -> Self {
        let mut random = SplitMix64(config.seed);
        let first = random.around(config.interval / 2);
        Self {
            sender: Sender::new(config.ssrc, config.clock_rate),
            reception: Reception::new(config.clock_rate),
            remote: None,
            round_trip: None,
            random,
            next_report: Some(now + first),
            compound: Vec::new(),
            waiting: false,
            reported: false,
            config,
        }
    }

    /// Counts a packet of the peer; call it for every packet that the transport let through, late and duplicate ones too.
    pub fn handle_rtp_received(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.reception.handle_rtp(now, packet);
    }

    /// Counts a packet of ours.
    pub fn handle_rtp_sent(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.sender.handle_rtp(now, packet);
    }

    /// Reads a compound of the peer.
    ///
    /// # Errors
    /// When it is malformed anywhere; nothing of it has taken effect then, and the call goes on.
    pub fn handle_rtcp(&mut self, now: Instant, datagram: &[u8]) -> Result<(), RtcpError> {
        for packet in compound::parse(datagram)? {
            match packet {
                Packet::SenderReport(report) => {
                    self.reception.handle_sender_report(now, Ssrc(report.ssrc), report.ntp_time);
                    self.handle_blocks(now, &report.reports);
                }
                Packet::ReceiverReport(report) => self.handle_blocks(now, &report.reports),
                Packet::Goodbye(goodbye) => goodbye.sources.iter().for_each(|&ssrc| self.reception.handle_goodbye(Ssrc(ssrc))),
            }
        }
        Ok(())
    }

    /// Writes the report once its time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_report.is_some_and(|due| due <= now) {
            self.write_report(now);
            self.next_report = Some(now + self.random.around(self.config.interval));
        }
    }

    /// What to send, or how long to wait.
    pub fn poll_output(&mut self) -> ReporterOutput<'_> {
        if std::mem::take(&mut self.waiting) {
            return ReporterOutput::Packet(&self.compound);
        }
        ReporterOutput::Timeout(self.next_report)
    }

    /// Leaves: one last report with a BYE (§6.6), and no more timers.
    ///
    /// It takes the place of a report that nobody polled. Who never sent anything leaves in silence (§6.3.7).
    pub fn goodbye(&mut self, now: Instant) {
        if self.next_report.take().is_none() || (self.sender.packets == 0 && !self.reported) {
            return;
        }
        self.write_report(now);
        append(&mut self.compound, &Goodbye { sources: vec![self.config.ssrc.0], reason: Bytes::new() });
    }

    /// Counts, loss, jitter and round trip so far.
    #[must_use]
    pub fn stats(&self) -> StreamStats {
        let mut stats = StreamStats {
            packets_sent: self.sender.packets,
            octets_sent: self.sender.octets,
            remote: self.remote,
            round_trip: self.round_trip,
            ..StreamStats::default()
        };
        self.reception.fill(&mut stats);
        stats
    }

    /// Takes the block about our stream; others are not ours to read.
    fn handle_blocks(&mut self, now: Instant, blocks: &[ReceptionReport]) {
        let Some(block) = blocks.iter().find(|block| block.ssrc == self.config.ssrc.0) else { return };
        self.remote = Some(RemoteReception {
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            lost: (block.total_lost << 8).cast_signed() >> 8,
            jitter_ms: f64::from(block.jitter) * 1_000.0 / f64::from(self.config.clock_rate.0),
        });
        if block.last_sender_report == 0 {
            return;
        }
        let elapsed = self.config.ntp.short(now).wrapping_sub(block.last_sender_report);
        // A peer that tells a longer delay than has passed, or of a report never sent, says nothing of the path.
        let trip = elapsed.checked_sub(block.delay).map(ntp::from_short);
        self.round_trip = trip.filter(|trip| *trip <= MAX_ROUND_TRIP).or(self.round_trip);
    }

    fn write_report(&mut self, now: Instant) {
        self.compound.clear();
        let reports = Vec::from_iter(self.reception.report(now));
        match self.sender.report(now, &self.config.ntp) {
            Some(mut report) => {
                report.reports = reports;
                append(&mut self.compound, &report);
            }
            None => append(&mut self.compound, &ReceiverReport { ssrc: self.config.ssrc.0, reports, ..ReceiverReport::default() }),
        }
        append_cname(&mut self.compound, self.config.ssrc, &self.config.cname);
        (self.waiting, self.reported) = (true, true);
    }
}

/// Appends a packet of `rtc-rtcp`; one that it cannot write is left out, which its bounds here never let happen.
fn append(compound: &mut Vec<u8>, packet: &impl Marshal) {
    let start = compound.len();
    compound.resize(start + packet.marshal_size(), 0);
    let written = compound.get_mut(start..).and_then(|space| packet.marshal_to(space).ok());
    compound.truncate(start + written.unwrap_or(0));
}

/// Appends an SDES packet with our CNAME, ended and padded by nulls (§6.5).
fn append_cname(compound: &mut Vec<u8>, ssrc: Ssrc, cname: &str) {
    let len = u8::try_from(cname.len()).unwrap_or(u8::MAX);
    let text = cname.as_bytes().get(..usize::from(len)).unwrap_or_default();
    let words = (SDES_FIXED_LEN + text.len()) / 4 + 1;
    let end = compound.len() + words * 4;
    compound.extend_from_slice(&[0x81, SOURCE_DESCRIPTION]);
    // At most 67 words: the length on the wire counts them without the first.
    compound.extend_from_slice(&u16::try_from(words - 1).unwrap_or(0).to_be_bytes());
    compound.extend_from_slice(&ssrc.0.to_be_bytes());
    compound.extend_from_slice(&[CNAME, len]);
    compound.extend_from_slice(text);
    compound.resize(end, 0);
}

/// The generator of the intervals: small, seeded, and not for secrets (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    /// From half to one and a half times the mean, evenly.
    fn around(&mut self, mean: Duration) -> Duration {
        mean / 2 + mean * (self.next() >> 48) as u32 / (1 << 16)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Longer than any call could bear: what claims more is not a round trip.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(30);
const SOURCE_DESCRIPTION: u8 = 202;
const CNAME: u8 = 1;
/// Header, SSRC, item type and item length.
const SDES_FIXED_LEN: usize = 10;

#[cfg(test)]
mod tests;
