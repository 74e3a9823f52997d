//! What an egress pipeline counts.

use std::time::Duration;

/// Counters since the start; samples are of the leg's sample rate at their time unless said otherwise.
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
    /// Agent-side samples dropped because the queue was full.
    pub dropped_samples: u64,
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
