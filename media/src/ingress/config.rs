//! What an ingress pipeline is told: what was negotiated, and what the agent takes.

use std::time::Duration;

use crate::codec::Codec;
use crate::frame::AudioFormat;
use crate::rtp::PayloadTypes;

/// What was negotiated, and what the agent takes.
#[derive(Clone, Copy, Debug)]
pub struct IngressConfig {
    /// The codec of the leg.
    pub codec: Codec,
    /// What the payload types that we receive stand for.
    pub payload_types: PayloadTypes,
    /// What the agent takes.
    pub output: AudioFormat,
    /// How long a missing packet is waited for; 40 ms by default.
    pub gap_wait: Duration,
    /// Whether a decoded side copy is wanted (voice activity, recording, listeners).
    pub tap: bool,
}

impl IngressConfig {
    /// The default of [`Self::gap_wait`].
    pub const GAP_WAIT: Duration = Duration::from_millis(40);

    /// The defaults, without a tap.
    #[must_use]
    pub const fn new(codec: Codec, payload_types: PayloadTypes, output: AudioFormat) -> Self {
        Self { codec, payload_types, output, gap_wait: Self::GAP_WAIT, tap: false }
    }
}
