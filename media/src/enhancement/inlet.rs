//! Brings audio of whatever rate to the rate of the enhancer.

use crate::resample::Resampler;
use crate::units::SampleRate;

use super::Enhancer;

/// One line on its way in. Another rate, after a change of codec, begins with another resampler.
#[derive(Debug, Default)]
pub(super) struct Inlet {
    resampler: Option<(SampleRate, Resampler)>,
    converted: Vec<i16>,
}

impl Inlet {
    /// The rate of what came last.
    pub(super) fn rate(&self) -> SampleRate {
        self.resampler.as_ref().map_or(Enhancer::RATE, |(rate, _)| *rate)
    }

    /// `samples` at the enhancer's rate: as many as whole blocks of 10 ms hold.
    pub(super) fn convert<'a>(&'a mut self, samples: &'a [i16], rate: SampleRate) -> &'a [i16] {
        if rate == Enhancer::RATE {
            self.resampler = None;
            return samples;
        }
        let resampler = match &mut self.resampler {
            Some((from, resampler)) if *from == rate => resampler,
            slot => &mut slot.insert((rate, Resampler::new(rate, Enhancer::RATE))).1,
        };
        self.converted.clear();
        resampler.push(samples, &mut self.converted);
        &self.converted
    }
}
