//! Agents that speak by a clock of their own and never wait: what the caller hears of them, in virtual time.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use media::codec::{Codec, Decoder, g711};
use media::egress::{Egress, EgressCodec, EgressConfig, EgressOutput, EgressStats};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtp::RtpSeed;
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME_US: u64 = 20_000;
const LINEAR_24K: AudioFormat = AudioFormat::S16 { rate: SampleRate::HZ_24000 };

/// A line of PCMU or G.722, and an agent that speaks one item without end.
struct Bench {
    egress: Egress,
    decoder: Decoder,
    format: AudioFormat,
    /// What the agent says, over and over.
    said: Vec<i16>,
    /// How fast the agent's clock is.
    skew_ppm: f64,
    chunk_us: u64,
    start: Instant,
    now_us: u64,
    chunks: u64,
    slots: u64,
    /// Nothing of the agent comes before this; then all of it at once.
    stalled_until_us: u64,
    heard: Vec<i16>,
    /// The most and the least that waited behind a packet.
    queued_ms: (u128, u128),
}

impl Bench {
    fn new(codec: Codec, format: AudioFormat, said: fn(f64) -> f64) -> Self {
        let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
        let payload_type = codec.static_payload_type().unwrap_or(PayloadType::from_low_bits(96));
        let agreed = EgressCodec::new(codec, payload_type, Duration::from_micros(PTIME_US));
        let mut egress = Egress::new(EgressConfig::new(agreed, format, seed)).unwrap();
        let start = Instant::now();
        egress.start(start);
        Self {
            egress,
            decoder: Decoder::new(codec, codec.sample_rate()).unwrap(),
            format,
            said: (0..format.rate().hz() * 4).map(|n| said(f64::from(n) / f64::from(format.rate().hz())) as i16).collect(),
            skew_ppm: 0.0,
            chunk_us: 20_000,
            start,
            now_us: 0,
            chunks: 0,
            slots: 0,
            stalled_until_us: 0,
            heard: Vec::new(),
            queued_ms: (0, u128::MAX),
        }
    }

    /// Runs for so many milliseconds, with packets as they are due and up to `jitter_us` between saying and coming.
    fn run(&mut self, millis: u64, jitter_us: u64) {
        let end = self.now_us + millis * 1_000;
        let mut arrived_us = self.now_us;
        self.queued_ms = (0, u128::MAX);
        loop {
            let spoken = ((self.chunks + 1) * self.chunk_us) as f64 * (1.0 - self.skew_ppm * 1e-6);
            // A spread that repeats only after long.
            let late = (self.chunks * 7_919 % 1_009) * jitter_us / 1_009;
            arrived_us = arrived_us.max(spoken as u64 + late).max(self.stalled_until_us);
            let slot_us = self.slots * PTIME_US;
            if arrived_us.min(slot_us) >= end {
                break;
            }
            if arrived_us <= slot_us {
                self.speak(arrived_us);
            } else {
                self.tick(slot_us);
            }
        }
        self.now_us = end;
    }

    fn stall(&mut self, millis: u64) {
        self.stalled_until_us = self.now_us + millis * 1_000;
    }

    fn speak(&mut self, at_us: u64) {
        let rate = u64::from(self.format.rate().hz());
        let samples = |us: u64| us * rate / 1_000_000;
        let range = samples(self.chunks * self.chunk_us)..samples((self.chunks + 1) * self.chunk_us);
        let linear = range.map(|place| self.said[place as usize % self.said.len()]);
        let bytes: Vec<u8> = match self.format {
            AudioFormat::Ulaw8k => linear.map(g711::encode_ulaw).collect(),
            AudioFormat::Alaw8k => linear.map(g711::encode_alaw).collect(),
            AudioFormat::S16 { .. } => linear.flat_map(i16::to_le_bytes).collect(),
        };
        self.chunks += 1;
        let chunk = AudioChunk { format: self.format, bytes: &bytes };
        self.egress.push(self.start + Duration::from_micros(at_us), ItemId(1), chunk).unwrap();
    }

    fn tick(&mut self, at_us: u64) {
        self.slots += 1;
        self.egress.handle_timeout(self.start + Duration::from_micros(at_us));
        loop {
            match self.egress.poll_output() {
                EgressOutput::Packet(packet) => self.decoder.decode(packet.payload, &mut self.heard).unwrap(),
                EgressOutput::Timeout(_) => break,
                EgressOutput::Event(_) | EgressOutput::Tap(_) | EgressOutput::Silent(_) => {}
            }
        }
        let queued = self.egress.queued().as_millis();
        self.queued_ms = (self.queued_ms.0.max(queued), self.queued_ms.1.min(queued));
    }

    fn stats(&self) -> EgressStats {
        self.egress.stats()
    }

    /// What was heard of the last `millis`.
    fn last(&self, millis: usize) -> &[i16] {
        let rate = self.decoder.rate().hz() as usize;
        &self.heard[self.heard.len().saturating_sub(rate / 1_000 * millis)..]
    }
}

/// A steady tone.
fn tone(seconds: f64) -> f64 {
    8_000.0 * (seconds * 220.0 * TAU).sin()
}

/// A voice that glides and never stops.
fn voice(seconds: f64) -> f64 {
    // 120 Hz, and 12 Hz up and down in four seconds.
    let phase = TAU * (120.0 * seconds + 12.0 * 4.0 / TAU * (seconds * TAU / 4.0).sin());
    (1..=12).map(|k| 4_000.0 / f64::from(k) * (f64::from(k) * phase).sin()).sum()
}

/// The voice, for 1.5 s of every two.
fn speech(seconds: f64) -> f64 {
    if seconds % 2.0 < 1.5 { voice(seconds) } else { 0.0 }
}

/// The least part that one frequency has in the power of any 50 ms.
fn purity(audio: &[i16], rate: u32, hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(rate)).cos();
    let of = |piece: &[i16]| {
        let (mut s1, mut s2, mut power) = (0.0, 0.0, 1.0);
        for &sample in piece {
            let s0 = f64::from(sample) + coefficient * s1 - s2;
            (s2, s1) = (s1, s0);
            power += f64::from(sample).powi(2);
        }
        2.0 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / (power * piece.len() as f64)
    };
    audio.chunks_exact(rate as usize / 20).map(of).fold(1.0, f64::min)
}

/// The largest change of the step from one sample to the next.
fn roughest(audio: &[i16]) -> i32 {
    let second = |triple: &[i16]| (i32::from(triple[0]) - 2 * i32::from(triple[1]) + i32::from(triple[2])).abs();
    audio.windows(3).map(second).max().unwrap_or(0)
}

#[test]
fn after_a_burst_the_queue_is_back_within_two_seconds() {
    for (codec, format) in [(Codec::Pcmu, LINEAR_24K), (Codec::G722, LINEAR_24K), (Codec::Pcmu, AudioFormat::Ulaw8k)] {
        for said in [tone, voice, speech] {
            for stall_ms in [250, 400, 700, 1_000, 3_000] {
                let mut bench = Bench::new(codec, format, said);
                bench.run(15_000, 5_000);
                let (queued, rough, before) = (bench.queued_ms.0, roughest(bench.last(8_000)), bench.stats());
                assert_eq!((before.squeezed_samples, before.skipped_frames), (0, 0));
                bench.stall(stall_ms);
                bench.run(stall_ms + 20, 5_000);
                assert!(bench.queued_ms.0 + 60 >= u128::from(stall_ms.min(800)), "the burst waits: {:?}", bench.queued_ms);
                bench.run(2_000, 5_000);
                bench.run(500, 5_000);
                let context = format!("{codec:?} of {format:?}, {stall_ms} ms: {:?}, {:?}", bench.queued_ms, bench.stats());
                // What may be left over is a little spare, the longest period, and a chunk.
                assert!(bench.queued_ms.0 <= queued + 55, "{context}");
                assert_eq!(bench.stats().underruns, before.underruns + 1, "{context}");
                assert_eq!(bench.stats().overtaken_samples > 0, stall_ms > 800, "{context}");
                // The noise of G.722's quantisation follows every change of the sound.
                let allowed = if codec == Codec::G722 { rough * 7 / 4 } else { rough * 5 / 4 + 350 };
                let heard = roughest(bench.last(2_400));
                assert!(heard <= allowed, "{context}: {heard}, allowed {allowed}");
            }
        }
    }
}

#[test]
fn a_tone_stays_pure_while_a_burst_is_caught_up_with() {
    let mut bench = Bench::new(Codec::Pcmu, LINEAR_24K, tone);
    bench.run(5_000, 0);
    bench.stall(500);
    bench.run(700, 0);
    bench.heard.clear();
    bench.run(4_000, 0);
    let purity = purity(&bench.heard, 8_000, 220.0);
    assert!(purity > 0.95 && bench.stats().squeezed_samples > 3_000, "{purity}, {:?}", bench.stats());
}

/// An hour of an agent whose clock is off.
fn hour(format: AudioFormat, skew_ppm: f64, jitter_us: u64) -> EgressStats {
    let mut bench = Bench::new(Codec::Pcmu, format, speech);
    bench.skew_ppm = skew_ppm;
    bench.run(10_000, jitter_us);
    let begun = bench.stats();
    let rough = roughest(bench.last(8_000)) * 5 / 4 + 300;
    for minute in 0..60 {
        bench.heard.clear();
        bench.run(60_000, jitter_us);
        assert!(bench.queued_ms.0 <= 70, "{format:?}, {skew_ppm} ppm, minute {minute}: {:?} {:?}", bench.queued_ms, bench.stats());
        assert!(roughest(&bench.heard) <= rough, "{format:?}, {skew_ppm} ppm, minute {minute}");
    }
    let stats = bench.stats();
    assert_eq!(stats.underruns, begun.underruns, "{format:?}, {skew_ppm} ppm, {jitter_us} us: {stats:?}");
    assert_eq!(stats.overtaken_samples, 0);
    stats
}

#[test]
fn a_clock_off_by_300_millionths_neither_starves_the_line_nor_grows_a_queue_in_an_hour() {
    for jitter_us in [0, 8_000] {
        // 300 millionths of an hour are 8640 samples.
        let fast = hour(LINEAR_24K, 300.0, jitter_us);
        assert!((7_900..=9_000).contains(&fast.squeezed_samples) && fast.stretched_samples <= 160, "{fast:?}");
        let slow = hour(LINEAR_24K, -300.0, jitter_us);
        assert!((7_900..=9_000).contains(&slow.stretched_samples) && slow.squeezed_samples == 0, "{slow:?}");
    }
}

#[test]
fn a_clock_off_by_20_millionths_does_not_starve_the_line_either() {
    let slow = hour(LINEAR_24K, -20.0, 3_000);
    assert!((400..=900).contains(&slow.stretched_samples), "{slow:?}");
}

#[test]
fn what_passes_untouched_gains_and_loses_whole_frames_of_silence() {
    for jitter_us in [0, 8_000] {
        let fast = hour(AudioFormat::Ulaw8k, 300.0, jitter_us);
        assert!((50..=55).contains(&fast.skipped_frames) && fast.repeated_frames <= 1, "{fast:?}");
        let slow = hour(AudioFormat::Ulaw8k, -300.0, jitter_us);
        assert!((50..=55).contains(&slow.repeated_frames) && slow.skipped_frames == 0, "{slow:?}");
        assert_eq!([fast, slow].map(|stats| stats.squeezed_samples + stats.stretched_samples), [0, 0]);
    }
}

#[test]
fn what_passes_untouched_keeps_time_without_a_pause_too() {
    for skew_ppm in [300.0, -300.0] {
        let mut bench = Bench::new(Codec::Pcmu, AudioFormat::Ulaw8k, voice);
        bench.skew_ppm = skew_ppm;
        bench.run(10_000, 3_000);
        let begun = bench.stats();
        for _ in 0..10 {
            bench.run(60_000, 3_000);
            assert!(bench.queued_ms.0 <= 100, "{:?}", bench.queued_ms);
        }
        let stats = bench.stats();
        assert_eq!((stats.underruns, stats.skipped_frames, stats.repeated_frames), (begun.underruns, 0, 0), "{stats:?}");
        assert!(stats.squeezed_samples + stats.stretched_samples > 700, "{stats:?}");
    }
}

#[test]
fn an_agent_that_speaks_faster_than_the_clock_is_simply_queued() {
    let mut bench = Bench::new(Codec::Pcmu, AudioFormat::Ulaw8k, speech);
    // Ten times as fast.
    bench.skew_ppm = 900_000.0;
    bench.run(3_000, 0);
    assert!(bench.queued_ms.0 > 26_000);
    let mut barely = Bench::new(Codec::Pcmu, LINEAR_24K, speech);
    // A tenth faster.
    barely.skew_ppm = 100_000.0;
    barely.run(20_000, 0);
    for stats in [bench.stats(), barely.stats()] {
        assert_eq!((stats.squeezed_samples, stats.stretched_samples, stats.overtaken_samples, stats.underruns), (0, 0, 0, 0));
    }
}
