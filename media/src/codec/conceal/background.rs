//! How loud the line is when nobody speaks: the least of a running level.

use crate::codec::conceal::Heard;
use crate::codec::g711::Law;
use crate::noise_floor::NoiseFloor;

/// Follows the background of a line from a few samples of each packet.
#[derive(Clone, Debug)]
pub(super) struct Background {
    law: Option<Law>,
    /// Mean square of the last packets.
    level: Option<f32>,
    floor: NoiseFloor,
}

impl Background {
    pub(super) const fn new(law: Option<Law>) -> Self {
        Self { law, level: None, floor: NoiseFloor::rising(RISE_DB) }
    }

    /// Takes note of a packet.
    pub(super) fn note(&mut self, heard: Heard<'_>) {
        let energy = match (heard, self.law) {
            (Heard::Samples(samples), _) => energy(samples.len(), |index| samples.get(index).copied()),
            (Heard::Payload(payload), Some(law)) => energy(payload.len(), |index| payload.get(index).map(|&byte| law.decode(byte))),
            (Heard::Payload(_), None) => return,
        };
        let level = self.level.map_or(energy, |level| level + (energy - level) * SMOOTHING);
        self.floor.update(level.into(), PACKET_S);
        self.level = Some(level);
    }

    /// The effective value of the background, at most −40 dB of full scale: louder than that nobody wants noise.
    pub(super) fn rms(&self) -> f32 {
        (self.floor.power().unwrap_or_default().sqrt() as f32).min(LOUDEST)
    }
}

/// The mean square of a few samples, evenly spread.
fn energy(length: usize, sample: impl Fn(usize) -> Option<i16>) -> f32 {
    let squares = (0..LOOKED_AT).filter_map(|n| sample((2 * n + 1) * length / (2 * LOOKED_AT))).map(|sample| f32::from(sample).powi(2));
    squares.sum::<f32>() / LOOKED_AT as f32
}

/// Samples of a packet.
const LOOKED_AT: usize = 8;
/// Part of the way to a new value that is gone with each packet.
const SMOOTHING: f32 = 0.3;
/// Decibels that the floor rises a second, in packets of 20 ms: slower than a diagnosis, since nothing may be heard to breathe.
const RISE_DB: f64 = 1.0;
const PACKET_S: f64 = 0.02;
const LOUDEST: f32 = 327.68;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_that_of_the_pauses_and_not_of_the_words() {
        let mut floor = Background::new(None);
        let mut noise = 1_u32;
        for packet in 0..500 {
            let loudest = if packet % 100 < 70 { 8_000 } else { 100 };
            let samples: Vec<i16> = (0..160)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((noise >> 16) as i32 % (2 * loudest + 1) - loudest) as i16
                })
                .collect();
            floor.note(Heard::Samples(&samples));
        }
        // Uniform noise of ±100 has an effective value of 58.
        assert!((30.0..90.0).contains(&floor.rms()), "{}", floor.rms());
    }

    #[test]
    fn a_payload_counts_as_its_samples() {
        let (mut linear, mut encoded) = (Background::new(None), Background::new(Some(Law::A)));
        let payload: Vec<u8> = (0..160).map(|n| Law::A.encode(n * 3 - 240)).collect();
        let samples: Vec<i16> = payload.iter().map(|&byte| Law::A.decode(byte)).collect();
        linear.note(Heard::Samples(&samples));
        encoded.note(Heard::Payload(&payload));
        assert_eq!(linear.rms().to_bits(), encoded.rms().to_bits());
    }
}
