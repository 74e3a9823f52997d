//! What the far end is sent, as samples: for echo control, recording and listeners.

use std::time::Instant;

use crate::units::SampleRate;

/// The samples of one packet as they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceFrame<'a> {
    /// Linear samples; of G.711 those that the far end will decode, of all others those that were encoded.
    pub samples: &'a [i16],
    /// Their rate: the leg's, not the agent's. Another codec may have another.
    pub rate: SampleRate,
    /// Samples from the first slot to this one, at `rate`: where slots had no packet, there is a gap.
    pub position: u64,
    /// When the packet is due: the time at which its first sample is sent.
    pub slot: Instant,
    /// Whose sound is in it.
    pub content: FrameContent,
}

/// Whose sound is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameContent {
    /// The agent's; there may be noise in it too, and there may be very little of the agent.
    Agent,
    /// Something inserted, a key's tone for one; there may be some of the agent too.
    Inserted,
    /// Comfort noise and nothing else.
    Noise,
}
