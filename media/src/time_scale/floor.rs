//! The noise floor of a line, and what counts as quiet against it.

use std::time::Duration;

use crate::units::SampleRate;

/// Follows the quietest that a line is: down at once, up by 1 dB a second.
#[derive(Clone, Debug)]
pub(crate) struct NoiseFloor {
    /// Samples of which one mean is taken: 5 ms.
    block: usize,
    /// Mean square of the floor.
    floor: f32,
    /// The factor by which it rises a block.
    rise: f32,
}

impl NoiseFloor {
    pub(crate) fn new(rate: SampleRate) -> Self {
        // 10^(1 dB / 10 × 5 ms / 1 s).
        Self { block: rate.samples(BLOCK) as usize, floor: SILENCE, rise: 10_f32.powf(0.1 * BLOCK.as_secs_f32()) }
    }

    /// Takes note of audio.
    pub(crate) fn listen(&mut self, audio: &[i16]) {
        for block in audio.chunks_exact(self.block) {
            let level = mean_square(block);
            self.floor = if level < self.floor { self.floor + (level - self.floor) / 8.0 } else { self.floor * self.rise };
            self.floor = self.floor.clamp(LOWEST, HIGHEST);
        }
    }

    /// Whether no 5 ms of `audio` are louder than the floor and 6 dB.
    pub(crate) fn is_quiet(&self, audio: &[i16]) -> bool {
        audio.chunks(self.block).all(|block| mean_square(block) <= 4.0 * self.floor.max(SILENCE))
    }

    /// The floor as a root mean square.
    pub(crate) fn rms(&self) -> f32 {
        self.floor.sqrt()
    }
}

fn mean_square(block: &[i16]) -> f32 {
    let energy: i64 = block.iter().map(|&sample| i64::from(sample) * i64::from(sample)).sum();
    energy as f32 / block.len().max(1) as f32
}

/// One mean is taken of this much.
const BLOCK: Duration = Duration::from_millis(5);
/// −60 dBov: what is quieter is silence on any line.
const SILENCE: f32 = 32_768.0 * 32_768.0 * 1e-6;
/// −80 dBov: no line is quieter, and the floor must be able to rise again.
const LOWEST: f32 = 32_768.0 * 32_768.0 * 1e-8;
/// −46 dBov: what is louder than 6 dB above it may be speech whatever was heard before.
const HIGHEST: f32 = 32_768.0 * 32_768.0 * 2.5e-5;

#[cfg(test)]
mod tests {
    use super::*;

    /// A square wave of some level.
    fn hum(peak: i16, blocks: usize) -> Vec<i16> {
        (0..blocks * 40).map(|n| if n % 8 < 4 { peak } else { -peak }).collect()
    }

    #[test]
    fn the_floor_falls_to_the_pauses_and_hardly_rises_with_speech() {
        let mut floor = NoiseFloor::new(SampleRate::HZ_8000);
        floor.listen(&hum(120, 4_000));
        assert!(floor.is_quiet(&hum(120, 6)), "20 s of it, then it is the line's");
        floor.listen(&hum(40, 20));
        assert!(!floor.is_quiet(&hum(160, 6)));
        floor.listen(&hum(8_000, 400));
        assert!(!floor.is_quiet(&hum(160, 6)), "2 s of speech");
    }

    #[test]
    fn one_loud_block_is_enough_not_to_be_quiet() {
        let floor = NoiseFloor::new(SampleRate::HZ_8000);
        let mut audio = vec![0; 240];
        assert!(floor.is_quiet(&audio));
        audio[200..].copy_from_slice(&hum(80, 1));
        assert!(!floor.is_quiet(&audio));
    }

    #[test]
    fn speech_is_never_the_floor() {
        let mut floor = NoiseFloor::new(SampleRate::HZ_8000);
        floor.listen(&hum(8_000, 40_000));
        assert!(!floor.is_quiet(&hum(400, 6)));
    }
}
