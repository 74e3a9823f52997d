//! The agent's side of a trip: speech is encoded, sent over a link and heard through the ingress, in virtual time.

use std::time::{Duration, Instant};

use media::codec::{Codec, Encoder, EncoderConfig, OpusSettings};
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput, IngressStats, PayloadTypes};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

use crate::link::Link;

/// What came of a trip.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What the agent heard, at the rate of what was said.
    pub(crate) samples: Vec<i16>,
    /// The books at the end.
    pub(crate) stats: IngressStats,
    /// After each packet: when, and how long a gap was waited for then.
    pub(crate) waits: Vec<(Duration, Duration)>,
    /// Whenever audio of the sender reached the agent.
    pub(crate) audible: Vec<Duration>,
}

/// What becomes of the sender's stream after an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Return {
    /// It went on all the time.
    Continued,
    /// It is another source.
    AnotherSource,
    /// Its sequence numbers and timestamps begin anew.
    BegunAnew,
}

/// Sends `speech` at `rate` in packets of 20 ms over `link`.
pub(crate) fn travel(codec: Codec, speech: &[i16], rate: SampleRate, link: &Link, seed: u64) -> Heard {
    travel_back(codec, speech, rate, link, seed, Return::Continued)
}

/// The same with a stream that comes back from the link's outage in this way.
pub(crate) fn travel_back(codec: Codec, speech: &[i16], rate: SampleRate, link: &Link, seed: u64, back: Return) -> Heard {
    let packets = encode(codec, speech, rate, link.loss);
    let payload_type = codec.static_payload_type().unwrap_or(DYNAMIC);
    let config = IngressConfig::new(codec, PayloadTypes::audio(payload_type), AudioFormat::S16 { rate });
    let mut agent = Agent::new(Ingress::new(config).expect("a pipeline"));
    let ticks = codec.clock_rate().ticks(PTIME) as u32;
    for arrival in link.carry(packets.len(), PTIME, seed) {
        let returned = link.outage.is_some_and(|(from, _)| PTIME * arrival.index as u32 >= from);
        let begun = if returned && back == Return::BegunAnew { 30_000 } else { 0 };
        let header = RtpHeader {
            payload_type,
            sequence: SequenceNumber((arrival.index as u16).wrapping_add(65_000).wrapping_add(begun)),
            timestamp: RtpTimestamp((arrival.index as u32 * ticks).wrapping_add(u32::from(begun) << 16)),
            ssrc: Ssrc(if returned && back == Return::AnotherSource { 2 } else { 1 }),
            marker: arrival.index == 0,
        };
        agent.hear(arrival.at, &RtpPacket { header, payload: &packets[arrival.index] });
    }
    // What still waits for a missing packet has its time.
    agent.run_to(agent.now + Duration::from_millis(180));
    agent.heard
}

struct Agent {
    ingress: Ingress,
    start: Instant,
    now: Duration,
    timeout: Option<Instant>,
    heard: Heard,
}

impl Agent {
    fn new(ingress: Ingress) -> Self {
        Self { ingress, start: Instant::now(), now: Duration::ZERO, timeout: None, heard: Heard::default() }
    }

    fn hear(&mut self, at: Duration, packet: &RtpPacket<'_>) {
        self.run_to(at);
        self.ingress.handle_packet(self.start + at, packet);
        self.drain();
        self.heard.waits.push((at, self.heard.stats.gap_wait));
    }

    /// Lets time pass, obeying every timeout.
    fn run_to(&mut self, at: Duration) {
        while let Some(due) = self.timeout.filter(|due| *due <= self.start + at) {
            self.now = due.duration_since(self.start);
            self.ingress.handle_timeout(due);
            self.drain();
        }
        self.now = at;
    }

    fn drain(&mut self) {
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Audio(chunk) => {
                    let (pairs, _) = chunk.bytes.as_chunks::<2>();
                    self.heard.samples.extend(pairs.iter().map(|&pair| i16::from_le_bytes(pair)));
                }
                IngressOutput::Tap(_) => {}
                IngressOutput::Timeout(timeout) => {
                    self.timeout = timeout;
                    break;
                }
            }
        }
        let stats = self.ingress.stats();
        if stats.forwarded_ticks > self.heard.stats.forwarded_ticks {
            self.heard.audible.push(self.now);
        }
        self.heard.stats = stats;
    }
}

/// Packets of 20 ms. Of Opus the far end is one that spends what browsers spend, and that was told of `loss`.
fn encode(codec: Codec, speech: &[i16], rate: SampleRate, loss: f64) -> Vec<Vec<u8>> {
    let opus = OpusSettings { bitrate_bps: 24_000, max_playback_rate: rate, complexity: 10, ..OpusSettings::default() };
    let mut encoder = Encoder::new(EncoderConfig { codec, wanted: rate, ptime: PTIME, opus }).expect("an encoder");
    assert_eq!(encoder.rate(), rate, "{codec:?} takes what is said as it is");
    encoder.set_loss(loss as f32);
    let encoded = speech.chunks_exact(rate.samples(PTIME) as usize).map(|frame| {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).expect("a frame of 20 ms");
        payload
    });
    encoded.collect()
}

pub(crate) const PTIME: Duration = Duration::from_millis(20);
const DYNAMIC: PayloadType = PayloadType::new(111).unwrap();
