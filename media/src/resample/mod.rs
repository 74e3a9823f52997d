//! Sample-rate conversion in chunks of 10 ms.
//!
//! Rubato's FFT resampler with one block a chunk: 5 ms of constant delay, flat to 3.4 kHz, aliases below a 16-bit step.
//! What goes in comes out untrimmed: the first 5 ms out are the filter's lead-in, and as many samples leave as
//! whole chunks came in, so a 20 ms frame always yields a 20 ms frame. It takes both clocks to be one (the timeline of
//! a call is RTP's, on both sides); what follows a drifting clock is [`Adaptive`].

mod adaptive;

use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _, ResamplerConstructionError, WindowFunction};

use crate::units::SampleRate;

pub use adaptive::Adaptive;

/// No resampler can be built between two rates.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// The conversion library refuses the pair.
    #[error("cannot resample from {from} to {to}")]
    Unsupported {
        /// The rate of the input.
        from: SampleRate,
        /// The rate of the output.
        to: SampleRate,
        /// Why.
        source: ResamplerConstructionError,
    },
}

/// Converts one mono stream of linear samples from one rate to another.
pub struct Resampler {
    fft: Fft<f32>,
    to: SampleRate,
    /// The part of a chunk that waits for the rest of it.
    pending: Vec<f32>,
    chunk: usize,
    converted: Vec<f32>,
}

impl Resampler {
    /// A resampler between two rates. Allocates all it will ever need.
    ///
    /// # Errors
    /// When the library cannot convert between the two.
    pub fn new(from: SampleRate, to: SampleRate) -> Result<Self, ResampleError> {
        let chunk = from.samples(CHUNK) as usize;
        let (rate_in, rate_out) = (from.hz() as usize, to.hz() as usize);
        let fft = Fft::new_custom(rate_in, rate_out, chunk, 1, 1, WINDOW, FixedSync::Both)
            .map_err(|source| ResampleError::Unsupported { from, to, source })?;
        let (chunk, converted) = (fft.input_frames_next(), fft.output_frames_next());
        Ok(Self { fft, to, pending: Vec::with_capacity(chunk), chunk, converted: vec![0.0; converted] })
    }

    /// Takes `samples` in and appends to `out` what whole chunks they complete. Allocates nothing of its own.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (next, later) = rest.split_at(rest.len().min(self.chunk - self.pending.len()));
            self.pending.extend(next.iter().map(|&sample| f32::from(sample) / FULL_SCALE));
            if self.pending.len() == self.chunk {
                self.convert(out);
            }
            rest = later;
        }
    }

    /// Feeds silence until `samples` more have come out, appends exactly these, and begins anew.
    pub fn finish(&mut self, samples: usize, out: &mut Vec<i16>) {
        let end = out.len() + samples;
        while out.len() < end {
            self.pending.resize(self.chunk, 0.0);
            self.convert(out);
        }
        out.truncate(end);
        self.reset();
    }

    /// Forgets all that went in.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.fft.reset();
    }

    /// Samples by which the output runs behind the input, at the output's rate.
    #[must_use]
    pub fn delay(&self) -> usize {
        self.fft.output_delay()
    }

    /// Samples of the output that what waits for a whole chunk will become.
    #[must_use]
    pub const fn owed(&self) -> usize {
        self.pending.len() * self.converted.len() / self.chunk
    }

    /// The rate of the output.
    #[must_use]
    pub const fn output_rate(&self) -> SampleRate {
        self.to
    }

    fn convert(&mut self, out: &mut Vec<i16>) {
        let (from, to) = (self.chunk, self.converted.len());
        let done = InterleavedSlice::new(&self.pending, 1, from).ok().and_then(|input| {
            let mut output = InterleavedSlice::new_mut(&mut self.converted, 1, to).ok()?;
            self.fft.process_into_buffer(&input, &mut output, None).ok()
        });
        debug_assert_eq!(done, Some((from, to)), "both buffers have the size the resampler asked for");
        out.extend(self.converted.iter().map(|&sample| to_i16(sample)));
        self.pending.clear();
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").field("to", &self.to).field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

/// Rounds to the nearest; what is beyond full scale clips (a float cast saturates).
fn to_i16(sample: f32) -> i16 {
    let scaled = sample * FULL_SCALE;
    (scaled + 0.5_f32.copysign(scaled)) as i16
}

/// With blocks this short the library's default window, Blackman-Harris squared, takes 10 dB off 3.4 kHz on each way;
/// Blackman takes nothing, and what it lets alias stays below half a step of 16 bits.
const WINDOW: WindowFunction = WindowFunction::Blackman;
/// One block of the resampler: half of it is the delay.
const CHUNK: Duration = Duration::from_millis(10);
const FULL_SCALE: f32 = 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rms_dbfs;

    const RATES: [SampleRate; 3] = [SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000];

    fn tone(hz: f64, rate: SampleRate, millis: u64) -> Vec<i16> {
        let step = hz * std::f64::consts::TAU / f64::from(rate.hz());
        (0..rate.samples(Duration::from_millis(millis))).map(|n| (10_000.0 * (n as f64 * step).sin()).round() as i16).collect()
    }

    fn convert(from: SampleRate, to: SampleRate, samples: &[i16]) -> Vec<i16> {
        let mut out = Vec::new();
        Resampler::new(from, to).unwrap().push(samples, &mut out);
        out
    }

    #[test]
    fn a_frame_of_twenty_milliseconds_yields_a_frame_of_twenty_milliseconds() {
        for rate in RATES {
            let mut resampler = Resampler::new(SampleRate::HZ_8000, rate).unwrap();
            for _ in 0..5 {
                let mut out = Vec::new();
                resampler.push(&[100; 160], &mut out);
                assert_eq!(out.len() as u64, rate.samples(Duration::from_millis(20)), "{rate}");
            }
        }
    }

    #[test]
    fn a_tone_comes_through_there_and_back_within_a_fifth_of_a_decibel() {
        for rate in RATES {
            for hz in [300.0, 440.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
                let sent = tone(hz, SampleRate::HZ_8000, 1_000);
                let back = convert(rate, SampleRate::HZ_8000, &convert(SampleRate::HZ_8000, rate, &sent));
                let change = rms_dbfs(&back[400..]) - rms_dbfs(&sent[400..]);
                assert!(change.abs() < 0.2, "{hz} Hz by way of {rate} changes by {change} dB");
            }
        }
    }

    #[test]
    fn what_eight_kilohertz_cannot_carry_is_gone() {
        for hz in [4_200.0, 4_600.0, 5_000.0, 7_000.0, 9_000.0, 11_000.0] {
            let out = convert(SampleRate::HZ_24000, SampleRate::HZ_8000, &tone(hz, SampleRate::HZ_24000, 500));
            let alias = rms_dbfs(&out[400..3_600]);
            assert!(alias < -90.0, "{hz} Hz leaves {alias} dBFS");
        }
    }

    #[test]
    fn the_delay_is_five_milliseconds_to_the_sample() {
        for rate in RATES {
            let mut click = vec![0_i16; 480];
            click[160] = 20_000;
            let out = convert(SampleRate::HZ_8000, rate, &click);
            let peak = out.iter().enumerate().max_by_key(|(_, sample)| **sample).unwrap().0 as u64;
            let delay = Resampler::new(SampleRate::HZ_8000, rate).unwrap().delay() as u64;
            assert_eq!(delay, rate.samples(Duration::from_millis(5)));
            assert_eq!(peak, rate.samples(Duration::from_millis(20)) + delay, "{rate}");
        }
    }

    #[test]
    fn odd_lengths_are_kept_until_a_chunk_is_whole() {
        let sent = tone(700.0, SampleRate::HZ_8000, 300);
        let mut resampler = Resampler::new(SampleRate::HZ_8000, SampleRate::HZ_24000).unwrap();
        let mut pieces = Vec::new();
        sent.chunks(37).for_each(|piece| resampler.push(piece, &mut pieces));
        assert_eq!(pieces, convert(SampleRate::HZ_8000, SampleRate::HZ_24000, &sent));
    }

    #[test]
    fn finishing_gives_the_tail_and_begins_anew() {
        let mut resampler = Resampler::new(SampleRate::HZ_24000, SampleRate::HZ_8000).unwrap();
        let mut first = Vec::new();
        resampler.push(&tone(500.0, SampleRate::HZ_24000, 25), &mut first);
        resampler.finish(200 + 40 - first.len(), &mut first);
        assert_eq!(first.len(), 240);
        let mut second = Vec::new();
        resampler.push(&tone(500.0, SampleRate::HZ_24000, 25), &mut second);
        assert_eq!(second, first[..160]);
    }
}
