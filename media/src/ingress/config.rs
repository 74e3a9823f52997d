//! What an ingress pipeline is told: what was negotiated, and what the agent takes.

use std::time::Duration;

use crate::codec::Codec;
use crate::enhancement::{Enhancement, Suppression};
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
    /// The longest that a missing packet is waited for; the wait adapts between 20 ms and this. 160 ms by default.
    pub gap_wait_max: Duration,
    /// What the agent hears while the sender is silent.
    pub silence: Silence,
    /// Whether a decoded side copy is wanted (voice activity, recording, listeners).
    pub tap: bool,
    /// What is made of the audio before the agent hears it. For echo cancellation what is sent must be told
    /// ([`crate::ingress::Ingress::handle_sent`]).
    pub enhancement: Enhancement,
}

/// What is heard of a line on which the sender transmits nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Silence {
    /// Nothing at all. A model gains nothing from noise, and the end of a turn is nowhere clearer.
    #[default]
    Digital,
    /// Noise as the sender describes it (RFC 3389), or else as loud as its own background was: for detectors of speech
    /// that follow the background, and take the end of a dead silence for a word.
    Noise,
}

impl IngressConfig {
    /// The default of [`Self::gap_wait_max`].
    pub const GAP_WAIT_MAX: Duration = Duration::from_millis(160);

    /// The defaults, without a tap.
    #[must_use]
    pub const fn new(codec: Codec, payload_types: PayloadTypes, output: AudioFormat) -> Self {
        let enhancement = Enhancement { echo_cancellation: false, noise_suppression: Suppression::Off };
        Self { codec, payload_types, output, gap_wait_max: Self::GAP_WAIT_MAX, silence: Silence::Digital, tap: false, enhancement }
    }
}
