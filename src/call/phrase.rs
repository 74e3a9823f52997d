//! Something that the gateway itself says to a caller, from a recording.

use std::time::Duration;

use media::resample::Resampler;
use media::units::SampleRate;

/// Linear samples at 8 kHz.
#[derive(Debug)]
pub struct Phrase {
    samples: Vec<i16>,
}

impl Phrase {
    /// A recording at 8 kHz; of one that is longer than [`Self::LONGEST`] the beginning.
    #[must_use]
    pub fn new(mut samples: Vec<i16>) -> Self {
        let longest = SampleRate::HZ_8000.samples(Self::LONGEST);
        samples.truncate(usize::try_from(longest).unwrap_or(usize::MAX));
        Self { samples }
    }

    /// As much as a caller should have to listen to while somebody may be there already.
    pub const LONGEST: Duration = Duration::from_secs(8);

    /// The samples at the rate of a line.
    pub(super) fn at(&self, rate: SampleRate) -> Vec<i16> {
        if rate == SampleRate::HZ_8000 {
            return self.samples.clone();
        }
        let mut out = Vec::new();
        let mut resampler = Resampler::new(SampleRate::HZ_8000, rate);
        resampler.push(&self.samples, &mut out);
        resampler.finish(resampler.delay() + resampler.owed(), &mut out);
        out
    }
}
