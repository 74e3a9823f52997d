//! Something like speech, and its frames in a ring: a codec's cost depends on what it codes.

use std::f64::consts::TAU;
use std::time::Duration;

use media::codec::{Codec, Encoder, EncoderConfig, OpusSettings};
use media::units::SampleRate;

pub(crate) const PTIME: Duration = Duration::from_millis(20);

/// Two seconds: a pitch that wanders, its harmonics through moving resonances, breath, in syllables with pauses.
pub(crate) fn speech(rate: SampleRate) -> Vec<i16> {
    let (mut phase, mut state) = (0.0, 7_u32);
    let sample = |n: u64| {
        let time = n as f64 / f64::from(rate.hz());
        let pitch = 130.0 + 40.0 * (time * 5.0).sin();
        phase += pitch * TAU / f64::from(rate.hz());
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let breath = f64::from(state >> 16) / 32_768.0 - 1.0;
        let loudness = (0.6 - 0.5 * (time * TAU * 2.5).cos()).max(0.0).powi(2);
        let resonance = |hz: f64, centre: f64, width: f64| (-((hz - centre) / width).powi(2)).exp();
        let vowel = (time * 11.0).sin();
        let harmonic = |k: f64| {
            let hz = k * pitch;
            (resonance(hz, 550.0 + 200.0 * vowel, 180.0) + 0.5 * resonance(hz, 1_500.0 - 500.0 * vowel, 250.0) + 0.03) * (k * phase).sin()
        };
        let voiced: f64 = (1..=24).map(|k| harmonic(f64::from(k))).sum();
        (loudness * (6_000.0 * voiced + 900.0 * breath) + 12.0 * breath) as i16
    };
    (0..rate.samples(Duration::from_secs(2))).map(sample).collect()
}

/// The payloads of speech in packets of 20 ms.
pub(crate) fn payloads(codec: Codec, rate: SampleRate) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut encoder = Encoder::new(EncoderConfig { codec, wanted: rate, ptime: PTIME, opus: OpusSettings::default() })?;
    let encode = |frame: &[i16]| {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload)?;
        Ok(payload)
    };
    speech(rate).chunks_exact(rate.samples(PTIME) as usize).map(encode).collect()
}

/// Goes round `items` for ever, one a call.
pub(crate) fn round<'a, T>(items: &'a [Vec<T>]) -> impl FnMut() -> &'a [T] {
    let mut at = 0;
    move || {
        at = if at + 1 < items.len() { at + 1 } else { 0 };
        items.get(at).map(Vec::as_slice).unwrap_or_default()
    }
}
