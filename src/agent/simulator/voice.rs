//! What the simulator says of its own, and the arithmetic between its formats.

use std::f64::consts::TAU;
use std::time::Duration;

use media::codec::g711;
use media::frame::AudioFormat;
use media::units::SampleRate;

/// The greeting: six tones of 200 ms, low to high and back, that no speech and no echo resembles.
#[must_use]
pub fn greeting(format: AudioFormat) -> Vec<u8> {
    MELODY_HZ.iter().flat_map(|&hz| tone(format, hz, Duration::from_millis(200))).collect()
}

/// A sine at −12 dBFS with 5 ms of fade at both ends, so that it does not click.
#[must_use]
pub fn tone(format: AudioFormat, hz: f64, length: Duration) -> Vec<u8> {
    let rate = f64::from(format.rate().hz());
    let count = format.rate().samples(length);
    let fade = rate * 0.005;
    let samples = (0..count).map(|n| {
        let (n, left) = (n as f64, (count - 1 - n) as f64);
        let envelope = (n / fade).min(left / fade).min(1.0);
        ((TAU * hz * n / rate).sin() * envelope * AMPLITUDE) as i16
    });
    encode(format, samples)
}

/// Samples at the rate of `format`, written in it.
pub(super) fn encode(format: AudioFormat, samples: impl Iterator<Item = i16>) -> Vec<u8> {
    match format {
        AudioFormat::Ulaw8k => samples.map(g711::encode_ulaw).collect(),
        AudioFormat::Alaw8k => samples.map(g711::encode_alaw).collect(),
        AudioFormat::S16 { .. } => samples.flat_map(i16::to_le_bytes).collect(),
    }
}

/// Samples at the rate of `format`, read from it; an odd byte at the end is left out.
pub(super) fn decode(format: AudioFormat, bytes: &[u8]) -> Vec<i16> {
    match format {
        AudioFormat::Ulaw8k => bytes.iter().map(|&byte| g711::decode_ulaw(byte)).collect(),
        AudioFormat::Alaw8k => bytes.iter().map(|&byte| g711::decode_alaw(byte)).collect(),
        AudioFormat::S16 { .. } => bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
    }
}

/// Samples of one rate at another, by straight lines between them: good enough for an ear that only asks
/// whether somebody speaks, and for test signals.
pub(super) fn convert(samples: &[i16], from: SampleRate, to: SampleRate) -> Vec<i16> {
    if from == to {
        return samples.to_vec();
    }
    let count = samples.len() as u64 * u64::from(to.hz()) / u64::from(from.hz());
    let at = |place: u64| samples.get(usize::try_from(place).unwrap_or(usize::MAX)).or(samples.last()).copied().map_or(0, i64::from);
    (0..count)
        .map(|n| {
            let position = n * u64::from(from.hz());
            let (place, rest) = (position / u64::from(to.hz()), (position % u64::from(to.hz())) as i64);
            let between = at(place) + (at(place + 1) - at(place)) * rest / i64::from(to.hz());
            between as i16
        })
        .collect()
}

const MELODY_HZ: [f64; 6] = [523.25, 659.25, 783.99, 1046.5, 783.99, 659.25];
const AMPLITUDE: f64 = 8_231.0;
