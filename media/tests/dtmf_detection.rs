//! Keys in the audio as ITU-T Q.24 has receivers take them: every key with noise, twist, frequencies off and G.711 on
//! the way; and what it has them not take.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

use std::f64::consts::{PI, TAU};
use std::time::Duration;

use media::codec::g711::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings};
use media::dtmf::{Cadence, Detector, Digit, Edge, Generator, Levels, ToneEvent};
use media::units::SampleRate;

const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const PAD: [&str; 4] = ["123A", "456B", "789C", "*0#D"];

/// xorshift64*, and a bell curve of it.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Twelve of the one make one of the other, nearly.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// How a key sounds.
#[derive(Clone, Copy, Debug)]
struct Sound {
    rate_hz: u32,
    tone_ms: f64,
    pause_ms: f64,
    /// Of the louder tone.
    level_dbm0: f64,
    /// The column's tone against the row's.
    twist_db: f64,
    /// Off the nominal frequencies: a part of them, and Hz on top with the same sign.
    off: (f64, f64),
    off_hz: f64,
    /// Both tones against the noise.
    noise_db: Option<f64>,
}

const PLAIN: Sound =
    Sound { rate_hz: 8_000, tone_ms: 40.0, pause_ms: 40.0, level_dbm0: -10.0, twist_db: 0.0, off: (0.0, 0.0), off_hz: 0.0, noise_db: None };

/// A sine of full scale is 3.17 dBm0.
fn peak(level_dbm0: f64) -> f64 {
    32_768.0 * 10_f64.powf((level_dbm0 - 3.17) / 20.0)
}

impl Sound {
    /// A key with half its pause on either side, and where it begins.
    fn key(&self, row: usize, column: usize, chance: &mut Chance, out: &mut Vec<i16>) -> f64 {
        let rate = f64::from(self.rate_hz);
        let off = |hz: f64, off: f64| hz * (1.0 + off) + self.off_hz * off.signum() * f64::from(off != 0.0);
        let (low, high) = (off(ROWS[row], self.off.0), off(COLUMNS[column], self.off.1));
        let (low_peak, high_peak) = (peak(self.level_dbm0 - self.twist_db.max(0.0)), peak(self.level_dbm0 + self.twist_db.min(0.0)));
        let noise = self.noise_db.map_or(0.0, |db| ((low_peak.powi(2) + high_peak.powi(2)) / 2.0 / 10_f64.powf(db / 10.0)).sqrt());
        let phases = (TAU * chance.unit(), TAU * chance.unit());
        let length = (self.tone_ms + self.pause_ms) / 1_000.0;
        let start = out.len() as f64 / rate + self.pause_ms / 2_000.0 + chance.unit() / rate;
        let end = ((start + length) * rate).ceil() as usize - (self.pause_ms / 2_000.0 * rate) as usize;
        while out.len() < end {
            let at = out.len() as f64 / rate - start;
            let depth = at.min(self.tone_ms / 1_000.0 - at) / 0.003;
            let shape = if depth <= 0.0 { 0.0 } else { 0.5 - 0.5 * (PI * depth.min(1.0)).cos() };
            let tones = low_peak * (TAU * low * at + phases.0).sin() + high_peak * (TAU * high * at + phases.1).sin();
            out.push((tones * shape + noise * chance.normal()).round().clamp(-32_768.0, 32_767.0) as i16);
        }
        start
    }
}

fn detect(rate_hz: u32, samples: &[i16]) -> Vec<ToneEvent> {
    let mut detector = Detector::new(SampleRate::new(rate_hz).unwrap());
    let mut events = Vec::new();
    // Blocks of every length.
    let (mut rest, mut length) = (samples, 1);
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(length.min(rest.len()));
        detector.push(block, &mut events);
        (rest, length) = (behind, length % 701 + 37);
    }
    detector.close(&mut events);
    events
}

fn keys(events: &[ToneEvent]) -> String {
    events.iter().filter(|event| event.edge == Edge::Began).map(|event| event.digit.key()).collect()
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Linear,
    Ulaw,
    Alaw,
    Both,
}

impl Coding {
    fn apply(self, sample: i16) -> i16 {
        match self {
            Self::Linear => sample,
            Self::Ulaw => decode_ulaw(encode_ulaw(sample)),
            Self::Alaw => decode_alaw(encode_alaw(sample)),
            Self::Both => Self::Ulaw.apply(Self::Alaw.apply(Self::Ulaw.apply(sample))),
        }
    }
}

/// All sixteen keys in a row: how many are told wrongly, not at all, or too often.
fn faults(sound: Sound, coding: Coding, chance: &mut Chance) -> usize {
    let mut line = vec![0; (sound.rate_hz / 50) as usize];
    let mut pressed = String::new();
    for (row, keys) in PAD.iter().enumerate() {
        for (column, key) in keys.chars().enumerate() {
            sound.key(row, column, chance, &mut line);
            pressed.push(key);
        }
    }
    line.resize(line.len() + sound.rate_hz as usize / 10, 0);
    line.iter_mut().for_each(|sample| *sample = coding.apply(*sample));
    distance(&pressed, &keys(&detect(sound.rate_hz, &line)))
}

/// Levenshtein's.
fn distance(wanted: &str, got: &str) -> usize {
    let mut row: Vec<usize> = (0..=got.len()).collect();
    for (n, wanted) in wanted.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], n + 1);
        for (m, got) in got.chars().enumerate() {
            let kept = diagonal + usize::from(wanted != got);
            diagonal = row[m + 1];
            row[m + 1] = kept.min(row[m] + 1).min(diagonal + 1);
        }
    }
    row[got.len()]
}

#[test]
fn keys_of_40_ms_are_taken_with_noise_twist_frequencies_off_and_transcoding() {
    let mut chance = Chance(1);
    let (mut keys, mut wrong) = (0, 0);
    for noise_db in [None, Some(24.0), Some(18.0), Some(15.0), Some(12.0)] {
        for twist_db in [-8.0, -4.0, 0.0, 4.0] {
            for low in [-0.015, 0.0, 0.015] {
                for high in [-0.015, 0.0, 0.015] {
                    for coding in [Coding::Linear, Coding::Ulaw, Coding::Alaw, Coding::Both] {
                        let level_dbm0 = -4.0 - 17.0 * chance.unit();
                        let sound = Sound { noise_db, twist_db, off: (low, high), off_hz: 2.0, level_dbm0, ..PLAIN };
                        let faults = faults(sound, coding, &mut chance);
                        if faults > 0 {
                            eprintln!("{faults} of 16: {sound:?} {coding:?}");
                        }
                        (keys, wrong) = (keys + 16, wrong + faults);
                    }
                }
            }
        }
    }
    eprintln!("RESULT dtmf_detected_percent={:.3} of={keys} gate=99.9", 100.0 - 100.0 * wrong as f64 / keys as f64);
    assert!(wrong * 1_000 <= keys, "{wrong} of {keys}");
}

/// One key with silence around it, as detected; and how far beginning and end lie off, in ms.
fn alone(sound: Sound, key: char, chance: &mut Chance) -> (String, f64, f64) {
    let (row, column) = PAD.iter().enumerate().find_map(|(row, keys)| Some((row, keys.find(key)?))).unwrap();
    let mut line = Vec::new();
    let start_ms = sound.key(row, column, chance, &mut line) * 1_000.0;
    let events = detect(sound.rate_hz, &line);
    let ms = |event: &ToneEvent| event.position as f64 / f64::from(sound.rate_hz) * 1_000.0;
    let off = |edge: Option<&ToneEvent>, wanted: f64| edge.map_or(f64::NAN, |event| ms(event) - wanted);
    (keys(&events), off(events.first(), start_ms), off(events.get(1), start_ms + sound.tone_ms))
}

const ALL: &str = "123A456B789C*0#D";

#[test]
fn the_edges_of_a_key_are_found_to_two_milliseconds_at_every_rate() {
    let mut chance = Chance(2);
    for rate_hz in [8_000, 12_000, 16_000, 24_000, 44_100, 48_000] {
        for (n, key) in ALL.chars().enumerate() {
            for noise_db in [None, Some(15.0)] {
                let sound = Sound { rate_hz, noise_db, tone_ms: 43.0 + 17.3 * n as f64, pause_ms: 120.0, ..PLAIN };
                let (told, began, ended) = alone(sound, key, &mut chance);
                assert_eq!(told, key.to_string(), "{sound:?}");
                let limit = if noise_db.is_some() { 4.0 } else { 2.0 };
                assert!(began.abs() <= limit && ended.abs() <= limit, "{key}: {began:.2} {ended:.2} ms, {sound:?}");
            }
        }
    }
}

/// How many of the sixteen keys are told, of this sound.
fn told(sound: Sound, chance: &mut Chance) -> usize {
    ALL.chars().map(|key| alone(Sound { pause_ms: 100.0, ..sound }, key, chance).0.len()).sum()
}

#[test]
fn keys_at_the_limits_that_must_be_taken_are_taken() {
    let mut chance = Chance(3);
    for sound in [
        Sound { level_dbm0: 0.0, ..PLAIN },
        Sound { level_dbm0: -25.0, ..PLAIN },
        Sound { twist_db: 4.0, level_dbm0: -21.0, ..PLAIN },
        Sound { twist_db: -8.0, level_dbm0: -17.0, ..PLAIN },
        Sound { tone_ms: 10_000.0, ..PLAIN },
    ] {
        assert_eq!(told(sound, &mut chance), 16, "{sound:?}");
    }
}

#[test]
fn what_must_not_be_taken_is_not() {
    let mut chance = Chance(4);
    for off in [-0.035, 0.035] {
        for (low, high) in [(off, 0.0), (0.0, off), (off, off), (off, -off)] {
            for noise_db in [None, Some(15.0)] {
                let sound = Sound { off: (low, high), noise_db, tone_ms: 500.0, ..PLAIN };
                assert_eq!(told(sound, &mut chance), 0, "{sound:?}");
            }
        }
    }
    for sound in [
        Sound { level_dbm0: -55.0, tone_ms: 500.0, ..PLAIN },
        Sound { twist_db: 12.0, tone_ms: 500.0, ..PLAIN },
        Sound { twist_db: -16.0, tone_ms: 500.0, ..PLAIN },
        Sound { tone_ms: 23.0, ..PLAIN },
        Sound { tone_ms: 23.0, noise_db: Some(15.0), ..PLAIN },
    ] {
        for _ in 0..10 {
            assert_eq!(told(sound, &mut chance), 0, "{sound:?}");
        }
    }
}

#[test]
fn a_pause_of_40_ms_parts_the_same_key_and_a_gap_of_10_ms_does_not() {
    let mut chance = Chance(5);
    for key in 0..16 {
        for (pause_ms, times) in [(40.0, 10), (10.0, 1), (5.0, 1)] {
            for noise_db in [None, Some(15.0)] {
                let mut line = vec![0; 400];
                for _ in 0..10 {
                    Sound { pause_ms, noise_db, tone_ms: 60.0, ..PLAIN }.key(key / 4, key % 4, &mut chance, &mut line);
                }
                line.resize(line.len() + 800, 0);
                assert_eq!(keys(&detect(8_000, &line)).len(), times, "{pause_ms} ms, {noise_db:?}");
            }
        }
    }
}

#[test]
fn the_tones_of_a_line_are_no_keys() {
    // Dialling, ringing, engaged, fax and special tones of several countries.
    let tones: [&[f64]; 12] = [
        &[350.0, 440.0],
        &[440.0, 480.0],
        &[480.0, 620.0],
        &[400.0, 450.0],
        &[425.0],
        &[950.0],
        &[1_400.0],
        &[1_800.0],
        &[1_100.0],
        &[2_100.0],
        &[941.0],
        &[1_336.0],
    ];
    for hz in tones {
        let sine = |n: usize| hz.iter().map(|hz| 8_000.0 * (TAU * hz * n as f64 / 8_000.0).sin()).sum::<f64>() as i16;
        let line: Vec<i16> = (0..16_000).map(|n| if n % 4_000 < 2_000 { sine(n) } else { 0 }).collect();
        assert_eq!(keys(&detect(8_000, &line)), "", "{hz:?}");
    }
}

#[test]
fn noise_is_no_key() {
    let mut chance = Chance(6);
    for level in [30.0, 1_000.0, 9_000.0] {
        let line: Vec<i16> = (0..8_000 * 120).map(|_| (level * chance.normal()).clamp(-32_768.0, 32_767.0) as i16).collect();
        assert_eq!(keys(&detect(8_000, &line)), "", "{level}");
    }
}

/// All keys as our generator makes them.
fn dialled(rate: SampleRate, cadence: Cadence) -> Vec<i16> {
    let mut generator = Generator::new(rate, Levels::default());
    generator.dial(&ALL.chars().filter_map(Digit::new).collect::<Vec<_>>(), cadence).unwrap();
    let mut line = vec![0; rate.samples(Duration::from_secs(10)) as usize];
    assert!(generator.fill(&mut line) < line.len());
    line
}

#[test]
fn what_is_generated_is_detected_with_its_length() {
    let ms = Duration::from_millis;
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        for (tone, pause) in [(40, 40), (70, 50), (160, 100)] {
            let events = detect(rate.hz(), &dialled(rate, Cadence::new(ms(tone), ms(pause)).unwrap()));
            assert_eq!(keys(&events), ALL, "{rate}, {tone} ms");
            for event in events {
                if let Edge::Ended { duration } = event.edge {
                    assert!(duration.abs_diff(ms(tone)) <= ms(5), "{rate}: {duration:?} of {tone} ms");
                }
            }
        }
    }
}

#[test]
fn keys_survive_every_codec() {
    let (ptime, cadence) = (Duration::from_millis(20), Cadence::new(Duration::from_millis(80), Duration::from_millis(80)).unwrap());
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
        let mut encoder =
            Encoder::new(EncoderConfig { codec, wanted: SampleRate::HZ_16000, ptime, opus: OpusSettings::default() }).unwrap();
        let mut decoder = Decoder::new(codec, SampleRate::HZ_16000).unwrap();
        let (mut payload, mut heard) = (Vec::new(), Vec::new());
        for frame in dialled(encoder.rate(), cadence).chunks_exact(encoder.rate().samples(ptime) as usize) {
            payload.clear();
            if encoder.encode(frame, &mut payload).unwrap() {
                decoder.decode(&payload, &mut heard).unwrap();
            }
        }
        assert_eq!(keys(&detect(decoder.rate().hz(), &heard)), ALL, "{codec:?}");
    }
}

#[test]
fn a_key_that_sounds_when_the_line_ends_is_over() {
    let mut line = Vec::new();
    Sound { tone_ms: 200.0, ..PLAIN }.key(1, 1, &mut Chance(7), &mut line);
    line.truncate(1_000);
    let events = detect(8_000, &line);
    assert_eq!((keys(&events).as_str(), events.len()), ("5", 2));
    assert_eq!(events[1].position, 1_000);
}

#[test]
fn no_block_allocates() {
    let rate = SampleRate::HZ_16000;
    let (mut detector, mut events) = (Detector::new(rate), Vec::with_capacity(64));
    let line = dialled(rate, Cadence::default());
    let counted = allocation_counter::measure(|| line.chunks(320).for_each(|block| detector.push(block, &mut events)));
    assert_eq!((counted.count_total, keys(&events).as_str()), (0, ALL));
}

#[test]
fn what_passes_while_no_key_is_suspected_holds_no_key_and_at_most_20_ms_of_one() {
    let ms = Duration::from_millis;
    for (rate, noise_db) in [(SampleRate::HZ_8000, None), (SampleRate::HZ_16000, None), (SampleRate::HZ_8000, Some(15.0))] {
        let mut chance = Chance(8);
        let mut line = Vec::new();
        for key in 0..16 {
            let (off, twist_db) = ((0.015, -0.015), [-8.0, 0.0, 4.0][key % 3]);
            let sound = Sound { rate_hz: rate.hz(), tone_ms: 60.0, pause_ms: 97.0, off, off_hz: 2.0, twist_db, noise_db, ..PLAIN };
            sound.key(key / 4, key % 4, &mut chance, &mut line);
        }
        let (mut detector, mut events, mut passed) = (Detector::new(rate), Vec::new(), Vec::new());
        for packet in line.chunks(rate.samples(ms(20)) as usize) {
            detector.push(packet, &mut events);
            passed.extend(packet.iter().map(|&sample| if detector.is_suspect() { 0 } else { sample }));
        }
        assert_eq!((keys(&events).as_str(), keys(&detect(rate.hz(), &passed)).as_str()), (ALL, ""));
        if noise_db.is_none() {
            let loud = passed.chunk_by(|a, b| (*a == 0) == (*b == 0)).filter(|piece| piece[0] != 0);
            assert!(loud.map(<[i16]>::len).max().unwrap_or(0) <= rate.samples(ms(20)) as usize, "{rate}");
        }
    }
}

#[test]
fn speech_is_hardly_ever_suspected() {
    let mut listened = (0, 0);
    for name in ["hts1", "hts2", "morig", "forig", "ve9qrp_10s", "mmt1"] {
        let path = format!("/usr/share/codec2/raw/{name}.raw");
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {path} is missing (make setup installs codec2-examples)");
            return;
        };
        let speech: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        let mut detector = Detector::new(SampleRate::HZ_8000);
        for packet in speech.chunks(160) {
            detector.push(packet, &mut Vec::new());
            listened = (listened.0 + 1, listened.1 + usize::from(detector.is_suspect()));
        }
    }
    assert!(listened.1 * 200 <= listened.0, "{} packets of {}", listened.1, listened.0);
}
