//! How much of what is sent comes back, band by band.
//!
//! For each band the ninth decile of the ratio of what came to what could have come back, in decibels: nearly all of the
//! echo is below it, and nothing else is asked of it. It is tracked by steps (up nine times as far as down) which grow
//! shorter as it is known better. What is far above it is somebody who speaks, and teaches it nothing.

use super::decibels;
use super::spectrum::{BANDS, Powers};

/// The ceiling of the echo relative to its source.
pub(super) struct Coupling {
    ceiling_db: Powers,
    /// Hops from which each band has learned.
    learned: [u32; BANDS],
    pace: Pace,
}

/// How fast a ceiling moves.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// Decibels of the first step and of the last.
    pub(super) first_db: f32,
    pub(super) last_db: f32,
    /// Where it begins.
    pub(super) start_db: f32,
}

impl Coupling {
    pub(super) const fn new(pace: Pace) -> Self {
        Self { ceiling_db: [pace.start_db; BANDS], learned: [0; BANDS], pace }
    }

    /// The most that comes back of `source`.
    pub(super) fn ceiling(&self, source: &Powers) -> Powers {
        let mut ceiling = *source;
        for (power, db) in ceiling.iter_mut().zip(&self.ceiling_db) {
            *power *= 10_f32.powf(db / 10.0);
        }
        ceiling
    }

    /// Whether it has heard enough to be relied upon: half a second.
    pub(super) fn is_known(&self) -> bool {
        self.learned.iter().filter(|&&learned| learned >= KNOWN).count() * 2 >= BANDS
    }

    /// `came` of `source`; a band above its `limit` is somebody else's sound, unless `all_echo`.
    pub(super) fn learn(&mut self, source: &Powers, came: &Powers, limit: &Powers, all_echo: bool) {
        let bands = self.ceiling_db.iter_mut().zip(&mut self.learned);
        for (((ceiling, learned), (source, came)), limit) in bands.zip(source.iter().zip(came)).zip(limit) {
            let known = *learned >= KNOWN;
            if *source < LOUD || known && came > limit && !all_echo {
                continue;
            }
            *learned = learned.saturating_add(1);
            let ratio = (decibels(*came) - decibels(*source)).max(LEAST_DB);
            let step = (FAST / *learned as f32 * self.pace.first_db).clamp(self.pace.last_db, self.pace.first_db);
            *ceiling += step * if ratio > *ceiling { DECILE } else { DECILE - 1.0 };
            *ceiling = ceiling.min(0.0);
        }
    }
}

/// −50 dB: only a band as loud as this teaches.
const LOUD: f32 = 1e-5;
/// Below this a ratio is noise against speech.
const LEAST_DB: f32 = -50.0;
const DECILE: f32 = 0.9;
/// Hops of the longest steps.
const FAST: f32 = 10.0;
const KNOWN: u32 = 60;
