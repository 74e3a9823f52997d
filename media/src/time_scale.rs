//! Speech made shorter or longer without a change of pitch: whole pitch periods are taken out or put in.
//!
//! Pitch-synchronous overlap and add in the manner of WSOLA (Verhelst and Roelands, 1993): within 30 ms of audio the
//! lag of 2.5 to 15 ms is sought at which the signal is most like itself, and the two periods on either side of the
//! splice fade into each other. What is quiet, against the noise floor heard so far, is cut without a search. Every
//! other sample passes unchanged, and the count of samples is exact.
//!
//! Left out on purpose: a constant factor of speed. Whoever plays wants a queue shorter or longer by some
//! milliseconds, and says how much the ear may notice. Nor is any audio kept between two calls.

mod floor;
mod period;

use std::time::Duration;

use crate::units::SampleRate;

use floor::NoiseFloor;
use period::PeriodSearch;

/// Changes the length of mono speech at one rate. Allocates nothing once made.
#[derive(Debug)]
pub struct TimeScale {
    search: PeriodSearch,
    floor: NoiseFloor,
    /// Samples that are looked at for one change.
    window: usize,
    /// Samples over which quiet audio is cross-faded.
    overlap: usize,
    /// The shortest lag.
    shortest: usize,
}

/// How much of a change an ear may notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing: only where audio is quiet, or as good as periodic.
    Calm,
    /// A little: also where it is voiced, but changing.
    Pressing,
    /// Whatever must be: every 30 ms have their splice, at the best place there is.
    Forced,
}

/// Where and by how much a window changes: `lag` samples, cross-faded over `overlap` samples from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Splice {
    start: usize,
    lag: usize,
    overlap: usize,
}

impl TimeScale {
    /// One that has heard nothing yet. Allocates all that it will ever need.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        let samples = |duration| rate.samples(duration) as usize;
        Self {
            search: PeriodSearch::new(rate),
            floor: NoiseFloor::new(rate),
            window: samples(WINDOW),
            overlap: samples(QUIET_OVERLAP),
            shortest: samples(SHORTEST),
        }
    }

    /// Takes note of audio that passes unchanged, so that the noise floor is known before it is needed.
    pub fn listen(&mut self, audio: &[i16]) {
        self.floor.listen(audio);
    }

    /// Appends `audio` to `out` without up to `most` of its samples; returns how many are missing. One change needs
    /// [`Self::window`] samples: less than that passes whole.
    pub fn accelerate(&mut self, audio: &[i16], most: usize, urgency: Urgency, out: &mut Vec<i16>) -> usize {
        self.listen(audio);
        self.change(audio, most, urgency, out, |window, Splice { start, lag, overlap }, out| {
            out.extend_from_slice(part(window, 0, start));
            cross_fade(part(window, start, overlap), part(window, start + lag, overlap), out);
        })
    }

    /// Appends `audio` to `out` with up to `most` samples put in; returns how many. One change needs
    /// [`Self::window`] samples: less than that passes as it is.
    pub fn stretch(&mut self, audio: &[i16], most: usize, urgency: Urgency, out: &mut Vec<i16>) -> usize {
        self.stretch_behind(0, audio, most, urgency, out)
    }

    /// The same where little audio is left: the first `passed` samples of `audio`, at most half a window, were passed
    /// on before. They are looked at, and not appended again.
    pub fn stretch_behind(&mut self, passed: usize, audio: &[i16], most: usize, urgency: Urgency, out: &mut Vec<i16>) -> usize {
        let (passed, begin) = (passed.min(self.window / 2).min(audio.len()), out.len());
        self.listen(audio.get(passed..).unwrap_or_default());
        let inserted = self.change(audio, most, urgency, out, |window, Splice { start, lag, overlap }, out| {
            out.extend_from_slice(part(window, 0, start + lag));
            cross_fade(part(window, start + lag, overlap), part(window, start, overlap), out);
            // What was put in is not put in again by the next window.
            out.extend_from_slice(part(window, start + overlap, lag));
        });
        // Nothing before the middle of a window changes.
        out.drain(begin..begin + passed);
        inserted
    }

    /// Whether `audio` is quiet against the noise floor heard so far.
    pub(crate) fn is_quiet(&self, audio: &[i16]) -> bool {
        self.floor.is_quiet(audio)
    }

    /// The noise floor heard so far, as a root mean square.
    pub(crate) fn floor(&self) -> f32 {
        self.floor.rms()
    }

    /// Samples that one change needs: 30 ms.
    #[must_use]
    pub const fn window(&self) -> usize {
        self.window
    }

    /// Passes `audio` on window by window, and lets `splice` write each window in which a change is possible up to the
    /// end of its last cross-faded sample.
    fn change(
        &mut self,
        audio: &[i16],
        most: usize,
        urgency: Urgency,
        out: &mut Vec<i16>,
        splice: impl Fn(&[i16], Splice, &mut Vec<i16>),
    ) -> usize {
        let (mut rest, mut changed) = (audio, 0);
        while let Some(window) = rest.get(..self.window).filter(|_| most - changed >= 1) {
            let done = if let Some(found) = self.find(window, most - changed, urgency) {
                splice(window, found, out);
                changed += found.lag;
                found.start + found.lag + found.overlap
            } else {
                out.extend_from_slice(part(window, 0, self.window / 2));
                self.window / 2
            };
            rest = rest.get(done..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        changed
    }

    /// The best change of at most `most` samples in a window.
    fn find(&mut self, window: &[i16], most: usize, urgency: Urgency) -> Option<Splice> {
        let middle = window.len() / 2;
        if self.floor.is_quiet(window) {
            let overlap = self.overlap;
            let lag = most.min(window.len() - overlap);
            return Some(Splice { start: middle.saturating_sub(lag), lag, overlap });
        }
        if most < self.shortest {
            return None;
        }
        let period = self.search.find(window, most)?;
        let good = period.likeness >= urgency.likeness();
        good.then_some(Splice { start: middle - period.lag, lag: period.lag, overlap: period.lag })
    }
}

impl Urgency {
    /// How like each other the two sides of a splice must be, as a correlation.
    const fn likeness(self) -> f32 {
        match self {
            Self::Calm => 0.85,
            Self::Pressing => 0.5,
            Self::Forced => -1.0,
        }
    }
}

/// `length` samples from `start` on.
fn part(audio: &[i16], start: usize, length: usize) -> &[i16] {
    audio.get(start..start + length).unwrap_or_default()
}

/// Appends `from` fading into `to`, both of one length.
fn cross_fade(from: &[i16], to: &[i16], out: &mut Vec<i16>) {
    let steps = from.len() as i32 + 1;
    let mixed = from.iter().zip(to).zip(1..).map(|((&from, &to), n)| (i32::from(from) * (steps - n) + i32::from(to) * n) / steps);
    out.extend(mixed.map(|sample| sample as i16));
}

/// What is looked at for one change: two periods of the deepest voice.
const WINDOW: Duration = Duration::from_millis(30);
/// Periods from here (400 Hz) to half a window (67 Hz) are looked for.
const SHORTEST: Duration = Duration::from_micros(2_500);
/// Quiet audio is cross-faded this long, where no period says how long.
const QUIET_OVERLAP: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [SampleRate; 4] = [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000];

    fn tones(rate: SampleRate, seconds: f64, parts: &[(f64, f64)]) -> Vec<i16> {
        let count = (f64::from(rate.hz()) * seconds) as usize;
        let at =
            |n: usize| parts.iter().map(|(hz, peak)| peak * (n as f64 * hz * std::f64::consts::TAU / f64::from(rate.hz())).sin()).sum();
        (0..count).map(|n| f64::round(at(n)) as i16).collect()
    }

    fn noise(count: usize, peak: i32) -> Vec<i16> {
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 16) as i32 * (2 * peak + 1) / 65_536 - peak
        };
        (0..count).map(|_| next() as i16).collect()
    }

    /// Feeds `audio` in windows of 30 ms; returns what came out and how much was changed.
    fn changed(rate: SampleRate, audio: &[i16], urgency: Urgency, faster: bool) -> (Vec<i16>, usize) {
        let mut scale = TimeScale::new(rate);
        let (mut out, mut count) = (Vec::new(), 0);
        for window in audio.chunks(scale.window()) {
            count += if faster {
                scale.accelerate(window, usize::MAX, urgency, &mut out)
            } else {
                scale.stretch(window, usize::MAX, urgency, &mut out)
            };
        }
        (out, count)
    }

    /// Power of one frequency by Goertzel's recurrence, as a part of all power.
    fn purity(audio: &[i16], rate: SampleRate, hz: f64) -> f64 {
        let coefficient = 2.0 * (std::f64::consts::TAU * hz / f64::from(rate.hz())).cos();
        let (mut s1, mut s2, mut power) = (0.0, 0.0, 0.0);
        for &sample in audio {
            let s0 = f64::from(sample) + coefficient * s1 - s2;
            (s2, s1) = (s1, s0);
            power += f64::from(sample).powi(2);
        }
        2.0 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2) / (power * audio.len() as f64)
    }

    /// The largest change of the step from one sample to the next.
    fn roughest(audio: &[i16]) -> i32 {
        let second = |triple: &[i16]| (i32::from(triple[0]) - 2 * i32::from(triple[1]) + i32::from(triple[2])).abs();
        audio.windows(3).map(second).max().unwrap_or(0)
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_changes_its_length_by_exactly_what_is_said() {
        for rate in RATES {
            for hz in [100.0, 220.0, 440.0, 1_000.0, 2_750.0] {
                let sent = tones(rate, 1.2, &[(hz, 8_000.0)]);
                let (fast, removed) = changed(rate, &sent, Urgency::Calm, true);
                assert_eq!(fast.len() + removed, sent.len());
                let (slow, inserted) = changed(rate, &sent, Urgency::Calm, false);
                assert_eq!(slow.len(), sent.len() + inserted);
                for (out, count) in [(&fast, removed), (&slow, inserted)] {
                    assert!(count * 8 > sent.len(), "{hz} Hz at {rate}: only {count} of {}", sent.len());
                    // Looked at in pieces of 100 ms, so that it is the pitch that counts and not the phase.
                    let worst = out.chunks_exact(rate.hz() as usize / 10).map(|piece| purity(piece, rate, hz)).fold(1.0, f64::min);
                    assert!(worst > 0.9, "{hz} Hz at {rate}: {worst}");
                }
            }
        }
    }

    #[test]
    fn a_voice_changes_its_length_without_a_click() {
        for rate in RATES {
            // Glottal harmonics that fall off, gliding by a quarter of an octave a second.
            let hz = f64::from(rate.hz());
            let voice: Vec<i16> = (0..rate.hz() as usize * 2)
                .map(|n| {
                    let time = n as f64 / hz;
                    let phase = std::f64::consts::TAU * 120.0 * (time + 0.09 * time * time);
                    (1..=12).map(|k| 4_000.0 / f64::from(k) * (f64::from(k) * phase).sin()).sum::<f64>().round() as i16
                })
                .collect();
            for faster in [true, false] {
                let (out, count) = changed(rate, &voice, Urgency::Calm, faster);
                assert!(count * 6 > voice.len(), "{rate}: only {count} of {}", voice.len());
                let (before, after) = (roughest(&voice), roughest(&out));
                assert!(after <= before * 5 / 4 + 2, "{rate}: {before} became {after}");
            }
        }
    }

    #[test]
    fn silence_and_line_noise_are_cut_freely() {
        for peak in [0, 18, 100] {
            let hush = noise(8_000, peak);
            let (fast, removed) = changed(SampleRate::HZ_8000, &hush, Urgency::Calm, true);
            assert!(removed > 5_000, "peak {peak}: {removed}");
            let (slow, inserted) = changed(SampleRate::HZ_8000, &hush, Urgency::Calm, false);
            assert!(inserted > 5_000, "peak {peak}: {inserted}");
            assert!(fast.iter().chain(&slow).all(|sample| i32::from(*sample).abs() <= peak));
        }
    }

    #[test]
    fn noise_of_a_line_that_was_heard_before_is_quiet_and_the_same_noise_as_a_sound_is_not() {
        let mut scale = TimeScale::new(SampleRate::HZ_8000);
        let hiss = noise(240, 250);
        assert_eq!(scale.accelerate(&hiss, 240, Urgency::Calm, &mut Vec::new()), 0, "it could be an s");
        noise(80_000, 250).chunks(160).for_each(|frame| scale.listen(frame));
        assert_eq!(scale.accelerate(&hiss, 240, Urgency::Calm, &mut Vec::new()), 200);
    }

    #[test]
    fn never_more_is_changed_than_was_asked() {
        let mut scale = TimeScale::new(SampleRate::HZ_8000);
        let voiced = tones(SampleRate::HZ_8000, 0.03, &[(200.0, 5_000.0)]);
        for (audio, most, expected) in [(&voiced, 19, 0), (&voiced, 41, 40), (&voiced, 0, 0), (&vec![0; 240], 7, 7), (&vec![0; 240], 0, 0)]
        {
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            assert_eq!(scale.accelerate(audio, most, Urgency::Calm, &mut fast), expected, "{most}");
            assert_eq!(scale.stretch(audio, most, Urgency::Calm, &mut slow), expected, "{most}");
            assert_eq!((fast.len(), slow.len()), (240 - expected, 240 + expected));
        }
    }

    #[test]
    fn an_onset_passes_untouched_unless_it_is_forced() {
        let mut scale = TimeScale::new(SampleRate::HZ_8000);
        let mut onset = vec![0; 120];
        onset.extend(noise(120, 12_000));
        let mut out = Vec::new();
        for urgency in [Urgency::Calm, Urgency::Pressing] {
            out.clear();
            assert_eq!((scale.accelerate(&onset, 240, urgency, &mut out), &out), (0, &onset));
        }
        out.clear();
        let removed = scale.accelerate(&onset, 240, Urgency::Forced, &mut out);
        assert!(removed >= 20 && out.len() == 240 - removed);
    }

    #[test]
    fn too_little_audio_passes_as_it_is_and_much_is_changed_many_times() {
        let mut scale = TimeScale::new(SampleRate::HZ_8000);
        let voiced = tones(SampleRate::HZ_8000, 0.3, &[(100.0, 5_000.0)]);
        let mut out = Vec::new();
        assert_eq!((scale.stretch(&voiced[..239], 240, Urgency::Forced, &mut out), &out[..]), (0, &voiced[..239]));
        out.clear();
        let inserted = scale.stretch(&voiced, usize::MAX, Urgency::Calm, &mut out);
        assert!(inserted >= 8 * 80 && out.len() == voiced.len() + inserted, "{inserted}");
    }

    #[test]
    fn audio_that_was_passed_on_before_is_looked_at_and_not_passed_on_again() {
        let mut scale = TimeScale::new(SampleRate::HZ_8000);
        for (audio, urgency) in [
            (tones(SampleRate::HZ_8000, 0.03, &[(200.0, 5_000.0)]), Urgency::Calm),
            (vec![3; 240], Urgency::Calm),
            (noise(240, 5_000), Urgency::Calm),
        ] {
            for passed in [0, 50, 120] {
                let (mut whole, mut rest) = (Vec::new(), vec![-1]);
                let inserted = scale.stretch(&audio, 200, urgency, &mut whole);
                assert_eq!(scale.stretch_behind(passed, &audio, 200, urgency, &mut rest), inserted);
                assert_eq!((&whole[..passed], rest[0], &rest[1..]), (&audio[..passed], -1, &whole[passed..]));
            }
        }
    }

    #[test]
    fn a_constant_offset_is_no_likeness() {
        let mut scale = TimeScale::new(SampleRate::HZ_8000);
        let hiss: Vec<i16> = noise(240, 2_000).into_iter().map(|sample| sample + 10_000).collect();
        assert_eq!(scale.accelerate(&hiss, 240, Urgency::Pressing, &mut Vec::new()), 0);
    }
}
