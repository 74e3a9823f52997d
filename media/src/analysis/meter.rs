//! How loud a line is, and what is wrong with its samples.

use crate::noise_floor::NoiseFloor;

/// Measures one line, frame by frame.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    total: Sums,
    speech: Sums,
    floor: NoiseFloor,
}

/// What a line measures over the call; dBFS by effective value, where 0 is a square wave of full scale.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineFigures {
    /// Level of all of it; `None` for nothing, or digital silence.
    pub level_dbfs: Option<f64>,
    /// Level of the speech alone.
    pub speech_dbfs: Option<f64>,
    /// The greatest sample.
    pub peak_dbfs: Option<f64>,
    /// Level of what is there when nobody speaks.
    pub noise_floor_dbfs: Option<f64>,
    /// Samples at the end of the scale, as a part of all.
    pub clipped: f64,
    /// Mean of the samples, as a part of full scale, −1 to 1.
    pub dc_offset: f64,
    /// Samples that are as good as nought, as a part of all.
    pub silent: f64,
}

/// Sums over samples.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) samples: u64,
    pub(super) squares: u64,
    pub(super) sum: i64,
    pub(super) peak: u16,
    pub(super) clipped: u64,
    pub(super) silent: u64,
}

impl Meter {
    /// Measures a frame; `speech` when it counts as speech.
    pub fn push(&mut self, samples: &[i16], speech: bool) {
        if samples.is_empty() {
            return;
        }
        let frame = Sums::of(samples);
        self.total.add(&frame);
        if speech {
            self.speech.add(&frame);
        }
        self.floor.update(frame.mean_square(), samples.len() as f64 / 8_000.0);
    }

    /// What it measures so far.
    #[must_use]
    pub fn figures(&self) -> LineFigures {
        let Sums { samples, sum, peak, clipped, silent, .. } = self.total;
        let all = samples.max(1) as f64;
        LineFigures {
            level_dbfs: self.total.dbfs(),
            speech_dbfs: self.speech.dbfs(),
            peak_dbfs: (peak > 0).then(|| 20.0 * (f64::from(peak) / FULL_SCALE).log10()),
            noise_floor_dbfs: self.floor.power().filter(|floor| *floor > LEAST).map(decibels),
            clipped: clipped as f64 / all,
            dc_offset: sum as f64 / all / FULL_SCALE,
            silent: silent as f64 / all,
        }
    }

    /// What came on top of an earlier state of it.
    pub(super) fn since(&self, before: &Self) -> Sums {
        let (now, before) = (&self.total, &before.total);
        Sums {
            samples: now.samples - before.samples,
            squares: now.squares.wrapping_sub(before.squares),
            sum: now.sum.wrapping_sub(before.sum),
            peak: now.peak,
            clipped: now.clipped - before.clipped,
            silent: now.silent - before.silent,
        }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self { total: Sums::default(), speech: Sums::default(), floor: NoiseFloor::rising(RISE_DB) }
    }
}

impl Sums {
    pub(super) fn of(samples: &[i16]) -> Self {
        let mut sums = Self { samples: samples.len() as u64, ..Self::default() };
        for &sample in samples {
            let size = sample.unsigned_abs();
            sums.squares += u64::from(size) * u64::from(size);
            sums.sum += i64::from(sample);
            sums.peak = sums.peak.max(size);
            sums.clipped += u64::from(size >= CLIPPED);
            sums.silent += u64::from(size <= SILENT);
        }
        sums
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.squares = self.squares.saturating_add(other.squares);
        self.sum = self.sum.saturating_add(other.sum);
        self.peak = self.peak.max(other.peak);
        self.clipped += other.clipped;
        self.silent += other.silent;
    }

    pub(super) fn dbfs(&self) -> Option<f64> {
        (self.squares > 0).then(|| decibels(self.mean_square()))
    }

    /// A part of the samples.
    pub(super) fn part(&self, samples: u64) -> f64 {
        samples as f64 / self.samples.max(1) as f64
    }

    /// The mean as a part of full scale.
    pub(super) fn offset(&self) -> f64 {
        self.sum as f64 / self.samples.max(1) as f64 / FULL_SCALE
    }

    fn mean_square(&self) -> f64 {
        self.squares as f64 / self.samples.max(1) as f64
    }
}

fn decibels(mean_square: f64) -> f64 {
    10.0 * (mean_square / (FULL_SCALE * FULL_SCALE)).log10()
}

const FULL_SCALE: f64 = 32_768.0;
/// The end of the scale of both laws of G.711 (32 124 and 32 256) and of linear audio.
const CLIPPED: u16 = 32_100;
/// The least step of both laws of G.711 is 8: no sound.
const SILENT: u16 = 8;
/// Mean square of what counts as digital silence.
const LEAST: f64 = 0.01;
/// Decibels that the floor rises in 8 000 samples: a second on a telephone, and less time than that on a wide-band line.
const RISE_DB: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn metered(samples: impl Iterator<Item = i16>) -> LineFigures {
        let (mut meter, samples) = (Meter::default(), samples.collect::<Vec<i16>>());
        samples.chunks(160).for_each(|frame| meter.push(frame, true));
        meter.figures()
    }

    #[test]
    fn a_sine_is_measured_to_a_tenth_of_a_decibel() {
        let sine = (0..8_000).map(|n| (16_384.0 * (f64::from(n) * 0.5).sin()) as i16);
        let figures = metered(sine);
        assert!((figures.level_dbfs.unwrap() + 9.03).abs() < 0.1, "{figures:?}");
        assert!((figures.peak_dbfs.unwrap() + 6.02).abs() < 0.1, "{figures:?}");
        assert_eq!((figures.clipped, figures.level_dbfs), (0.0, figures.speech_dbfs));
        assert!(figures.dc_offset.abs() < 0.001);
    }

    #[test]
    fn samples_at_the_end_of_the_scale_and_an_offset_are_found() {
        let figures = metered((0..8_000).map(|n| if n % 10 == 0 { 32_124 } else { 655 }));
        assert!((figures.clipped - 0.1).abs() < 1e-9);
        assert!((figures.dc_offset - (0.1 * 32_124.0 + 0.9 * 655.0) / 32_768.0).abs() < 1e-9);
    }

    #[test]
    fn the_floor_is_what_is_left_between_words() {
        // Words of 400 ms and pauses of 200 ms.
        let words =
            (0..48_000_i32).map(|n| if n % 4_800 < 3_200 { ((n * 7_919) % 8_000 - 4_000) as i16 } else { ((n * 7_919) % 100 - 50) as i16 });
        let floor = metered(words).noise_floor_dbfs.unwrap();
        assert!((-63.0..-58.0).contains(&floor), "{floor}");
    }

    #[test]
    fn nothing_has_no_level() {
        let figures = metered((0..1_600).map(|_| 0));
        assert_eq!((figures.level_dbfs, figures.peak_dbfs, figures.noise_floor_dbfs, figures.silent), (None, None, None, 1.0));
        assert_eq!(Meter::default().figures().level_dbfs, None);
    }
}
