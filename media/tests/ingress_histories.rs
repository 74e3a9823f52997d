//! Whatever the network and the sender do, the books balance and the timeline keeps to RTP's.
//!
//! A history is drawn from a seed: a sender (codecs that change, packet lengths, pauses, clocks that jump or stand
//! still, new sources, telephone-events, comfort noise), a network (loss, duplicates, delay, disorder) and a caller of the pipeline
//! who may be late, mutes and holds. Set `AURICLE_SEED` to run one again; a million run under `AURICLE_FULL=1`.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

mod seeds;

use std::time::{Duration, Instant};

use media::codec::Codec;
use media::frame::AudioFormat;
use media::ingress::{FrameOrigin, Ingress, IngressConfig, IngressOutput, IngressStats, Silence};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const EVENT: PayloadType = PayloadType::new(101).unwrap();
/// A clock of 8 kHz and one of 48 kHz.
const CODECS: [(Codec, PayloadType); 3] = [
    (Codec::Pcmu, PayloadType::PCMU),
    (Codec::L16 { rate: SampleRate::HZ_48000 }, PayloadType::new(96).unwrap()),
    (Codec::Pcma, PayloadType::PCMA),
];

#[test]
fn histories_keep_the_books() {
    let count = if std::env::var_os("AURICLE_FULL").is_some() { 1_000_000 } else { 50_000 };
    seeds::each("ingress", 1..=count, History::run);
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct Sent {
    arrives_ms: u64,
    header: RtpHeader,
    codec: usize,
    millis: usize,
}

struct History {
    seed: u64,
    ingress: Ingress,
    output: AudioFormat,
    codec: usize,
    changes: i64,
    heard: u64,
    tapped: [u64; 4],
    timeout: Option<Instant>,
}

impl History {
    fn run(seed: u64) {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let packets = send(&mut draw);
        let (start, tap, punctual) = (Instant::now(), draw.chance(20), draw.chance(70));
        let mut history = Self::new(seed, packets[0].codec, tap);
        let mut held = false;
        for packet in packets {
            let now = start + Duration::from_millis(packet.arrives_ms);
            while let Some(due) = history.timeout.filter(|due| *due < now) {
                let late = if punctual { 0 } else { draw.below(60) };
                history.ingress.handle_timeout((due + Duration::from_millis(late)).min(now));
                history.settle();
            }
            match draw.below(200) {
                0 | 1 => {
                    held = !held;
                    history.ingress.hold(now, held);
                }
                2 => history.ingress.mute(true),
                3..8 => history.ingress.mute(false),
                _ => {}
            }
            if packet.codec != history.codec && draw.chance(80) {
                history.agree_on(now, packet.codec);
            }
            let length = if CODECS[packet.codec].0.law().is_some() { 8 } else { 96 } * packet.millis;
            history.ingress.handle_packet(now, &RtpPacket { header: packet.header, payload: &[0x42; 96 * 60][..length] });
            let stats = history.settle();
            assert!(stats.silence || (-960..=9_600).contains(&stats.lead_ticks), "seed {seed}: {stats:?}");
        }
        let stats = history.ingress.stats();
        assert!(!tap || history.tapped == origins(&stats), "seed {seed}: {stats:?}");
    }

    fn new(seed: u64, codec: usize, tap: bool) -> Self {
        // One in eight is resampled.
        let rate = if seed.is_multiple_of(8) { SampleRate::HZ_24000 } else { SampleRate::HZ_48000 };
        let output = if CODECS[codec].0 == Codec::Pcmu { AudioFormat::Ulaw8k } else { AudioFormat::S16 { rate } };
        let silence = if seed.is_multiple_of(3) { Silence::Noise } else { Silence::Digital };
        let config = IngressConfig { tap, silence, ..IngressConfig::new(CODECS[codec].0, types(codec), output) };
        let ingress = Ingress::new(config).unwrap();
        Self { seed, ingress, output, codec, changes: 0, heard: 0, tapped: [0; 4], timeout: None }
    }

    fn agree_on(&mut self, now: Instant, codec: usize) {
        self.ingress.set_codec(now, CODECS[codec].0, types(codec)).unwrap();
        self.codec = codec;
        self.changes += 1;
    }

    /// Drains the pipeline and checks its books.
    fn settle(&mut self) -> IngressStats {
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Audio(chunk) => self.heard += chunk.samples(),
                IngressOutput::Tap(frame) => {
                    let position = self.tapped.iter().sum::<u64>() * u64::from(frame.rate.hz()) / 48_000;
                    assert!(frame.position.abs_diff(position) <= self.changes as u64 * 6, "seed {}", self.seed);
                    self.tapped[frame.origin as usize] += frame.samples.len() as u64 * 48_000 / u64::from(frame.rate.hz());
                }
                IngressOutput::Timeout(timeout) => {
                    self.timeout = timeout;
                    break;
                }
            }
        }
        let stats = self.ingress.stats();
        let packets = stats.forwarded + stats.comfort_noise + stats.late + stats.duplicate + stats.rejected() + stats.waiting;
        let ticks: u64 = origins(&stats).iter().sum();
        assert_eq!((packets, ticks), (stats.received, stats.timeline_ticks), "seed {}: {stats:?}", self.seed);
        // What waits for a whole chunk of the resampler, and a rounded sample a change, may be missing.
        let behind = stats.timeline_ticks as i64 - (self.heard * (48_000 / u64::from(self.output.rate().hz()))) as i64;
        assert!((-6 * self.changes..480 + 6 * self.changes).contains(&behind), "seed {}: {behind} of {stats:?}", self.seed);
        stats
    }
}

fn types(codec: usize) -> PayloadTypes {
    PayloadTypes { telephone_event: Some(EVENT), comfort_noise: Some(PayloadType::CN), ..PayloadTypes::audio(CODECS[codec].1) }
}

/// In the order of [`FrameOrigin`].
fn origins(stats: &IngressStats) -> [u64; 4] {
    let _: [FrameOrigin; 4] = [FrameOrigin::Received, FrameOrigin::Concealed, FrameOrigin::Filled, FrameOrigin::Muted];
    [stats.forwarded_ticks, stats.concealed_ticks, stats.filled_ticks, stats.muted_ticks]
}

/// A sender and a network: packets in the order of their arrival.
fn send(draw: &mut Draw) -> Vec<Sent> {
    let (loss, twice, disorder, oddity) = (draw.below(25), draw.below(10), draw.below(30), draw.below(12));
    let most_delay = [1, 5, 30, 120, 400][draw.below(5) as usize];
    let mut codec = draw.below(3) as usize;
    let mut header = RtpHeader {
        payload_type: CODECS[codec].1,
        sequence: SequenceNumber(draw.below(1 << 16) as u16),
        timestamp: RtpTimestamp(draw.below(1 << 32) as u32),
        ssrc: Ssrc(1),
        marker: false,
    };
    let (mut clock_ms, mut backlog_ms, mut packets) = (0, 0, Vec::new());
    for _ in 0..10 + draw.below(40) {
        let millis = [10, 20, 20, 20, 30, 60][draw.below(6) as usize];
        let ticks = CODECS[codec].0.clock_rate().0 / 1_000;
        if draw.chance(oddity) {
            match draw.below(11) {
                0 => header.ssrc = Ssrc(header.ssrc.0 + 1),
                1 => header.timestamp = RtpTimestamp(draw.below(1 << 32) as u32),
                2 => header.timestamp = header.timestamp.advance((draw.below(6_400) as u32).wrapping_sub(3_200)),
                3 => header.sequence = SequenceNumber(draw.below(1 << 16) as u16),
                4 => clock_ms += draw.below(4_000),
                5 => header.payload_type = EVENT,
                6 => header.payload_type = PayloadType::G722,
                7 => backlog_ms = clock_ms + draw.below(3_000),
                8 => codec = draw.below(3) as usize,
                9 => header.payload_type = PayloadType::CN,
                _ => {
                    let pause = draw.below(4_000);
                    (clock_ms, header.timestamp) = (clock_ms + pause, header.timestamp.advance(pause as u32 * ticks));
                }
            }
        }
        clock_ms += millis;
        let delay = if draw.chance(disorder) { draw.below(most_delay) } else { 0 };
        let arrives_ms = (clock_ms + delay).max(backlog_ms);
        for _ in 0..1 + u64::from(draw.chance(twice)) {
            if !draw.chance(loss) {
                packets.push(Sent { arrives_ms: arrives_ms + draw.below(2), header, codec, millis: millis as usize });
            }
        }
        let ticks = CODECS[codec].0.clock_rate().0 / 1_000;
        header.payload_type = CODECS[codec].1;
        (header.sequence, header.timestamp) = (header.sequence.next(), header.timestamp.advance(millis as u32 * ticks));
    }
    packets.sort_by_key(|packet| packet.arrives_ms);
    if packets.is_empty() { send(draw) } else { packets }
}
