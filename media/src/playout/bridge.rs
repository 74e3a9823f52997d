//! What is heard where there is no audio: what came last goes on for a moment, then the line's own noise.
//!
//! | from the last audio on | what is heard |
//! | --- | --- |
//! | 0 to 60 ms | concealment, which fades; noise rises below it |
//! | after that | comfort noise as loud as the line's floor, or as the far end says (RFC 3389 §3) |
//!
//! Where the far end says that it falls silent, or a key is kept from being heard, 5 ms take the place of the 60. Audio
//! that comes after it fades in over 5 ms. Left out on purpose: the spectrum of RFC 3389; a line's noise is white
//! enough for the seconds it lasts.

use std::time::Duration;

use crate::codec::Decoder;
use crate::codec::comfort_noise::{ComfortNoise, RMS};
use crate::codec::conceal::{Concealer, Heard};
use crate::codec::fade::{FADE, fade_in, fade_out};
use crate::units::SampleRate;

/// Makes up audio at the decoder's rate.
#[derive(Debug)]
pub(super) struct Bridge {
    concealer: Concealer,
    noise: ComfortNoise,
    /// Loudness of the noise against that of [`ComfortNoise`].
    gain: f32,
    /// Samples made up since the last audio.
    made_up: usize,
    /// The codec itself has made up what goes on.
    by_codec: bool,
    /// Samples over which the last audio goes on, and over how many of these it fades.
    audible: usize,
    fading: usize,
    lengths: Lengths,
    tail: Vec<i16>,
}

/// The lengths above in samples.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    audible: usize,
    fading: usize,
    short: usize,
}

impl Bridge {
    /// One that has heard nothing yet.
    pub(super) fn new(rate: SampleRate, seed: u32) -> Self {
        let samples = |duration| rate.samples(duration) as usize;
        let lengths = Lengths { audible: samples(AUDIBLE), fading: samples(FADING), short: samples(FADE) };
        Self {
            concealer: Concealer::new(None, rate),
            noise: ComfortNoise::new(seed),
            gain: 1.0,
            made_up: lengths.audible,
            by_codec: false,
            audible: lengths.audible,
            fading: lengths.fading,
            lengths,
            tail: Vec::with_capacity(lengths.short),
        }
    }

    /// Takes note of audio that is played next; where something was made up before it, that fades into it.
    pub(super) fn heard(&mut self, audio: &mut [i16]) {
        // A codec that conceals goes on from its own concealment without a seam.
        let seamless = self.made_up == 0 || self.by_codec && self.made_up < self.audible;
        if !seamless {
            let overlap = audio.len().min(self.lengths.short);
            let mut tail = std::mem::take(&mut self.tail);
            tail.clear();
            self.fill(overlap, &mut tail);
            for (n, (sample, before)) in audio.iter_mut().zip(&tail).enumerate() {
                *sample = fade_in(*sample, n, overlap).saturating_add(fade_out(*before, n, overlap));
            }
            self.tail = tail;
        }
        self.concealer.heard(Heard::Samples(audio));
        (self.made_up, self.by_codec) = (0, false);
        (self.audible, self.fading) = (self.lengths.audible, self.lengths.fading);
    }

    /// Appends `samples` that are made up. What the codec recovers from `next`, the payload behind the gap, is as good as
    /// audio.
    pub(super) fn make_up(&mut self, decoder: &mut Decoder, next: Option<&[u8]>, samples: usize, out: &mut Vec<i16>) {
        let start = out.len();
        if next.is_some() && decoder.conceal(samples, next, out) {
            self.by_codec = true;
            self.made_up = self.made_up.clamp(1, self.audible.saturating_sub(1));
            return;
        }
        self.by_codec = self.made_up < self.audible && decoder.conceal(samples, None, out);
        if self.by_codec {
            out.resize(start + samples, 0);
            self.shape(out.get_mut(start..).unwrap_or_default());
        } else {
            self.fill(samples, out);
        }
    }

    /// Appends `samples` that are made up without the codec.
    pub(super) fn fill(&mut self, samples: usize, out: &mut Vec<i16>) {
        let start = out.len();
        if self.made_up < self.audible {
            self.concealer.fill(samples, out);
        }
        out.resize(start + samples, 0);
        self.shape(out.get_mut(start..).unwrap_or_default());
    }

    /// The last audio shall go on no longer: 5 ms and it is gone.
    pub(super) fn hush(&mut self) {
        if self.made_up + self.lengths.short < self.audible {
            (self.audible, self.fading) = (self.made_up + self.lengths.short, self.lengths.short);
        }
    }

    /// What plays next does not continue what came last, and shall not click either.
    pub(super) fn cut(&mut self) {
        (self.made_up, self.by_codec) = (self.made_up.max(1), false);
    }

    /// How loud the noise is, as a root mean square; brought within −70 and −40 dBov.
    pub(super) fn set_noise(&mut self, rms: f32) {
        self.gain = rms.clamp(QUIETEST, LOUDEST) / RMS;
    }

    /// The far end says that it is silent, with noise of so many −dBov where it says so.
    pub(super) fn silence(&mut self, level: Option<u8>) {
        self.hush();
        if let Some(level) = level {
            self.set_noise(32_768.0 * 10_f32.powf(f32::from(level) / -20.0));
        }
    }

    /// Whether audio is heard, and nothing was made up since.
    pub(super) const fn is_audio(&self) -> bool {
        self.made_up == 0
    }

    /// Whether what came last cannot be heard any more.
    pub(super) const fn is_faded(&self) -> bool {
        self.made_up >= self.audible
    }

    /// Fades concealment out and noise in, as far as the gap has come.
    fn shape(&mut self, made_up: &mut [i16]) {
        for (n, sample) in (self.made_up..).zip(&mut *made_up) {
            let left = self.audible.saturating_sub(n);
            if left < self.fading {
                *sample = fade_out(*sample, self.fading - left, self.fading);
            }
            let rising = n.min(self.audible) as f32 / self.audible.max(1) as f32;
            let noise = f32::from(self.noise.next_sample()) * self.gain * rising;
            *sample = sample.saturating_add(noise.round() as i16);
        }
        self.made_up = self.made_up.saturating_add(made_up.len());
    }
}

/// How long what came last goes on.
const AUDIBLE: Duration = Duration::from_millis(60);
/// How long it fades at the end of that, where the concealment does not do so by itself.
const FADING: Duration = Duration::from_millis(20);
/// −70 dBov, which every line may have.
const QUIETEST: f32 = 10.4;
/// −40 dBov, which no comfort has.
const LOUDEST: f32 = 328.0;
