//! The power of a signal in bands, every 8 ms.
//!
//! Twelve bands from 200 to 3,600 Hz, about as wide as the ear's, of a 16 ms window: coarse enough to be alike for a
//! sound and its echo after two codecs and a room, fine enough to tell two voices apart.

use std::sync::Arc;
use std::time::Duration;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::units::SampleRate;

/// The powers of one hop; a full-scale sine stands at 0.5 in its band.
pub(super) type Powers = [f32; BANDS];

/// Cuts one stream of samples into hops and measures each.
pub(super) struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// First bin of each band, and the end of the last.
    edges: [usize; BANDS + 1],
    /// The last hop, then what has come of the next.
    samples: Vec<f32>,
    hop: usize,
    frame: Vec<f32>,
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
    scale: f32,
}

impl Spectrum {
    pub(super) fn new(rate: SampleRate) -> Self {
        let hop = rate.samples(HOP) as usize;
        let size = 2 * hop;
        let fft = RealFftPlanner::new().plan_fft_forward(size);
        let window: Vec<f32> = (0..size).map(|n| (std::f32::consts::PI * (n as f32 + 0.5) / size as f32).sin().powi(2)).collect();
        // Parseval: the bins above zero hold half of what the window lets through.
        let scale = 2.0 / (size as f32 * window.iter().map(|weight| weight * weight).sum::<f32>());
        let bin_hz = rate.hz() as f32 / size as f32;
        let edges = EDGES_HZ.map(|hz| (hz / bin_hz).round() as usize);
        let mut samples = Vec::with_capacity(size);
        samples.resize(hop, 0.0);
        let (frame, bins, scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
        Self { fft, window, edges, samples, hop, frame, bins, scratch, scale }
    }

    /// Takes `samples` and tells the powers of each hop that they complete.
    pub(super) fn push(&mut self, samples: &[i16], mut tell: impl FnMut(&Powers)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (next, later) = rest.split_at(rest.len().min(2 * self.hop - self.samples.len()));
            self.samples.extend(next.iter().map(|&sample| f32::from(sample) / FULL_SCALE));
            if self.samples.len() == 2 * self.hop {
                tell(&self.measure());
                self.samples.drain(..self.hop);
            }
            rest = later;
        }
    }

    fn measure(&mut self) -> Powers {
        for ((slot, sample), weight) in self.frame.iter_mut().zip(&self.samples).zip(&self.window) {
            *slot = sample * weight;
        }
        let done = self.fft.process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made by the transform");
        let mut powers = [0.0; BANDS];
        for (power, edge) in powers.iter_mut().zip(self.edges.windows(2)) {
            let &[from, to] = edge else { continue };
            let energy: f32 = self.bins.get(from..to).unwrap_or_default().iter().map(Complex32::norm_sqr).sum();
            *power = energy * self.scale;
        }
        powers
    }
}

pub(super) const BANDS: usize = 12;
/// One hop; the window is two of them.
pub(super) const HOP: Duration = Duration::from_millis(8);
const EDGES_HZ: [f32; BANDS + 1] =
    [200.0, 330.0, 460.0, 600.0, 760.0, 940.0, 1_140.0, 1_380.0, 1_660.0, 2_000.0, 2_420.0, 2_940.0, 3_600.0];
const FULL_SCALE: f32 = 32_768.0;
