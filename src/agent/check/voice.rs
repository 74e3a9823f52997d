//! What the made-up caller says.

use std::f64::consts::TAU;

use media::codec::g711;
use media::frame::AudioFormat;
use media::resample::Resampler;
use media::units::SampleRate;

/// A sentence.
#[derive(Clone, Debug)]
pub struct Speech {
    samples: Vec<i16>,
    rate: SampleRate,
}

impl Speech {
    /// These samples.
    #[must_use]
    pub const fn new(samples: Vec<i16>, rate: SampleRate) -> Self {
        Self { samples, rate }
    }

    /// A second and a half of something that voice activity detection takes for speech: a buzzing source through three resonances, in
    /// syllables. A recording of somebody is better where the agent listens to words.
    #[must_use]
    pub fn made_up() -> Self {
        let rate = SampleRate::HZ_16000;
        let hz = f64::from(rate.hz());
        let samples = (0..rate.hz() * 3 / 2).map(|n| vowel(f64::from(n) / hz)).collect();
        Self { samples, rate }
    }

    /// The sentence as an agent wants to hear it.
    pub(super) fn written(&self, format: AudioFormat) -> Vec<u8> {
        let mut samples = self.samples.clone();
        if self.rate != format.rate() {
            samples.clear();
            let mut resampler = Resampler::new(self.rate, format.rate());
            resampler.push(&self.samples, &mut samples);
        }
        match format {
            AudioFormat::Ulaw8k => samples.into_iter().map(g711::encode_ulaw).collect(),
            AudioFormat::Alaw8k => samples.into_iter().map(g711::encode_alaw).collect(),
            AudioFormat::S16 { .. } => samples.into_iter().flat_map(i16::to_le_bytes).collect(),
        }
    }
}

fn vowel(t: f64) -> i16 {
    let pitch = 120.0 + 15.0 * (TAU * 2.3 * t).sin();
    let syllable = (0.6 + 0.4 * (TAU * 4.0 * t).sin()).max(0.2);
    let harmonic = |number: u32| {
        let hz = pitch * f64::from(number);
        let gain: f64 = FORMANTS_HZ.iter().map(|(centre, width)| 1.0 / (1.0 + ((hz - centre) / width).powi(2))).sum();
        gain * (TAU * hz * t).sin()
    };
    ((1..=25).map(harmonic).sum::<f64>() * syllable * 6_000.0).clamp(-30_000.0, 30_000.0) as i16
}

const FORMANTS_HZ: [(f64, f64); 3] = [(700.0, 130.0), (1_220.0, 170.0), (2_600.0, 250.0)];
