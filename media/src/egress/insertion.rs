//! Sounds of ours that take the place of the agent's audio for as long as they last: tones of keys, beeps.
//!
//! The agent's audio waits meanwhile and goes on behind them; nothing of it is lost. They are heard during a pause too.

use std::collections::VecDeque;
use std::time::Duration;

use crate::egress::compose::resized;
use crate::pacer::form::Form;
use crate::units::SampleRate;

/// Linear samples that wait to be inserted, at the leg's sample rate.
#[derive(Debug, Default)]
pub(super) struct Insertion {
    samples: VecDeque<i16>,
}

impl Insertion {
    /// Takes as many samples as there is room for; returns how many.
    pub(super) fn push(&mut self, samples: &[i16], rate: SampleRate) -> usize {
        let room = (rate.samples(BOUND) as usize).saturating_sub(self.samples.len());
        let taken = samples.get(..room).unwrap_or(samples);
        self.samples.extend(taken);
        taken.len()
    }

    /// Moves samples to the end of `frame` until it is `length` long or none waits; returns how many.
    pub(super) fn take<F: Form>(&mut self, form: F, frame: &mut Vec<F::Unit>, length: usize) -> usize {
        let count = self.samples.len().min(length - frame.len());
        frame.extend(self.samples.drain(..count).map(|sample| form.unit(sample)));
        count
    }

    /// The leg's rate has changed.
    pub(super) fn convert(&mut self, from: SampleRate, to: SampleRate) {
        let count = self.samples.len() * to.hz() as usize / from.hz() as usize;
        let converted = resized(self.samples.make_contiguous(), count).collect();
        self.samples = converted;
    }

    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

/// What may wait to be inserted: some sixty keys. What is beyond it is refused.
const BOUND: Duration = Duration::from_secs(20);
