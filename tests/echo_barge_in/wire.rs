//! A call's packets: both ways through a codec, over a network that loses and shakes them, into real pipelines.
//!
//! The telephone is a pipeline of ours with 120 ms of playout; what it plays goes into the room, and what comes back is encoded
//! as the caller's. The ear sits where the gateway's does: behind the tap of the ingress.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::barge_in::Ear;
use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings};
use media::frame::AudioFormat;
use media::ingress::{FrameOrigin, Ingress, IngressConfig, IngressOutput, PayloadTypes};
use media::resample::Resampler;
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};
use media::vad::Edge;

use crate::chance::Chance;
use crate::line::Line;

/// What the packets meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    /// Part of the packets that is lost.
    pub(crate) loss: f64,
    /// Each is delayed by itself, by less than this.
    pub(crate) jitter_ms: f64,
}

/// Both directions of a call.
pub(crate) struct Wire {
    rate: SampleRate,
    start: Instant,
    /// Packets so far, each way.
    packets: u32,
    down: Direction,
    up: Direction,
    /// What the gateway has sent as its far end will hear it; G.711 alone is heard as it is decoded.
    reference: Option<Decoder>,
    phone: Ingress,
    playout: VecDeque<i16>,
    playing: bool,
    ingress: Ingress,
}

/// One direction: an encoder, and packets that are under way.
struct Direction {
    codec: Codec,
    resampler: Option<Resampler>,
    encoder: Encoder,
    network: Network,
    chance: Chance,
    under_way: Vec<Flight>,
}

struct Flight {
    at: Duration,
    number: u32,
    payload: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(codec: Codec, network: Network, chance: &mut Chance) -> Self {
        let rate = if codec == Codec::Opus { SampleRate::HZ_16000 } else { codec.sample_rate() };
        let ingress = |output, tap| {
            let config = IngressConfig::new(codec, PayloadTypes::audio(payload_type(codec)), AudioFormat::S16 { rate: output });
            Ingress::new(IngressConfig { tap, ..config }).expect("a pipeline")
        };
        Self {
            rate,
            start: Instant::now(),
            packets: 0,
            down: Direction::new(codec, rate, network, chance.fork()),
            up: Direction::new(codec, rate, network, chance.fork()),
            reference: codec.law().map(|_| Decoder::new(codec, rate).expect("a decoder")),
            phone: ingress(SampleRate::HZ_8000, false),
            playout: VecDeque::new(),
            playing: false,
            ingress: ingress(rate, true),
        }
    }

    /// The rate of both lines where the gateway has them.
    pub(crate) const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// A packet each way. Returns when the caller was heard to begin, if he was, in ms since the first packet.
    pub(crate) fn packet(&mut self, ear: &mut Ear, line: &mut Line, sent: &[i16], said: &[i16]) -> Option<f64> {
        let begins = PTIME * self.packets;
        let (frame, payload) = self.down.send(begins, self.packets, sent);
        if let Some(decoder) = &mut self.reference {
            let mut decoded = Vec::new();
            decoder.decode(&payload, &mut decoded).expect("a payload of ours");
            ear.push_sent(&decoded);
        } else {
            ear.push_sent(&frame);
        }
        let ends = begins + PTIME;
        for Flight { at, number, payload } in self.down.arrived(ends) {
            receive(&mut self.phone, self.down.codec, self.start + at, number, &payload);
        }
        self.phone.handle_timeout(self.start + ends);
        while let IngressOutput::Audio(chunk) = self.phone.poll_output() {
            self.playout.extend(chunk.bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)));
        }
        self.playing |= self.playout.len() >= PREBUFFER;
        let played: Vec<i16> = (0..said.len()).map(|_| if self.playing { self.playout.pop_front().unwrap_or(0) } else { 0 }).collect();
        let came = line.trip(&played, said);
        self.up.send(ends, self.packets, &came);
        self.packets += 1;
        let mut began = None;
        for Flight { at, number, payload } in self.up.arrived(ends + PTIME) {
            self.ingress.handle_timeout(self.start + at);
            receive(&mut self.ingress, self.up.codec, self.start + at, number, &payload);
            began = began.or(hear(&mut self.ingress, ear).then_some(at));
        }
        self.ingress.handle_timeout(self.start + ends + PTIME);
        began = began.or(hear(&mut self.ingress, ear).then_some(ends + PTIME));
        began.map(|at| at.as_secs_f64() * 1_000.0)
    }
}

impl Direction {
    fn new(codec: Codec, rate: SampleRate, network: Network, chance: Chance) -> Self {
        let encoder = EncoderConfig { codec, wanted: rate, ptime: PTIME, opus: OpusSettings::default() };
        Self {
            codec,
            resampler: (rate != SampleRate::HZ_8000).then(|| Resampler::new(SampleRate::HZ_8000, rate)),
            encoder: Encoder::new(encoder).expect("an encoder"),
            network,
            chance,
            under_way: Vec::new(),
        }
    }

    /// Sends 20 ms that are complete at `at`; returns them as they were encoded, and their payload.
    fn send(&mut self, at: Duration, number: u32, samples: &[i16]) -> (Vec<i16>, Vec<u8>) {
        let mut frame = Vec::new();
        match &mut self.resampler {
            Some(resampler) => resampler.push(samples, &mut frame),
            None => frame.extend_from_slice(samples),
        }
        let mut payload = Vec::new();
        self.encoder.encode(&frame, &mut payload).expect("a frame of 20 ms");
        let delay = Duration::from_secs_f64(self.chance.part() * self.network.jitter_ms / 1_000.0);
        if self.chance.part() >= self.network.loss {
            self.under_way.push(Flight { at: at + delay, number, payload: payload.clone() });
        }
        (frame, payload)
    }

    /// What comes before `until`, in its order.
    fn arrived(&mut self, until: Duration) -> Vec<Flight> {
        let (mut arrived, under_way): (Vec<Flight>, Vec<Flight>) = self.under_way.drain(..).partition(|flight| flight.at < until);
        self.under_way = under_way;
        arrived.sort_by_key(|flight| flight.at);
        arrived
    }
}

/// Whether the caller was heard to begin in what waits at the tap.
fn hear(ingress: &mut Ingress, ear: &mut Ear) -> bool {
    let mut began = false;
    while let Some(frame) = ingress.poll_tap() {
        ear.push_received(frame.samples, frame.origin != FrameOrigin::Received, |overheard| {
            began |= matches!(overheard.heard.edge, Some(Edge::Started { .. }));
        });
    }
    while let IngressOutput::Audio(_) | IngressOutput::Tap(_) = ingress.poll_output() {}
    began
}

fn receive(ingress: &mut Ingress, codec: Codec, at: Instant, number: u32, payload: &[u8]) {
    let timestamp = RtpTimestamp(number.wrapping_mul(codec.clock_rate().ticks(PTIME) as u32));
    let header = RtpHeader {
        payload_type: payload_type(codec),
        sequence: SequenceNumber(number as u16),
        timestamp,
        ssrc: Ssrc(1),
        marker: number == 0,
    };
    ingress.handle_packet(at, &RtpPacket { header, payload });
}

fn payload_type(codec: Codec) -> PayloadType {
    codec.static_payload_type().unwrap_or(PayloadType::from_low_bits(111))
}

const PTIME: Duration = Duration::from_millis(20);
/// 120 ms: what it waits for a lost packet, and some.
const PREBUFFER: usize = 960;
