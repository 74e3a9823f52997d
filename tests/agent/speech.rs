//! Something that voice activity detection takes for speech: a buzzing source through three resonances, in syllables.

use std::f64::consts::TAU;
use std::time::Duration;

use media::frame::AudioFormat;

use crate::link::Link;

/// Says a sentence of that length and is silent for a second after it.
pub(crate) fn say(link: &mut Link, format: AudioFormat, length: Duration) {
    let mut samples = vowel(format.rate().hz(), length);
    samples.extend(std::iter::repeat_n(0, format.rate().hz() as usize));
    let bytes: Vec<u8> = match format {
        AudioFormat::S16 { .. } => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        AudioFormat::Ulaw8k => samples.iter().map(|&sample| ulaw(sample)).collect(),
        AudioFormat::Alaw8k => samples.iter().map(|&sample| alaw(sample)).collect(),
    };
    let frame_len = format.rate().hz() as usize / 50 * format.sample_len_bytes();
    for frame in bytes.chunks(frame_len) {
        link.push(format, frame);
    }
}

fn vowel(rate: u32, length: Duration) -> Vec<i16> {
    let rate = f64::from(rate);
    let count = (length.as_secs_f64() * rate) as usize;
    (0..count)
        .map(|n| {
            let t = n as f64 / rate;
            let pitch = 120.0 + 15.0 * (TAU * 2.3 * t).sin();
            let syllable = (0.6 + 0.4 * (TAU * 4.0 * t).sin()).max(0.2);
            let sum: f64 = (1..=25)
                .map(|harmonic| {
                    let hz = pitch * f64::from(harmonic);
                    let gain: f64 = [(700.0, 130.0), (1_220.0, 170.0), (2_600.0, 250.0)]
                        .iter()
                        .map(|(f, b)| 1.0 / (1.0 + ((hz - f) / b).powi(2)))
                        .sum();
                    gain * (TAU * hz * t).sin()
                })
                .sum();
            (sum * syllable * 6_000.0).clamp(-30_000.0, 30_000.0) as i16
        })
        .collect()
}

fn ulaw(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(32_635) + 132;
    let segment = 8 - magnitude.leading_zeros();
    let sign = if sample < 0 { 128 } else { 0 };
    !(sign | (segment * 16) as u8 | ((magnitude >> (segment + 3)) & 15) as u8)
}

fn alaw(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample } as u16;
    let segment = if magnitude < 256 { 0 } else { 8 - magnitude.leading_zeros() };
    let code = (segment * 16) as u8 | ((magnitude >> (segment.max(1) + 3)) & 15) as u8;
    code ^ if sample < 0 { 0x55 } else { 0xD5 }
}
