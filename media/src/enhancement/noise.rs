//! Takes noise down, by the suppressor of WebRTC in `sonora-ns`: frames of 10 ms at 16 kHz, 6 ms of delay.

use sonora_ns::config::{NS_FRAME_SIZE, SuppressionLevel};

use super::Suppression;

/// The suppressor of one line.
#[derive(Debug)]
pub(super) struct NoiseSuppressor(sonora_ns::noise_suppressor::NoiseSuppressor);

impl NoiseSuppressor {
    /// A suppressor by so much; none where nothing is to be taken down.
    pub(super) fn new(by: Suppression) -> Option<Self> {
        let level = match by {
            Suppression::Off => return None,
            Suppression::Low => SuppressionLevel::K6dB,
            Suppression::Moderate => SuppressionLevel::K12dB,
            Suppression::High => SuppressionLevel::K18dB,
            Suppression::VeryHigh => SuppressionLevel::K21dB,
        };
        Some(Self(sonora_ns::noise_suppressor::NoiseSuppressor::with_level(level)))
    }

    /// Measures the noise in what came, and takes it out of what was made of that.
    pub(super) fn process(&mut self, came: &[f32; FRAME], cleaned: &mut [f32; FRAME]) {
        self.0.analyze(came);
        self.0.process(cleaned);
    }
}

/// Samples of a frame.
pub(super) const FRAME: usize = NS_FRAME_SIZE;
