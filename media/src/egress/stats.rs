//! What an egress pipeline counts.

use std::time::Duration;

use crate::pacer::ledger::converted;
use crate::units::SampleRate;

/// Counters since the start; samples are of the leg's sample rate now, into which those of former codecs are converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EgressStats {
    /// Packets of audio made.
    pub packets: u64,
    /// Samples of the agent's audio in frames.
    pub audio_samples: u64,
    /// Samples in frames that are ours: comfort noise, and the fade where audio broke off.
    pub noise_samples: u64,
    /// Samples inserted in the place of the agent's.
    pub inserted_samples: u64,
    /// Samples dropped by flushes.
    pub flushed_samples: u64,
    /// The agent's audio dropped because the queue was full.
    pub dropped: Duration,
    /// Pushes refused because their item was flushed.
    pub refused_flushed: u64,
    /// Pushes refused for any other reason but a full queue.
    pub refused: u64,
    /// Episodes of a full queue.
    pub full: u64,
    /// Episodes in which audio did not come fast enough.
    pub underruns: u64,
    /// Slots without audio because silence was left out. A description of it may have been sent.
    pub suppressed_slots: u64,
    /// Packets that describe silence.
    pub described: u64,
    /// Samples of live audio that were left out to catch up.
    pub squeezed_samples: u64,
    /// Samples of live audio that were heard twice because the agent's clock is slow.
    pub stretched_samples: u64,
    /// Frames of silence that were left out of live audio which passes untouched.
    pub skipped_frames: u64,
    /// Frames of silence that were put into it.
    pub repeated_frames: u64,
    /// Samples of live audio that an outage had made too late to be heard.
    pub overtaken_samples: u64,
    /// How much of this agent's audio is gathered before it is played.
    pub prebuffer: Duration,
    /// Frames that the codec refused; their slots are suppressed. Not one is expected.
    pub unencodable: u64,
    /// Slots that passed without a packet because nobody called in time.
    pub skipped_slots: u64,
    /// Events and marks not told because nobody polled, or too many waited.
    pub untold: u64,
}

impl EgressStats {
    /// The leg has another sample rate from now on.
    pub(crate) fn rescale(&mut self, from: SampleRate, to: SampleRate) {
        let samples = [
            &mut self.audio_samples,
            &mut self.noise_samples,
            &mut self.inserted_samples,
            &mut self.flushed_samples,
            &mut self.squeezed_samples,
            &mut self.stretched_samples,
            &mut self.overtaken_samples,
        ];
        for count in samples {
            *count = converted(*count, from, to);
        }
    }
}
