//! What was sent, hop by hop, for as long as it may still come back.

use super::spectrum::{BANDS, Powers, Spectrum};
use crate::units::SampleRate;

/// The last hops of the line that is sent.
pub(super) struct Reference {
    spectrum: Spectrum,
    ring: Box<[SentHop; RING]>,
    /// Hops measured so far.
    hops: i64,
    contour: Contour,
}

/// One hop that was sent.
#[derive(Clone, Copy, Default)]
pub(super) struct SentHop {
    /// Its powers, with some of all in each: a speaker that distorts makes tones where there were none.
    pub(super) powers: Powers,
    /// Its shape, for the search of the delay.
    pub(super) shape: Powers,
    /// Loud enough for an echo that could be heard.
    pub(super) audible: bool,
}

impl Reference {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { spectrum: Spectrum::new(rate), ring: Box::new([SentHop::default(); RING]), hops: 0, contour: Contour::default() }
    }

    pub(super) fn push(&mut self, samples: &[i16]) {
        let Self { spectrum, ring, hops, contour } = self;
        spectrum.push(samples, |powers| {
            let total: f32 = powers.iter().sum();
            let audible = total > AUDIBLE;
            let shape = contour.shape(powers, &[QUIET; BANDS], audible);
            let slot = ring.get_mut(*hops as usize % RING);
            if let Some(slot) = slot {
                *slot = SentHop { powers: powers.map(|power| power + DISTORTION * total), shape, audible };
            }
            *hops += 1;
        });
    }

    /// The hop with this number; silence where there is none, or none any more.
    pub(super) fn hop(&self, number: i64) -> SentHop {
        let kept = number >= 0 && number < self.hops && number + RING as i64 >= self.hops;
        self.ring.get(number.rem_euclid(RING as i64) as usize).filter(|_| kept).copied().unwrap_or_default()
    }
}

/// Takes from spectra what a line and its echo do not share: the colour of a room and a speaker (the mean of each band)
/// and the level (the mean over the bands). What is left moves with the sounds of speech, and much faster than its
/// loudness, which is why a second of speech is enough to find a delay.
#[derive(Default)]
pub(super) struct Contour {
    mean: Powers,
    weight: f32,
}

impl Contour {
    /// The shape of a hop; below `floor` a band says nothing. Learns from hops with `learn`.
    pub(super) fn shape(&mut self, powers: &Powers, floor: &Powers, learn: bool) -> Powers {
        let mut shape = [0.0; BANDS];
        if learn {
            self.weight = (self.weight + 1.0).min(MEMORY);
        }
        for (((value, mean), power), floor) in shape.iter_mut().zip(&mut self.mean).zip(powers).zip(floor) {
            let level = (power + floor).log10();
            if learn {
                *mean += (level - *mean) / self.weight;
            }
            *value = level - *mean;
        }
        let middle = shape.iter().sum::<f32>() / BANDS as f32;
        shape.map(|value| value - middle)
    }
}

/// One second: more than the longest delay that is looked for, and what late packets add to it.
const RING: usize = 128;
/// −50 dB: 20 dB below quiet speech. Comfort noise of ours is weaker.
const AUDIBLE: f32 = 1e-5;
/// −70 dB: below this a band is noise of the quantiser.
const QUIET: f32 = 1e-7;
/// −17 dB: what a small speaker at its limit spreads over the bands.
const DISTORTION: f32 = 0.02;
/// Hops over which a mean is taken: 400 ms.
const MEMORY: f32 = 50.0;
