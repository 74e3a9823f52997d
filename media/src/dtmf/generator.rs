//! Keys as tones (ITU-T Q.23), where the far side takes no telephone-events.
//!
//! Each key sounds for exactly its time, its edges shaped within it, so that nothing clicks; the pause behind it is
//! exact too. A hook flash has no sound and is passed over. Left out on purpose: mixing with what is said meanwhile;
//! the tones take its place, as the events of RFC 4733 do.

use std::f64::consts::{PI, TAU};
use std::time::Duration;

use crate::dtmf::cadence::Presses;
use crate::dtmf::tones::{amplitude, tones};
use crate::dtmf::{Cadence, DialError, Digit};
use crate::units::SampleRate;

/// Makes the sound of keys.
#[derive(Debug)]
pub struct Generator {
    rate: SampleRate,
    levels: Levels,
    waiting: Presses,
    current: Option<Press>,
}

/// How loud the two tones are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// The row's tone, in dBm0; −10 by default.
    pub low_dbm0: f32,
    /// The column's tone, in dBm0; −8 by default: lines take more from it.
    pub high_dbm0: f32,
}

impl Default for Levels {
    fn default() -> Self {
        Self { low_dbm0: -10.0, high_dbm0: -8.0 }
    }
}

impl Generator {
    /// A generator with no key to sound. Levels above −3 dBm0 a tone are taken as that: louder ones would clip.
    #[must_use]
    pub fn new(rate: SampleRate, levels: Levels) -> Self {
        Self { rate, levels, waiting: Presses::default(), current: None }
    }

    /// Has `digits` sound after those that wait; at most [`Self::BOUND`] wait.
    ///
    /// # Errors
    /// When that is too many.
    pub fn dial(&mut self, digits: &[Digit], cadence: Cadence) -> Result<(), DialError> {
        self.waiting.dial(digits.iter().copied(), cadence)
    }

    /// Forgets the keys that wait; one that sounds does so to its end.
    pub fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Writes the sound that comes next to the start of `out`, and says how many samples of it: fewer than it holds
    /// when the last key and its pause are over.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        let mut written = 0;
        for sample in out.iter_mut() {
            let Some(next) = self.next_sample() else { break };
            *sample = next;
            written += 1;
        }
        written
    }

    /// Whether every key, and the pause behind the last, has been written.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.current.is_none()
    }

    fn next_sample(&mut self) -> Option<i16> {
        while self.current.is_none() {
            let (digit, cadence) = self.waiting.next()?;
            self.current = Press::new(digit, cadence, self.rate, self.levels);
        }
        let press = self.current.as_mut()?;
        let sample = press.sample();
        if press.place == press.length {
            self.current = None;
        }
        Some(sample)
    }

    /// The most keys that wait.
    pub const BOUND: usize = Presses::BOUND;
}

/// A key that sounds, and the pause behind it.
#[derive(Clone, Copy, Debug)]
struct Press {
    tones: [Tone; 2],
    /// Samples that were written, that sound, and that there are with the pause.
    place: u64,
    tone: u64,
    length: u64,
    /// Samples of an edge.
    edge: u64,
}

#[derive(Clone, Copy, Debug)]
struct Tone {
    /// Radians a sample.
    omega: f64,
    amplitude: f64,
}

impl Press {
    fn new(digit: Digit, cadence: Cadence, rate: SampleRate, levels: Levels) -> Option<Self> {
        let (low, high) = tones(digit)?;
        let tone = |hz: f64, level_dbm0: f32| Tone {
            omega: TAU * hz / f64::from(rate.hz()),
            amplitude: amplitude(level_dbm0.min(LOUDEST).into()),
        };
        Some(Self {
            tones: [tone(low, levels.low_dbm0), tone(high, levels.high_dbm0)],
            place: 0,
            tone: rate.samples(cadence.tone()),
            length: rate.samples(cadence.tone()) + rate.samples(cadence.pause()),
            edge: rate.samples(EDGE),
        })
    }

    fn sample(&mut self) -> i16 {
        let place = self.place;
        self.place += 1;
        if place >= self.tone {
            return 0;
        }
        let sound: f64 = self.tones.iter().map(|tone| tone.amplitude * (tone.omega * place as f64).sin()).sum();
        // From the nearer end of the tone, half a sample into it: both edges are alike.
        let depth = place.min(self.tone - 1 - place) as f64 + 0.5;
        let shape = if depth < self.edge as f64 { 0.5 - 0.5 * (PI * depth / self.edge as f64).cos() } else { 1.0 };
        (sound * shape).round() as i16
    }
}

/// The rise and the fall, within the tone's time; receivers take up to 5 ms (ES 201 235-2 §4.2).
const EDGE: Duration = Duration::from_millis(4);
/// The loudest tone of which two fit into the samples, in dBm0.
const LOUDEST: f32 = -3.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rms_dbfs;

    const MS: Duration = Duration::from_millis(1);

    fn sound(keys: &str, rate: SampleRate, cadence: Cadence) -> Vec<i16> {
        let mut generator = Generator::new(rate, Levels::default());
        generator.dial(&keys.chars().filter_map(Digit::new).collect::<Vec<_>>(), cadence).unwrap();
        let (mut sound, mut piece) = (Vec::new(), [0; 77]);
        loop {
            let written = generator.fill(&mut piece);
            sound.extend_from_slice(&piece[..written]);
            if written < piece.len() {
                assert!(generator.is_idle());
                return sound;
            }
        }
    }

    #[test]
    fn tones_and_pauses_are_exact_at_every_rate() {
        let cadence = Cadence::new(123 * MS, 57 * MS).unwrap();
        for hz in [8_000, 16_000, 24_000, 44_100, 48_000] {
            let rate = SampleRate::new(hz).unwrap();
            let sound = sound("15", rate, cadence);
            let (tone, pause) = (rate.samples(123 * MS) as usize, rate.samples(57 * MS) as usize);
            assert_eq!(sound.len(), 2 * (tone + pause), "{rate}");
            // The last samples of an edge round to silence.
            let heard =
                |part: &[i16]| part.iter().position(|&sample| sample != 0).unwrap()..=part.iter().rposition(|&sample| sample != 0).unwrap();
            let slack = tone / 100;
            assert!(*heard(&sound[..tone]).start() <= slack && *heard(&sound[..tone]).end() >= tone - 1 - slack, "{rate}");
            assert!(sound[tone..tone + pause].iter().all(|&sample| sample == 0), "{rate}");
        }
    }

    #[test]
    fn each_tone_has_its_level() {
        let rate = SampleRate::HZ_8000;
        let sound = sound("D", rate, Cadence::new(1_000 * MS, 40 * MS).unwrap());
        let steady = &sound[400..7_600];
        for (hz, level_dbm0) in [(941.0, -10.0), (1_633.0, -8.0)] {
            let phase = |n: usize| TAU * hz * n as f64 / 8_000.0;
            let sum = |wave: fn(f64) -> f64| steady.iter().enumerate().map(|(n, &sample)| f64::from(sample) * wave(phase(n))).sum::<f64>();
            let peak = 2.0 * sum(f64::sin).hypot(sum(f64::cos)) / steady.len() as f64;
            let got_dbm0 = 20.0 * (peak / 32_768.0).log10() + 3.17;
            assert!((got_dbm0 - level_dbm0).abs() < 0.05, "{hz} Hz: {got_dbm0}");
        }
    }

    #[test]
    fn no_edge_clicks() {
        // What a click sounds like is energy far above the tones: in the difference of samples next to each other.
        let sound = sound("5", SampleRate::HZ_48000, Cadence::new(60 * MS, 40 * MS).unwrap());
        let curve = |part: &[i16]| {
            part.windows(3).map(|three| (i32::from(three[0]) - 2 * i32::from(three[1]) + i32::from(three[2])).abs()).max().unwrap()
        };
        let with_silence = [&[0; 48][..], &sound, &[0; 48][..]].concat();
        assert!(curve(&with_silence) <= curve(&sound[960..1_920]) + 3);
    }

    #[test]
    fn the_loudest_tones_do_not_clip() {
        let mut generator = Generator::new(SampleRate::HZ_8000, Levels { low_dbm0: 3.0, high_dbm0: 3.0 });
        generator.dial(&[Digit::new('5').unwrap()], Cadence::default()).unwrap();
        let mut sound = [0; 1_280];
        assert_eq!(generator.fill(&mut sound), sound.len());
        assert!(sound.iter().all(|sample| sample.abs() < i16::MAX));
        assert!(rms_dbfs(&sound[80..1_200]) > -7.0);
    }

    #[test]
    fn a_flash_has_no_sound_and_no_time() {
        assert!(sound("!", SampleRate::HZ_8000, Cadence::default()).is_empty());
        assert_eq!(sound("1!2", SampleRate::HZ_8000, Cadence::default()).len(), 2 * 8 * 260);
    }

    #[test]
    fn keys_beyond_the_bound_are_refused_whole() {
        let mut generator = Generator::new(SampleRate::HZ_8000, Levels::default());
        let digits = [Digit::new('1').unwrap(); 65];
        assert_eq!(generator.dial(&digits, Cadence::default()), Err(DialError { asked: 65, free: 64 }));
        assert!(generator.is_idle());
    }
}
