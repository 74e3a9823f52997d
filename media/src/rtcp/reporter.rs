//! The machine that writes our reports in time and reads the peer's.

mod effects;
mod report;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::quality::{Conditions, Impairment, Quality};
use crate::rtcp::compound::RtcpError;
use crate::rtcp::members::Members;
use crate::rtcp::ntp::NtpBase;
use crate::rtcp::playout_report::PlayoutReport;
use crate::rtcp::reception::Reception;
use crate::rtcp::remote::Remote;
use crate::rtcp::round_trip::RoundTrip;
use crate::rtcp::schedule::Schedule;
use crate::rtcp::sender::Sender;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::sdp::{Negotiated, XrBlocks};
use crate::stats::StreamStats;
use crate::units::Ssrc;

/// What a reporter is told at its birth. [`ReporterConfig::new`] fills in what is seldom asked for.
#[derive(Clone, Debug)]
pub struct ReporterConfig {
    /// The SSRC of our stream, the only one that reports of the peer are believed about.
    pub ssrc: Ssrc,
    /// Our canonical name, told in every compound (§6.5.1): random and without meaning (RFC 7022); cut at 255 octets.
    pub cname: String,
    /// The codec of both directions: its clock is that of the timestamps, its impairment that of the ratings.
    pub codec: Codec,
    /// The least mean time between reports, 5 s by RFC 3550 §6.2. What is sent is drawn from around it.
    pub interval: Duration,
    /// The session's bandwidth; all reports together take 5 % of it (§6.2).
    pub bandwidth_bps: u32,
    /// One moment on both clocks.
    pub ntp: NtpBase,
    /// What the intervals are drawn from; random, drawn by the caller.
    pub seed: u64,
    /// Which extended reports we send; what the peer asks for by sending its own is answered in any case.
    pub extended: ExtendedReports,
    /// Whether packets need not begin with a report, nor tell our name each time (RFC 5506); both sides must have agreed.
    pub reduced_size: bool,
}

/// Blocks of extended reports (RFC 3611), as `a=rtcp-xr` agrees on them; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtendedReports {
    /// Our clock, so that the peer's answer tells us the round trip even when we send nothing (`rcvr-rtt`).
    pub receiver_reference_time: bool,
    /// Loss, duplicates and jitter between two reports (`stat-summary`).
    pub statistics_summary: bool,
    /// Bursts, delays, levels and ratings (`voip-metrics`).
    pub voip_metrics: bool,
}

/// Reports on one RTP exchange: ours to the peer, and what is known from the peer's.
#[derive(Debug)]
pub struct Reporter {
    config: ReporterConfig,
    schedule: Schedule,
    members: Members,
    sender: Sender,
    reception: Reception,
    remote: Remote,
    round_trip: RoundTrip,
    playout: PlayoutReport,
    worst: Option<Quality>,
    reflected: u64,
    collisions: u64,
    /// The compound to send, and whether it waits to be polled.
    compound: Vec<u8>,
    waiting: bool,
    /// Reports written so far.
    reports: u64,
    events: VecDeque<ReporterEvent>,
}

/// What a reporter wants from its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReporterOutput<'a> {
    /// Send this compound.
    Packet(&'a [u8]),
    /// Something that the peer said.
    Event(ReporterEvent),
    /// Nothing more until then; `None` after the goodbye.
    Timeout(Option<Instant>),
}

/// Something that the peer said. RTCP is as true as its transport: an event is a hint, never an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReporterEvent {
    /// A source of the peer's says that it leaves (§6.6). Another may follow, or the same again.
    Goodbye {
        /// Which.
        ssrc: Ssrc,
    },
}

impl ReporterConfig {
    /// The default of [`Self::interval`].
    pub const INTERVAL: Duration = Duration::from_secs(5);
    /// The default of [`Self::bandwidth_bps`]: G.711 with its headers, near enough.
    pub const BANDWIDTH_BPS: u32 = 80_000;

    /// The standard timing, and neither extended reports nor reduced size.
    #[must_use]
    pub const fn new(ssrc: Ssrc, cname: String, codec: Codec, ntp: NtpBase, seed: u64) -> Self {
        let extended = ExtendedReports { receiver_reference_time: false, statistics_summary: false, voip_metrics: false };
        let (interval, bandwidth_bps) = (Self::INTERVAL, Self::BANDWIDTH_BPS);
        Self { ssrc, cname, codec, interval, bandwidth_bps, ntp, seed, extended, reduced_size: false }
    }

    /// With the codec, the extended reports and the size of packets that offer and answer agreed on.
    #[must_use]
    pub fn agreed(self, negotiated: &Negotiated) -> Self {
        let Negotiated { codec, rtcp_xr, rtcp_rsize, .. } = *negotiated;
        Self { codec, extended: rtcp_xr.into(), reduced_size: rtcp_rsize, ..self }
    }
}

impl ExtendedReports {
    /// All that there are.
    pub const ALL: Self = Self { receiver_reference_time: true, statistics_summary: true, voip_metrics: true };
}

impl From<XrBlocks> for ExtendedReports {
    fn from(XrBlocks { receiver_round_trip, statistics_summary, voip_metrics }: XrBlocks) -> Self {
        Self { receiver_reference_time: receiver_round_trip, statistics_summary, voip_metrics }
    }
}

impl Reporter {
    /// A reporter whose first report comes after about half an interval, as §6.2 has it.
    #[must_use]
    pub fn new(now: Instant, config: ReporterConfig) -> Self {
        let clock_rate = config.codec.clock_rate();
        Self {
            schedule: Schedule::new(now, config.interval, config.bandwidth_bps, config.seed),
            members: Members::default(),
            sender: Sender::new(clock_rate),
            reception: Reception::new(clock_rate),
            remote: Remote::default(),
            round_trip: RoundTrip::default(),
            playout: PlayoutReport::default(),
            worst: None,
            reflected: 0,
            collisions: 0,
            compound: Vec::with_capacity(COMPOUND),
            waiting: false,
            reports: 0,
            events: VecDeque::with_capacity(EVENTS),
            config,
        }
    }

    /// Counts a packet of the peer; call it for every packet that the transport let through, late and duplicate ones too.
    pub fn handle_rtp_received(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.reception.packet(now, packet);
        self.members.sent(now, packet.header.ssrc);
    }

    /// A packet that was counted as received was not played, having come too late.
    pub fn handle_rtp_discarded(&mut self, header: &RtpHeader) {
        self.reception.discard(header);
    }

    /// Counts a packet of ours.
    pub fn handle_rtp_sent(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.sender.packet(now, packet);
    }

    /// Reads a compound of the peer.
    ///
    /// # Errors
    /// When it is malformed anywhere; nothing of it has taken effect then, and the call goes on.
    pub fn handle_rtcp(&mut self, now: Instant, datagram: &[u8]) -> Result<(), RtcpError> {
        self.read(now, datagram)
    }

    /// Writes the report once its time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.schedule.next().is_none_or(|due| due > now) {
            return;
        }
        let interval = self.schedule.deterministic(self.group());
        self.members.expire(now, interval);
        let group = self.group();
        if self.schedule.is_due(now, group) {
            self.write_report(now, None);
            self.schedule.sent(now, self.compound.len(), group);
        }
    }

    /// Another codec was agreed on, in both directions.
    pub fn set_codec(&mut self, codec: Codec) {
        self.config.codec = codec;
        self.sender.set_clock_rate(codec.clock_rate());
        self.reception.set_clock_rate(codec.clock_rate());
    }

    /// Our stream ends and another begins under this SSRC: the end of the old one is told (§6.6), with its last report.
    pub fn renew(&mut self, now: Instant, ssrc: Ssrc) {
        if self.schedule.next().is_some() && self.sender.packets > 0 {
            self.write_report(now, Some(""));
        }
        self.config.ssrc = ssrc;
        self.sender.renew();
    }

    /// Offer and answer agreed anew.
    pub fn renegotiate(&mut self, negotiated: &Negotiated) {
        self.set_codec(negotiated.codec);
        (self.config.extended, self.config.reduced_size) = (negotiated.rtcp_xr.into(), negotiated.rtcp_rsize);
    }

    /// What is known of the playout by now; told in VoIP metrics, and its delay counted in the ratings.
    pub const fn set_playout(&mut self, playout: PlayoutReport) {
        self.playout = playout;
    }

    /// What to send, what the peer said, or how long to wait.
    pub fn poll_output(&mut self) -> ReporterOutput<'_> {
        if let Some(event) = self.events.pop_front() {
            return ReporterOutput::Event(event);
        }
        if std::mem::take(&mut self.waiting) {
            return ReporterOutput::Packet(&self.compound);
        }
        ReporterOutput::Timeout(self.schedule.next())
    }

    /// Leaves: one last report with a BYE (§6.6), and no more timers. The reason is told where it is not empty.
    ///
    /// It takes the place of a report that nobody polled. Who never sent anything leaves in silence (§6.3.7).
    pub fn goodbye(&mut self, now: Instant, reason: &'static str) {
        let gone = self.schedule.next().is_none();
        self.schedule.stop();
        if !gone && (self.sender.packets > 0 || self.reports > 0) {
            self.write_report(now, Some(reason));
        }
    }

    /// The round trip last measured, for estimates of what has arrived.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.round_trip.last
    }

    /// Counts, loss, jitter, round trip and ratings so far.
    #[must_use]
    pub fn stats(&self) -> StreamStats {
        let mut stats = StreamStats {
            packets_sent: self.sender.packets,
            octets_sent: self.sender.octets,
            quality: self.quality(),
            worst_quality: self.worst,
            reflected_reports: self.reflected,
            ssrc_collisions: self.collisions,
            remote_quality: self.remote_quality(),
            round_trip: self.round_trip.last,
            round_trip_spread_ms: self.round_trip.over_call.spread(),
            ..StreamStats::default()
        };
        self.reception.fill(&mut stats);
        self.remote.fill(&mut stats);
        stats
    }

    /// How what we receive sounds, over the whole call.
    fn quality(&self) -> Option<Quality> {
        let counts = self.reception.counts();
        (counts.expected > 0).then(|| self.rate(counts.fraction_unplayed(), self.reception.bursts().burst_ratio()))
    }

    /// How what we send sounds at the peer: its own ratings, and in the place of those that it does not tell, ours of the loss it tells.
    fn remote_quality(&self) -> Option<Quality> {
        let mut stats = StreamStats::default();
        self.remote.fill(&mut stats);
        // What the peer tells is of the present stream.
        let computed = stats.remote.filter(|_| self.sender.present() > 0).map(|remote| {
            let lost = f64::from(remote.lost.max(0)) / self.sender.present() as f64;
            self.rate(lost, 1.0)
        });
        let Some(metrics) = stats.remote_metrics else { return computed };
        Some(Quality {
            r_factor: metrics.r_factor.or(computed.map(|quality| quality.r_factor))?,
            mos_listening: metrics.mos_listening.or(computed.map(|quality| quality.mos_listening))?,
            mos_conversational: metrics.mos_conversational.or(computed.and_then(|quality| quality.mos_conversational)),
        })
    }

    fn rate(&self, loss: f64, burst_ratio: f64) -> Quality {
        // RFC 3611 §4.7.4: half of what passes on the wire and at both ends.
        let ends = self.playout.end_system_delay + self.remote.end_system_delay();
        let delay = self.round_trip.last.map(|trip| (trip + ends) / 2);
        Quality::of(Impairment::of(self.config.codec), &Conditions { loss, burst_ratio, delay })
    }

    /// Keeps the newest events when nobody polls.
    fn tell(&mut self, event: ReporterEvent) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

/// Octets of a report with one stream, a short name and every block that we write; a longer one makes the buffer grow, once.
const COMPOUND: usize = 320;
const EVENTS: usize = 4;

#[cfg(test)]
mod tests;
