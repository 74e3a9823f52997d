//! What an egress pipeline counts.

/// Counters since the start; samples are of the leg's sample rate at their time unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EgressStats {
    /// Packets made.
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
    /// Slots without a packet because the codec had nothing to send.
    pub suppressed_slots: u64,
    /// Frames that the codec refused; their slots are suppressed. Not one is expected.
    pub unencodable: u64,
    /// Slots that passed without a packet because nobody called in time.
    pub skipped_slots: u64,
    /// Events and marks not told because nobody polled, or too many waited.
    pub untold: u64,
}
