//! The noise of the room and the line, band by band.
//!
//! Not the crate's other floor (`noise_floor`), which falls at once: a single hop of noise in a single band is often 10 dB below
//! its mean, so here it falls by a tenth of the way.

use super::spectrum::{BANDS, Powers};

/// Follows the power that is there when nobody speaks: falls within a tenth of a second, rises by 2 dB a second.
pub(super) struct NoiseFloor {
    powers: Powers,
    hops: u32,
}

impl NoiseFloor {
    pub(super) const fn new() -> Self {
        Self { powers: [LEAST; BANDS], hops: 0 }
    }

    pub(super) fn update(&mut self, powers: &Powers) {
        self.hops = self.hops.saturating_add(1);
        for (noise, power) in self.powers.iter_mut().zip(powers) {
            if *power < *noise {
                *noise += FALL * (power - *noise);
            } else if self.hops <= FIRST {
                *noise = *power;
            } else {
                *noise = (*noise * RISE).min(*power);
            }
            *noise = noise.max(LEAST);
        }
    }

    pub(super) const fn powers(&self) -> &Powers {
        &self.powers
    }
}

const FALL: f32 = 0.1;
/// 0.017 dB a hop.
const RISE: f32 = 1.004;
/// −90 dB: digital silence counts as this much.
const LEAST: f32 = 1e-9;
/// Hops of a line that are taken for noise, until something weaker comes.
const FIRST: u32 = 12;
