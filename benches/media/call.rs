//! The media of one call, and both its ends: datagrams of a caller and audio of an agent, as fast as they are asked for.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::Context as _;
use media::codec::{Codec, g711};
use media::egress::{Egress, EgressCodec, EgressConfig, EgressOutput};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::ingress::{Ingress, IngressConfig, IngressOutput, PayloadTypes};
use media::rtcp::{NtpBase, Reporter, ReporterConfig};
use media::rtp::{RtpHeader, RtpPacket, RtpSeed};
use media::srtp::{CryptoSuite, KeySeed, MasterKey, SdesKeys, Sender};
use media::transport::{Flow, Inbound, PathConfig, Plain, Protocol, SdesSrtp, SourceRule, Transport};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

use crate::speech::{PTIME, payloads, speech};

/// What a call is about.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) codec: Codec,
    pub(crate) format: AudioFormat,
    pub(crate) secure: bool,
}

/// What the gateway holds for a call's media.
pub(crate) struct Call {
    transport: Transport,
    ingress: Ingress,
    egress: Egress,
    reporter: Reporter,
    format: AudioFormat,
    start: Instant,
    received: u32,
    sent: u32,
}

/// What comes from outside: the caller's datagrams in a ring, and the agent's audio.
pub(crate) struct Outside {
    datagrams: Vec<Vec<u8>>,
    at: usize,
    payloads: Vec<Vec<u8>>,
    header: RtpHeader,
    /// Of a packet.
    ticks: u32,
    sealer: Option<Sender>,
    audio: Vec<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(job: &Job) -> anyhow::Result<Self> {
        let start = Instant::now();
        let path = PathConfig { local_rtp: LOCAL, local_rtcp: LOCAL, source: SourceRule::Address };
        let mut transport = if job.secure { Transport::Sdes(SdesSrtp::new(path, &keys())) } else { Transport::Plain(Plain::new(path)) };
        transport.set_remote(REMOTE, REMOTE);
        let payload_type = payload_type(job.codec);
        let ingress = Ingress::new(IngressConfig::new(job.codec, PayloadTypes::audio(payload_type), job.format))?;
        let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
        let mut egress = Egress::new(EgressConfig::new(EgressCodec::new(job.codec, payload_type, PTIME), job.format, seed))?;
        egress.start(start);
        let ntp = NtpBase { at: start, ntp: 0xe000_0000 << 32 };
        let reporter = ReporterConfig::new(seed.ssrc, "0123456789abcdef".to_owned(), job.codec, ntp, 1);
        let reporter = Reporter::new(start, reporter);
        Ok(Self { transport, ingress, egress, reporter, format: job.format, start, received: 0, sent: 0 })
    }

    /// One tick from the caller to the agent.
    pub(crate) fn receive(&mut self, outside: &mut Outside) {
        let now = self.start + PTIME * self.received;
        self.received += 1;
        let flow = Flow { protocol: Protocol::Udp, local: LOCAL, remote: REMOTE };
        self.transport.handle_datagram(now, flow, outside.next_datagram()).expect("the caller's own datagram");
        while let Some(Inbound::Rtp(packet)) = self.transport.poll_inbound() {
            self.reporter.handle_rtp_received(now, &packet);
            self.ingress.handle_packet(now, &packet);
        }
        self.ingress.handle_timeout(now);
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Timeout(_) => break,
                output => {
                    black_box(output);
                }
            }
        }
    }

    /// One tick from the agent to the caller.
    pub(crate) fn send(&mut self, outside: &Outside) {
        let now = self.start + PTIME * self.sent;
        let item = ItemId(self.sent / ITEM_TICKS + 1);
        let bytes = outside.audio.get(self.sent as usize % outside.audio.len()).map(Vec::as_slice).unwrap_or_default();
        self.sent += 1;
        self.egress.push(now, item, AudioChunk { format: self.format, bytes }).expect("room for a frame");
        self.egress.handle_timeout(now);
        loop {
            match self.egress.poll_output() {
                EgressOutput::Packet(packet) => {
                    self.reporter.handle_rtp_sent(now, &packet);
                    self.transport.send_rtp(now, &packet);
                }
                EgressOutput::Timeout(_) => break,
                _ => {}
            }
        }
        while let Some(transmit) = self.transport.poll_transmit() {
            black_box(transmit);
        }
    }

    /// Packets that became audio of the agent's, and packets for the caller.
    pub(crate) fn packets(&self) -> (u64, u64) {
        (self.ingress.stats().forwarded, self.egress.stats().packets)
    }
}

impl Outside {
    pub(crate) fn new(job: &Job) -> anyhow::Result<Self> {
        let header = RtpHeader {
            payload_type: payload_type(job.codec),
            sequence: SequenceNumber(0),
            timestamp: RtpTimestamp(0),
            ssrc: Ssrc(9),
            marker: false,
        };
        let rate = job.format.rate();
        let audio = speech(rate).chunks_exact(rate.samples(PTIME) as usize).map(|frame| in_format(job.format, frame)).collect();
        Ok(Self {
            datagrams: (0..RING).map(|_| Vec::with_capacity(1_500)).collect(),
            at: RING,
            payloads: payloads(job.codec, job.codec.sample_rate())?,
            header,
            ticks: u32::try_from(job.codec.clock_rate().ticks(PTIME)).context("ticks of 20 ms")?,
            sealer: job.secure.then(|| Sender::new(&keys().remote)),
            audio,
        })
    }

    /// The next datagram of the stream. They are written a ring at a time, so that most ticks see nothing of it.
    fn next_datagram(&mut self) -> &[u8] {
        if self.at >= self.datagrams.len() {
            self.refill();
        }
        self.at += 1;
        self.datagrams.get(self.at - 1).map(Vec::as_slice).unwrap_or_default()
    }

    fn refill(&mut self) {
        self.at = 0;
        for (datagram, payload) in self.datagrams.iter_mut().zip(self.payloads.iter().cycle()) {
            datagram.clear();
            RtpPacket { header: self.header, payload }.write(datagram);
            if let Some(sealer) = &mut self.sealer {
                sealer.seal_rtp(datagram).expect("a whole packet");
            }
            self.header.sequence = self.header.sequence.next();
            self.header.timestamp = self.header.timestamp.advance(self.ticks);
        }
    }
}

fn in_format(format: AudioFormat, frame: &[i16]) -> Vec<u8> {
    match format {
        AudioFormat::Ulaw8k => frame.iter().map(|&sample| g711::encode_ulaw(sample)).collect(),
        AudioFormat::Alaw8k => frame.iter().map(|&sample| g711::encode_alaw(sample)).collect(),
        AudioFormat::S16 { .. } => frame.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
    }
}

fn payload_type(codec: Codec) -> PayloadType {
    codec.static_payload_type().unwrap_or(PayloadType::from_low_bits(111))
}

fn keys() -> SdesKeys {
    let key = |line| MasterKey::generate(CryptoSuite::AesCm128HmacSha1_80, &KeySeed::new([7; 32]), 0, line);
    SdesKeys { local: key(1), remote: key(2) }
}

const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 16_384);
const REMOTE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 4_000);
/// Datagrams written at once; a multiple of the two seconds of speech would do as well.
const RING: usize = 512;
/// As long as an item is.
const ITEM_TICKS: u32 = 64;
