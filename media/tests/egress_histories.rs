//! Whatever agent and call do, the ledger counts the samples that stand in packets, and nothing else is heard.
//!
//! A model made of tagged single samples, with no arithmetic of blocks or positions, follows the rules of the
//! pipeline's documentation. After each step of a history drawn from a seed, every sample of every packet, every event
//! and every position must be the model's. Set `AURICLE_SEED` to run a history again, `AURICLE_FULL` to run them all.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

#[path = "egress_histories/model.rs"]
mod model;
mod seeds;

use std::time::{Duration, Instant};

use media::codec::Codec;
use media::egress::{Egress, EgressCodec, EgressConfig, EgressOutput, FlushScope, MarkId};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtp::RtpSeed;
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};
use model::{Form, Heard, Model};

const RATES: [SampleRate; 4] = [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000];
/// The codecs whose payload is their samples, so that every sample can be looked at.
const CODECS_8K: [Codec; 3] = [Codec::Pcmu, Codec::Pcma, Codec::L16 { rate: SampleRate::HZ_8000 }];

#[test]
fn the_ledger_counts_the_samples_that_stand_in_packets() {
    each_seed("egress", 100_000, model_history);
}

#[test]
fn resampled_items_are_played_for_as_long_as_they_were_received_and_no_sample_is_unaccounted_for() {
    each_seed("egress_resampled", 3_000, resampled_history);
}

/// A hundredth of `count`, or all under `AURICLE_FULL`.
fn each_seed(what: &str, count: u64, history: impl Fn(u64) + Sync) {
    let count = if std::env::var_os("AURICLE_FULL").is_some() { count } else { count / 100 };
    seeds::each(what, 1..=count, history);
}

struct Draw(u64);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..1 + self.below(most)).map(|_| self.below(256) as u8).collect()
    }

    fn codec(&mut self, codecs: &[Codec]) -> EgressCodec {
        let ptime = Duration::from_millis(self.one_of(&[10, 20, 20, 30, 60]));
        EgressCodec::new(self.one_of(codecs), PayloadType::from_low_bits(self.below(128) as u8), ptime)
    }
}

fn seed() -> RtpSeed {
    RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) }
}

/// Without what is learnt from the times at which audio comes: of that the histories have none to be believed.
fn unhurried(codec: EgressCodec, input: AudioFormat) -> EgressConfig {
    EgressConfig { prebuffer: Duration::ZERO, catch_up: false, ..EgressConfig::new(codec, input, seed()) }
}

/// A pipeline and the model of it.
struct Pair {
    egress: Egress,
    model: Model,
    codec: EgressCodec,
    input: AudioFormat,
    rate: SampleRate,
    slot: Instant,
    tapped: Option<Vec<i16>>,
    newest: usize,
    marks: u32,
    draw: Draw,
    /// What to say when something is wrong.
    place: String,
}

fn model_history(number: u64) {
    let mut draw = Draw::new(number);
    // Three in four at 8 kHz, where the codec may change; the rest linear at any rate.
    let wide = draw.below(4) == 0;
    let rate = if wide { draw.one_of(&RATES) } else { SampleRate::HZ_8000 };
    let codecs = if wide { vec![Codec::L16 { rate }] } else { CODECS_8K.to_vec() };
    let codec = draw.codec(&codecs);
    let linear = AudioFormat::S16 { rate };
    let input = if wide { linear } else { draw.one_of(&[AudioFormat::Ulaw8k, AudioFormat::Ulaw8k, AudioFormat::Alaw8k, linear]) };
    let mut egress = Egress::new(EgressConfig { tap: draw.below(2) == 0, ..unhurried(codec, input) }).unwrap();
    let slot = Instant::now();
    egress.start(slot);
    let model = Model::new(Form::of(codec.codec), rate);
    let steps = 40 + draw.below(60);
    let mut pair = Pair { egress, model, codec, input, rate, slot, tapped: None, newest: 1, marks: 0, draw, place: String::new() };
    for step in 0..steps {
        pair.place = format!("seed {number}, step {step}");
        pair.step();
        pair.check();
    }
}

impl Pair {
    fn step(&mut self) {
        let Self { egress, model, draw, .. } = self;
        let now = self.slot;
        let item = ItemId((self.newest - draw.below(3).min(self.newest - 1)) as u32);
        match draw.below(22) {
            0..=6 => self.push(item),
            7 => {
                egress.end(now, item);
                model.end(item);
            }
            8 => {
                self.marks += 1;
                egress.mark(MarkId(self.marks));
                model.mark(MarkId(self.marks));
            }
            9 => {
                let scope = if draw.below(2) == 0 { FlushScope::All } else { FlushScope::UpTo(item) };
                let force = draw.below(3) == 0;
                // An item that was named but has not come is refused for ever; the model keeps to those that came.
                if scope == FlushScope::All || model.knows(item) {
                    egress.flush(now, scope, force);
                    model.flush(scope, force);
                }
            }
            10 => {
                egress.pause();
                model.pause();
            }
            11 => {
                egress.resume(now);
                model.resume();
            }
            12 => {
                let interruptible = draw.below(2) == 0;
                if model.knows(item) {
                    model.set_interruptible(item, interruptible);
                    egress.set_interruptible(item, interruptible);
                }
            }
            13 if draw.below(2) == 0 => {
                let samples: Vec<i16> = draw.bytes(500).into_iter().map(|byte| i16::from(byte) * 100).collect();
                assert_eq!(egress.insert(now, &samples), samples.len());
                model.insert(&samples);
            }
            14 => {
                let codecs = if let Codec::L16 { rate } = self.codec.codec { vec![Codec::L16 { rate }] } else { CODECS_8K.to_vec() };
                self.codec = draw.codec(&codecs);
                assert!(!egress.set_codec(self.codec, seed()).unwrap(), "{}", self.place);
                model.convert(Form::of(self.codec.codec));
            }
            _ => {
                egress.handle_timeout(now);
                self.slot += self.codec.ptime;
            }
        }
    }

    fn push(&mut self, item: ItemId) {
        let Self { egress, model, draw, input, .. } = self;
        self.newest += usize::from(draw.below(4) == 0);
        let target = if draw.below(8) == 0 { item } else { ItemId(self.newest as u32) };
        let most = draw.one_of(&[20, 200, 600]);
        let mut bytes = draw.bytes(most * self.rate.hz() as usize / 8_000);
        bytes.resize(bytes.len().next_multiple_of(input.sample_len_bytes()), 0);
        if target.0 as usize == self.newest || model.knows(target) {
            let pushed = egress.push(self.slot, target, AudioChunk { format: *input, bytes: &bytes });
            assert_eq!(pushed, model.push(target, *input, &bytes), "{}", self.place);
        }
    }

    fn check(&mut self) {
        let Self { egress, model, place, .. } = self;
        let form = Form::of(self.codec.codec);
        let length = self.rate.samples(self.codec.ptime) as usize;
        let mut events = Vec::new();
        loop {
            match egress.poll_output() {
                EgressOutput::Event(event) => events.push(event),
                EgressOutput::Tap(frame) => self.tapped = Some(frame.samples.to_vec()),
                EgressOutput::Packet(packet) => {
                    assert_eq!(packet.header.payload_type, self.codec.payload_type);
                    let (expected, sent) = (model.compose(length), form.read_payload(packet.payload));
                    assert_eq!(sent.len(), length, "{place}");
                    for (n, (&unit, heard)) in sent.iter().zip(&expected).enumerate() {
                        let as_expected = match heard {
                            Heard::Unit(expected) => unit == *expected,
                            Heard::Noise => form.linear(unit).abs() <= 24,
                        };
                        assert!(as_expected, "{place}: sample {n} is {unit}, expected {heard:?}");
                    }
                    if let Some(tapped) = self.tapped.take() {
                        assert!(tapped.iter().map(|&sample| i32::from(sample)).eq(sent.iter().map(|&unit| form.linear(unit))), "{place}");
                    }
                }
                EgressOutput::Timeout(_) => break,
                EgressOutput::Silent(_) => {}
            }
        }
        assert_eq!(events, std::mem::take(&mut model.events), "{place}");
        for (n, item) in model.items.iter().rev().enumerate() {
            let position = egress.position(self.slot, item.id);
            // An item that is done with may be forgotten when sixteen others have come.
            if position.is_some() || n < 16 || !item.is_over() {
                assert_eq!(position, Some(model.position(item.id)), "{place}");
            }
        }
        assert_eq!(egress.queued(), self.rate.duration(model.queued()), "{place}");
    }
}

fn resampled_history(number: u64) {
    let mut draw = Draw::new(number);
    let ptime = Duration::from_millis(20);
    let changes = draw.below(2) == 0;
    let input = draw.one_of(&RATES);
    let format = AudioFormat::S16 { rate: input };
    let codecs = [
        Codec::Pcmu,
        Codec::L16 { rate: SampleRate::HZ_16000 },
        Codec::L16 { rate: SampleRate::HZ_24000 },
        Codec::L16 { rate: SampleRate::HZ_48000 },
    ];
    let codec = EgressCodec::new(draw.one_of(&codecs), PayloadType::PCMU, ptime);
    let leg = codec.codec.sample_rate();
    let mut egress = Egress::new(unhurried(codec, format)).unwrap();
    let mut slot = Instant::now();
    egress.start(slot);
    let (mut received, mut whole_at_one_rate) = ([0_u64; 8], true);
    let mut play = |egress: &mut Egress| {
        egress.handle_timeout(slot);
        slot += ptime;
        while !matches!(egress.poll_output(), EgressOutput::Timeout(_)) {}
        slot
    };
    for item in 1..8_u32 {
        let mut now = play(&mut egress);
        for _ in 0..draw.below(12) {
            let bytes = vec![draw.below(256) as u8; 1 + draw.below(3_000)];
            received[item as usize] += bytes.len() as u64;
            egress.push(now, ItemId(item), AudioChunk { format, bytes: &bytes }).unwrap();
            if changes && draw.below(10) == 0 {
                whole_at_one_rate = false;
                // Too many changes within one item are refused.
                let _ = egress.set_codec(EgressCodec { codec: draw.one_of(&codecs), ..codec }, seed());
            }
            now = play(&mut egress);
        }
        egress.end(now, ItemId(item));
    }
    while egress.queued() > Duration::ZERO {
        play(&mut egress);
    }
    let stats = egress.stats();
    assert_eq!((egress.queued(), stats.unencodable), (Duration::ZERO, 0), "seed {number}");
    let (from, to) = (u64::from(input.hz()), u64::from(leg.hz()));
    let mut played = 0;
    for item in 1..8_u32 {
        if let Some(position) = egress.position(slot, ItemId(item)) {
            let samples = received[item as usize] / 2;
            assert_eq!((position.received_ms, position.played_ms), (input.millis(samples), input.millis(samples)), "seed {number}");
            let lead_in = if input == leg { 0 } else { to / 200 };
            played += lead_in + (samples * to).div_ceil(from);
        }
    }
    if whole_at_one_rate {
        assert_eq!(stats.audio_samples, played, "seed {number}");
        assert_eq!(stats.audio_samples + stats.noise_samples, stats.packets * leg.samples(ptime), "seed {number}");
    }
}
