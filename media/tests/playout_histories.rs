//! Whatever the network and the sender do, a playout buffer keeps its books, its bounds and its clock.
//!
//! A history is drawn from a seed: a sender (packet lengths, pauses with and without comfort noise, clocks that jump,
//! stand still or drift, new sources), a network (loss, duplicates, delay, disorder, stalls) and a listener who may be
//! late, mutes, and negotiates anew. Set `AURICLE_SEED` to run one again.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod seeds;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::ingress::PayloadTypes;
use media::playout::{Playout, PlayoutConfig};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const CODECS: [(Codec, PayloadType); 4] = [
    (Codec::Pcmu, PayloadType::PCMU),
    (Codec::L16 { rate: SampleRate::HZ_48000 }, PayloadType::new(96).unwrap()),
    (Codec::G722, PayloadType::G722),
    (Codec::L16 { rate: SampleRate::HZ_16000 }, PayloadType::new(97).unwrap()),
];
const RATES: [SampleRate; 4] = [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000];

#[test]
fn histories_keep_the_books() {
    let count = if std::env::var_os("AURICLE_FULL").is_some() { 100_000 } else { 200 };
    seeds::each("playout", 1..=count, run);
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

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices.iter().copied().nth(self.below(choices.len() as u64) as usize).unwrap()
    }
}

struct Sent {
    header: RtpHeader,
    length: usize,
}

fn run(seed: u64) {
    let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut codec, mut kind) = draw.pick(&CODECS);
    let (output, frame) = (draw.pick(&RATES), Duration::from_millis(draw.pick(&[10, 20, 60])));
    let types = |audio| PayloadTypes { comfort_noise: Some(PayloadType::CN), ..PayloadTypes::audio(audio) };
    let config = PlayoutConfig { codec, payload_types: types(kind), output, frame, seed: seed as u32 };
    let mut playout = Playout::new(config).unwrap();
    let mut link = BTreeMap::new();
    let (start, mut pulled) = (Instant::now(), Vec::new());
    let (jitter, loss) = (draw.pick(&[1, 20, 200, 900]), draw.pick(&[0, 5, 40]));
    let ptime = draw.pick(&[10, 20, 60]);
    let drift = draw.below(601) as f64 - 300.0;
    let mut header = RtpHeader {
        payload_type: kind,
        sequence: SequenceNumber(draw.below(1 << 16) as u16),
        timestamp: RtpTimestamp(draw.below(1 << 32) as u32),
        ssrc: Ssrc(1),
        marker: false,
    };
    let (mut said, mut now, mut quiet_until) = (0.0, 0_u64, 0);
    for _ in 0..1_500 / frame.as_millis() as u64 * 10 {
        now += frame.as_micros() as u64 + if draw.chance(1) { draw.below(300_000) } else { 0 };
        while said < now as f64 {
            let ticks = (u64::from(codec.clock_rate().0) * ptime / 1_000) as u32;
            if said as u64 >= quiet_until && !draw.chance(loss) {
                let length = match codec {
                    Codec::L16 { .. } => 2 * ticks as usize,
                    _ => ticks as usize,
                };
                let stall = if draw.chance(1) { draw.below(1_500_000) } else { 0 };
                link.insert((said as u64 + draw.below(jitter * 1_000) + stall, header.sequence.0), Sent { header, length });
            }
            said += ptime as f64 * 1_000.0 / (1.0 + drift * 1e-6);
            header.timestamp = header.timestamp.advance(ticks);
            if said as u64 >= quiet_until {
                header.sequence = header.sequence.next();
            }
            happens(&mut draw, &mut header, &mut quiet_until, said as u64);
            if draw.below(2_000) == 0 {
                (codec, kind) = draw.pick(&CODECS);
                header.payload_type = kind;
                playout.set_codec(codec, types(kind)).unwrap();
            }
        }
        while let Some((&key, _)) = link.first_key_value()
            && key.0 <= now
        {
            let Sent { header, length } = link.remove(&key).unwrap();
            for _ in 0..1 + u64::from(draw.chance(2)) {
                let payload: Vec<u8> = (0..length).map(|n| ((n * n) >> 3) as u8).collect();
                playout.handle_packet(start + Duration::from_micros(key.0), &RtpPacket { header, payload: &payload });
            }
        }
        if draw.chance(1) {
            playout.mute(draw.chance(50));
        }
        pulled.clear();
        playout.pull(start + Duration::from_micros(now), &mut pulled);
        assert_eq!(pulled.len() as u64, output.samples(frame), "seed {seed}");
        let stats = playout.stats();
        let books = stats.played + stats.late + stats.duplicate + stats.dropped + stats.rejected + stats.waiting;
        assert_eq!(stats.received, books, "seed {seed}: {stats:?}");
        assert!(stats.waiting <= 64 && (20..=240).contains(&stats.target.as_millis()), "seed {seed}: {stats:?}");
    }
}

/// What a sender may do between two packets.
fn happens(draw: &mut Draw, header: &mut RtpHeader, quiet_until: &mut u64, now: u64) {
    match draw.below(1_000) {
        0 => header.ssrc = Ssrc(header.ssrc.0 + 1),
        1 => header.sequence = SequenceNumber(draw.below(1 << 16) as u16),
        2 => header.timestamp = RtpTimestamp(draw.below(1 << 32) as u32),
        3 => header.timestamp = header.timestamp.advance(0_u32.wrapping_sub(draw.below(20_000) as u32)),
        4..=7 => *quiet_until = now + draw.below(1_500_000),
        _ => {}
    }
}
