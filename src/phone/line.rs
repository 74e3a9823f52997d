//! The audio of an answered call: both pipelines, what was sent and what was heard, each on a line of time that begins with the answer.
//!
//! What was sent is taken from the packets themselves, so that it stays true where a key stood in the place of audio or a
//! slot was skipped.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::dtmf::{self, Digit};
use media::egress::{Egress, EgressCodec, EgressConfig, EgressEvent, EgressOutput};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::ingress::{Ingress, IngressConfig, IngressOutput};
use media::pipeline::PipelineError;
use media::rtcp::{Reporter, ReporterConfig, ReporterOutput};
use media::rtp::{RtpPacket, RtpSeed};
use media::sdp::Negotiated;
use media::stats::StreamStats;
use media::transport::{Flow, Inbound, PathConfig, Plain, Transport};
use media::units::RtpTimestamp;

use super::analysis::RATE;
use super::setup::Datagram;

/// The media of one call.
#[derive(Debug)]
pub(super) struct Line {
    transport: Transport,
    ingress: Ingress,
    egress: Egress,
    reporter: Reporter,
    keypad: Option<dtmf::Sender>,
    codec: Codec,
    answered: Instant,
    heard: Vec<i16>,
    /// Beyond so many samples nothing more is recorded.
    heard_bound: usize,
    /// What is played, and how much of it the egress has.
    play: Vec<i16>,
    fed: usize,
    sent: Vec<i16>,
    first_sent: RtpTimestamp,
    /// Whether the recording has been sent whole; what is sent from then on is noise.
    played: bool,
    due: Due,
}

/// What a line needs to know.
#[derive(Debug)]
pub(super) struct LineSetup<'a> {
    pub(super) negotiated: &'a Negotiated,
    /// Where RTP and RTCP are bound.
    pub(super) sockets: PathConfig,
    pub(super) seed: RtpSeed,
    pub(super) reporter: ReporterConfig,
    /// What to play, at 8 kHz.
    pub(super) play: Vec<i16>,
    /// How long the call may last at most.
    pub(super) longest: Duration,
}

/// When each part wants to be woken.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    ingress: Option<Instant>,
    egress: Option<Instant>,
    reporter: Option<Instant>,
}

impl Line {
    /// Begins to speak and to hear.
    pub(super) fn open(now: Instant, setup: LineSetup<'_>) -> Result<Self, PipelineError> {
        let Negotiated { codec, send_payload_types, receive_payload_types, telephone_event_clock, ptime, .. } = *setup.negotiated;
        let linear = AudioFormat::S16 { rate: RATE };
        let ingress = Ingress::new(IngressConfig::new(codec, receive_payload_types, linear))?;
        let agreed = EgressCodec::new(codec, send_payload_types.audio, ptime);
        // What is played is compared with what is heard, so nothing may change its speed.
        let egress = EgressConfig { catch_up: false, ..EgressConfig::new(agreed, linear, setup.seed) };
        let mut egress = Egress::new(egress)?;
        if setup.negotiated.send {
            egress.start(now);
        }
        let mut transport = Transport::Plain(Plain::new(setup.sockets));
        transport.set_remote(setup.negotiated.remote_rtp, setup.negotiated.remote_rtcp);
        let mut line = Self {
            transport,
            ingress,
            egress,
            reporter: Reporter::new(now, setup.reporter),
            keypad: send_payload_types.telephone_event.zip(telephone_event_clock).map(|(number, clock)| dtmf::Sender::new(number, clock)),
            codec,
            answered: now,
            heard: Vec::new(),
            heard_bound: RATE.samples(setup.longest) as usize,
            sent: Vec::new(),
            first_sent: setup.seed.timestamp,
            played: setup.play.is_empty(),
            play: setup.play,
            fed: 0,
            due: Due::default(),
        };
        line.feed(now);
        line.drain(now);
        Ok(line)
    }

    /// Takes a datagram of the RTP or the RTCP socket.
    pub(super) fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) {
        // What is refused has been counted by its reason.
        if self.transport.handle_datagram(now, flow, datagram).is_err() {
            return;
        }
        match self.transport.poll_inbound() {
            Some(Inbound::Rtp(packet)) => {
                self.reporter.handle_rtp_received(now, &packet);
                self.ingress.handle_packet(now, &packet);
            }
            // A report that cannot be read is no reason to do anything else.
            Some(Inbound::Rtcp(compound)) => drop(self.reporter.handle_rtcp(now, compound)),
            None => {}
        }
        self.drain(now);
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.ingress.handle_timeout(now);
        self.feed(now);
        self.egress.handle_timeout(now);
        self.reporter.handle_timeout(now);
        self.drain(now);
    }

    /// Presses keys; false when the far end does not take them, or not so many.
    pub(super) fn dial(&mut self, digits: &[Digit]) -> bool {
        self.keypad.as_mut().is_some_and(|keypad| keypad.dial(digits).is_ok())
    }

    /// Says goodbye; nothing is sent afterwards.
    pub(super) fn close(&mut self, now: Instant) {
        self.reporter.goodbye(now, "call ended");
        self.drain(now);
    }

    /// Datagrams to send.
    pub(super) fn take_transmits(&mut self, out: &mut VecDeque<Datagram>) {
        while let Some(transmit) = self.transport.poll_transmit() {
            let Flow { local, remote, .. } = transmit.flow;
            out.push_back(Datagram { local, remote, bytes: Bytes::copy_from_slice(transmit.bytes) });
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let Due { ingress, egress, reporter } = self.due;
        [ingress, egress, reporter].into_iter().flatten().min()
    }

    /// What was heard since the answer.
    pub(super) fn heard(&self) -> &[i16] {
        &self.heard
    }

    /// What was sent since the answer, to the end of the recording.
    pub(super) fn sent(&self) -> &[i16] {
        &self.sent
    }

    pub(super) const fn codec(&self) -> Codec {
        self.codec
    }

    pub(super) fn stats(&self) -> StreamStats {
        self.reporter.stats()
    }

    /// Keeps a little of the recording ahead of its slots: all of it at once would hold up the first packet.
    fn feed(&mut self, now: Instant) {
        while self.egress.queued() < AHEAD
            && let Some(rest) = self.play.get(self.fed..).filter(|rest| !rest.is_empty())
        {
            let piece = rest.get(..PIECE).unwrap_or(rest);
            let bytes: Vec<u8> = piece.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            // There is one item, never flushed, and far less of it than the bound.
            let _ = self.egress.push(now, RECORDING, AudioChunk { format: AudioFormat::S16 { rate: RATE }, bytes: &bytes });
            self.fed += piece.len();
            if self.fed == self.play.len() {
                self.egress.end(now, RECORDING);
            }
        }
    }

    fn drain(&mut self, now: Instant) {
        self.due.ingress = self.drain_ingress(now);
        self.due.egress = self.drain_egress(now);
        self.due.reporter = loop {
            match self.reporter.poll_output() {
                ReporterOutput::Packet(compound) => self.transport.send_rtcp(now, compound),
                // The far end hangs up by SIP.
                ReporterOutput::Event(_) => {}
                ReporterOutput::Timeout(due) => break due,
            }
        };
    }

    fn drain_ingress(&mut self, now: Instant) -> Option<Instant> {
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Audio(chunk) => {
                    if self.heard.is_empty() {
                        let silence = RATE.samples(now.saturating_duration_since(self.answered)) as usize;
                        self.heard.resize(silence.min(self.heard_bound), 0);
                    }
                    let samples = chunk.bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample));
                    self.heard.extend(samples.take(self.heard_bound - self.heard.len()));
                }
                // Not asked for.
                IngressOutput::Tap(_) => {}
                IngressOutput::Timeout(due) => return due,
            }
        }
    }

    fn drain_egress(&mut self, now: Instant) -> Option<Instant> {
        let EgressCodec { codec, ptime, .. } = self.egress.codec();
        let ticks = u32::try_from(codec.clock_rate().ticks(ptime)).unwrap_or(u32::MAX);
        loop {
            match self.egress.poll_output() {
                EgressOutput::Packet(audio) => {
                    let key = self.keypad.as_mut().and_then(|keypad| keypad.replace(&audio.header, ticks));
                    if key.is_none() && !self.played {
                        note_sent(&mut self.sent, self.first_sent, self.codec, &audio);
                    }
                    let packet = key.unwrap_or(audio);
                    self.reporter.handle_rtp_sent(now, &packet);
                    self.transport.send_rtp(now, &packet);
                }
                EgressOutput::Event(EgressEvent::ItemFinished(_)) => self.played = true,
                // A tap is not asked for.
                EgressOutput::Event(_) | EgressOutput::Tap(_) | EgressOutput::Silent(_) => {}
                EgressOutput::Timeout(due) => return due,
            }
        }
    }
}

/// Puts the audio of a packet at its time; what was not sent before it is silence.
fn note_sent(sent: &mut Vec<i16>, first: RtpTimestamp, codec: Codec, packet: &RtpPacket<'_>) {
    let at = packet.header.timestamp.since(first).unsigned_abs() as usize;
    let Some(law) = codec.law() else { return };
    sent.resize(at, 0);
    sent.extend(packet.payload.iter().map(|&byte| law.decode(byte)));
}

/// The one item that is played.
const RECORDING: ItemId = ItemId(1);
/// More than a stalled driver can send at once.
const AHEAD: Duration = Duration::from_millis(200);
/// 20 ms.
const PIECE: usize = 160;
