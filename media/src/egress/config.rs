//! What an egress pipeline is made from.

use std::time::Duration;

use crate::codec::{Codec, OpusSettings};
use crate::frame::AudioFormat;
use crate::rtp::RtpSeed;
use crate::units::PayloadType;

/// What was negotiated, and what the agent sends. [`Self::new`] has the defaults.
#[derive(Clone, Copy, Debug)]
pub struct EgressConfig {
    /// The codec of the leg, and its packets.
    pub codec: EgressCodec,
    /// What the agent sends.
    pub input: AudioFormat,
    /// The most audio that may wait; 120 s by default.
    pub bound: Duration,
    /// Whether frames are wanted as they are sent; not by default.
    pub tap: bool,
    /// Where the stream begins. The noise follows from it as well.
    pub seed: RtpSeed,
}

/// A codec as it was negotiated for what we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressCodec {
    /// Which.
    pub codec: Codec,
    /// The payload type that carries it.
    pub payload_type: PayloadType,
    /// Time in one packet; brought within 10 to 60 ms, and for Opus to a length of its frames.
    pub ptime: Duration,
    /// How Opus is to be encoded, where the codec is Opus.
    pub opus: OpusSettings,
}

impl EgressConfig {
    /// All but what was negotiated at its default.
    #[must_use]
    pub const fn new(codec: EgressCodec, input: AudioFormat, seed: RtpSeed) -> Self {
        Self { codec, input, bound: Self::BOUND, tap: false, seed }
    }

    /// The default of [`Self::bound`]: a stop signal may stand behind the audio, so the agent is never held back.
    pub const BOUND: Duration = Duration::from_secs(120);
}

impl EgressCodec {
    /// A codec with Opus at its defaults, should it be Opus.
    #[must_use]
    pub fn new(codec: Codec, payload_type: PayloadType, ptime: Duration) -> Self {
        Self { codec, payload_type, ptime, opus: OpusSettings::default() }
    }

    /// With a packet time that the codec has.
    pub(super) fn settled(self) -> Self {
        let ptime = self.ptime.clamp(MIN_PTIME, MAX_PTIME);
        let ptime = match self.codec {
            // RFC 6716 §2.1.4: a frame has 10, 20, 40 or 60 ms; with more than one frame a packet nothing is won.
            Codec::Opus => OPUS_PTIMES.into_iter().rfind(|frame| *frame <= ptime).unwrap_or(MIN_PTIME),
            _ => ptime,
        };
        Self { ptime, ..self }
    }

    /// Ticks of the codec's clock in one packet.
    pub(super) fn ticks(&self) -> u32 {
        self.codec.clock_rate().ticks(self.ptime) as u32
    }
}

const MIN_PTIME: Duration = Duration::from_millis(10);
const MAX_PTIME: Duration = Duration::from_millis(60);
const OPUS_PTIMES: [Duration; 4] = [MIN_PTIME, Duration::from_millis(20), Duration::from_millis(40), MAX_PTIME];
