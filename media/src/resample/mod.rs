//! Sample-rate conversion in blocks of 10 ms.
//!
//! Each block is filtered and brought to the other rate in the frequency domain, and overlaps the next by its second
//! half: 5 ms of constant delay, flat to 0.425 of the lower rate, aliases below a 16-bit step. What goes in comes out
//! untrimmed: the first 5 ms out are the filter's lead-in, and as many samples leave as whole blocks came in, so a 20 ms
//! frame always yields a 20 ms frame. The transforms are `realfft`'s; transforms and filter of a pair of rates are made
//! once a process, since their tables are three times the size of a stream's own state. It takes both clocks to be one
//! (the timeline of a call is RTP's, on both sides); what follows a drifting clock is [`Adaptive`].

mod adaptive;
mod plan;
mod workspace;

use std::sync::Arc;

use crate::resample::plan::Plan;
use crate::resample::workspace::Workspace;
use crate::units::SampleRate;

pub use adaptive::{Adaptive, ResampleError};

/// Converts one mono stream of linear samples from one rate to another.
pub struct Resampler {
    plan: Arc<Plan>,
    to: SampleRate,
    /// The part of a block that waits for the rest of it.
    pending: Vec<i16>,
    /// The second half of the newest block's output.
    overlap: Vec<f32>,
}

impl Resampler {
    /// A resampler between two rates. Allocates all that it keeps; the room that a block needs on its way is the
    /// thread's, and grows with the first block of a higher rate.
    #[must_use]
    pub fn new(from: SampleRate, to: SampleRate) -> Self {
        let plan = Plan::between(from, to);
        let (block, made) = (plan.block_in(), plan.block_out());
        Self { plan, to, pending: Vec::with_capacity(block), overlap: vec![0.0; made] }
    }

    /// Takes `samples` in and appends to `out` what whole blocks they complete.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let block = self.plan.block_in();
        let mut rest = samples;
        while !rest.is_empty() {
            let (next, later) = rest.split_at(rest.len().min(block - self.pending.len()));
            rest = later;
            if next.len() == block {
                self.convert(next, out);
                continue;
            }
            self.pending.extend_from_slice(next);
            if self.pending.len() == block {
                self.convert_pending(out);
            }
        }
    }

    /// Feeds silence until `samples` more have come out, appends exactly these, and begins anew.
    pub fn finish(&mut self, samples: usize, out: &mut Vec<i16>) {
        let end = out.len() + samples;
        while out.len() < end {
            self.pending.resize(self.plan.block_in(), 0);
            self.convert_pending(out);
        }
        out.truncate(end);
        self.reset();
    }

    /// Forgets all that went in.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.overlap.fill(0.0);
    }

    /// Samples by which the output runs behind the input, at the output's rate.
    #[must_use]
    pub fn delay(&self) -> usize {
        self.plan.block_out() / 2
    }

    /// Samples of the output that what waits for a whole block will become.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.pending.len() * self.plan.block_out() / self.plan.block_in()
    }

    /// The rate of the output.
    #[must_use]
    pub const fn output_rate(&self) -> SampleRate {
        self.to
    }

    fn convert_pending(&mut self, out: &mut Vec<i16>) {
        let mut pending = std::mem::take(&mut self.pending);
        self.convert(&pending, out);
        pending.clear();
        self.pending = pending;
    }

    fn convert(&mut self, block: &[i16], out: &mut Vec<i16>) {
        Workspace::with(|work| {
            let (first, second) = self.plan.convert(block, work);
            out.extend(first.iter().zip(&self.overlap).map(|(sample, before)| to_i16(sample + before)));
            self.overlap.clear();
            self.overlap.extend_from_slice(second);
        });
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").field("to", &self.to).finish_non_exhaustive()
    }
}

/// Rounds to the nearest; what is beyond full scale clips (a float cast saturates).
fn to_i16(sample: f32) -> i16 {
    (sample + 0.5_f32.copysign(sample)) as i16
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::codec::rms_dbfs;

    const RATES: [SampleRate; 3] = [SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000];

    fn tone(hz: f64, rate: SampleRate, millis: u64) -> Vec<i16> {
        let step = hz * std::f64::consts::TAU / f64::from(rate.hz());
        (0..rate.samples(Duration::from_millis(millis))).map(|n| (10_000.0 * (n as f64 * step).sin()).round() as i16).collect()
    }

    fn convert(from: SampleRate, to: SampleRate, samples: &[i16]) -> Vec<i16> {
        let mut out = Vec::new();
        Resampler::new(from, to).push(samples, &mut out);
        out
    }

    #[test]
    fn a_frame_of_twenty_milliseconds_yields_a_frame_of_twenty_milliseconds() {
        for rate in RATES {
            let mut resampler = Resampler::new(SampleRate::HZ_8000, rate);
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
            let delay = Resampler::new(SampleRate::HZ_8000, rate).delay() as u64;
            assert_eq!(delay, rate.samples(Duration::from_millis(5)));
            assert_eq!(peak, rate.samples(Duration::from_millis(20)) + delay, "{rate}");
        }
    }

    #[test]
    fn odd_lengths_are_kept_until_a_chunk_is_whole() {
        let sent = tone(700.0, SampleRate::HZ_8000, 300);
        let mut resampler = Resampler::new(SampleRate::HZ_8000, SampleRate::HZ_24000);
        let mut pieces = Vec::new();
        sent.chunks(37).for_each(|piece| resampler.push(piece, &mut pieces));
        assert_eq!(pieces, convert(SampleRate::HZ_8000, SampleRate::HZ_24000, &sent));
    }

    #[test]
    fn finishing_gives_the_tail_and_begins_anew() {
        let mut resampler = Resampler::new(SampleRate::HZ_24000, SampleRate::HZ_8000);
        let mut first = Vec::new();
        resampler.push(&tone(500.0, SampleRate::HZ_24000, 25), &mut first);
        resampler.finish(200 + 40 - first.len(), &mut first);
        assert_eq!(first.len(), 240);
        let mut second = Vec::new();
        resampler.push(&tone(500.0, SampleRate::HZ_24000, 25), &mut second);
        assert_eq!(second, first[..160]);
    }
}
