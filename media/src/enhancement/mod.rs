//! What an agent hears of a caller, made cleaner: without the agent's own echo, with less noise.
//!
//! For agents that decide on turns themselves: what they do not hear they cannot take for the caller. By AEC3 and the
//! noise suppressor of WebRTC, as `sonora-aec3` and `sonora-ns` have them in Rust; the order is WebRTC's too:
//!
//! | # | stage | where | why here |
//! | --- | --- | --- | --- |
//! | 1 | to 16 kHz | `inlet` | the rate that both are made for; speech models hear no more than 8 kHz |
//! | 2 | high pass, 80 Hz | `high_pass` | an adaptive filter takes an offset and hum for echo |
//! | 3 | the noise is measured | `noise` | before the canceller adds comfort noise of its own |
//! | 4 | the echo is taken out, in blocks of 4 ms | `echo` | its filter knows nothing of a gain that changes, as that of stage 5 does |
//! | 5 | the noise is taken down, in frames of 10 ms | `noise` | |
//!
//! What was sent is the reference, sample beside sample ([`crate::echo::Alignment`]), so that neither jitter nor gaps nor
//! silences move it; AEC3 finds the delay of the echo itself, up to 450 ms. The price: 4 ms of delay for the echo, 6 ms for the
//! noise, 5 ms more for each change of rate; memory and CPU stand in the measurements. The canceller of the crate
//! allocates for each block of 4 ms and frees it at once; all else here allocates nothing once it stands. Left out on purpose:
//! what is above 8 kHz, and gain control: agents normalise levels themselves.

mod echo;
mod high_pass;
mod inlet;
mod noise;

use std::time::Duration;

use crate::units::SampleRate;

use echo::{BLOCK, EchoCanceller};
use high_pass::HighPass;
use inlet::Inlet;
use noise::{FRAME, NoiseSuppressor};

/// What is made of a caller's audio; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Enhancement {
    /// The agent's own echo is taken out.
    pub echo_cancellation: bool,
    /// Noise is taken down by so much.
    pub noise_suppression: Suppression,
}

/// By how much noise is taken down at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suppression {
    /// Not at all.
    #[default]
    Off,
    /// 6 dB.
    Low,
    /// 12 dB.
    Moderate,
    /// 18 dB.
    High,
    /// 21 dB.
    VeryHigh,
}

/// Makes one caller's audio cleaner.
#[derive(Debug)]
pub struct Enhancer {
    sent: Inlet,
    came: Inlet,
    high_pass: HighPass,
    /// What came and waits for a whole block, as it is before the canceller.
    waiting: Vec<f32>,
    echo: Option<Box<EchoCanceller>>,
    noise: Option<Box<Denoised>>,
}

/// The suppressor, and what waits for a whole frame of it: as it came, and without its echo.
#[derive(Debug)]
struct Denoised {
    suppressor: NoiseSuppressor,
    came: Vec<f32>,
    cleaned: Vec<f32>,
}

impl Enhancement {
    /// Whether anything is made of the audio.
    #[must_use]
    pub fn is_on(self) -> bool {
        self.echo_cancellation || self.noise_suppression != Suppression::Off
    }
}

impl Enhancer {
    /// The rate of what comes out.
    pub const RATE: SampleRate = SampleRate::HZ_16000;

    /// An enhancer that has heard nothing; none where nothing is wanted.
    #[must_use]
    pub fn new(wanted: Enhancement) -> Option<Self> {
        let noise = NoiseSuppressor::new(wanted.noise_suppression);
        wanted.is_on().then(|| Self {
            sent: Inlet::default(),
            came: Inlet::default(),
            high_pass: HighPass::new(),
            waiting: Vec::with_capacity(ROOM),
            echo: wanted.echo_cancellation.then(|| Box::new(EchoCanceller::new())),
            noise: noise.map(|suppressor| {
                let room = || Vec::with_capacity(ROOM);
                Box::new(Denoised { suppressor, came: room(), cleaned: room() })
            }),
        })
    }

    /// Takes what is sent to the caller, as it goes.
    pub fn push_sent(&mut self, samples: &[i16], rate: SampleRate) {
        if let Some(echo) = &mut self.echo {
            echo.push_sent(self.sent.convert(samples, rate));
        }
    }

    /// Nothing is sent for so long.
    pub fn push_silence(&mut self, length: Duration) {
        let rate = self.sent.rate();
        let mut left = rate.samples(length) as usize;
        while left > 0 {
            let piece = left.min(SILENCE.len());
            self.push_sent(SILENCE.get(..piece).unwrap_or_default(), rate);
            left -= piece;
        }
    }

    /// Takes what came from the caller, as it comes, and appends to `out` what is done, at [`Self::RATE`].
    pub fn push_received(&mut self, samples: &[i16], rate: SampleRate, out: &mut Vec<i16>) {
        let Self { came, high_pass, waiting, echo, noise, .. } = self;
        let samples = came.convert(samples, rate);
        if let Some(echo) = echo {
            echo.received(samples.len(), waiting.len());
        }
        waiting.extend(samples.iter().map(|&sample| high_pass.filter(f32::from(sample))));
        let mut done = 0;
        for block in waiting.as_chunks_mut::<BLOCK>().0 {
            if let Some(noise) = noise {
                noise.came.extend_from_slice(block);
            }
            if let Some(echo) = echo {
                echo.process(block);
            }
            match noise {
                Some(noise) => noise.push(block, out),
                None => out.extend(block.iter().map(|&sample| to_i16(sample))),
            }
            done += BLOCK;
        }
        waiting.drain(..done);
    }

    /// By how much the canceller takes down what comes back of what is sent, as it reckons itself, in dB; `None` without one.
    #[must_use]
    pub fn echo_return_loss_enhancement_db(&self) -> Option<f64> {
        self.echo.as_ref().map(|echo| echo.return_loss_enhancement_db())
    }

    /// Whether it wants to hear what is sent.
    #[must_use]
    pub const fn wants_reference(&self) -> bool {
        self.echo.is_some()
    }
}

impl Denoised {
    fn push(&mut self, block: &[f32], out: &mut Vec<i16>) {
        self.cleaned.extend_from_slice(block);
        while let (Some(came), Some(cleaned)) = (self.came.first_chunk::<FRAME>(), self.cleaned.first_chunk_mut::<FRAME>()) {
            self.suppressor.process(came, cleaned);
            out.extend(cleaned.iter().map(|&sample| to_i16(sample)));
            self.came.drain(..FRAME);
            self.cleaned.drain(..FRAME);
        }
    }
}

/// Rounds to the nearest; what is beyond full scale clips (a float cast saturates).
fn to_i16(sample: f32) -> i16 {
    sample.round() as i16
}

/// 20 ms at 48 kHz.
static SILENCE: [i16; 960] = [0; 960];
/// A packet of 120 ms, and what waited before it.
const ROOM: usize = 2_560;

#[cfg(test)]
mod tests;
