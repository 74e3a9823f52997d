//! What an egress pipeline is made from.

use std::time::Duration;

use crate::codec::{Codec, OpusSettings};
use crate::egress::SilencePolicy;
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
    /// The most that is gathered of an agent whose audio comes late, before it is played; 200 ms by default, at most 1 s.
    pub prebuffer: Duration,
    /// Whether live audio is kept short in the queue by changes of its speed; it is by default.
    pub catch_up: bool,
    /// What is sent while the agent says nothing; all of it by default.
    pub silence: SilencePolicy,
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
    /// How Opus is to be encoded, where the codec is Opus; whether it leaves silence out is for [`SilencePolicy`] to say.
    pub opus: OpusSettings,
}

impl EgressConfig {
    /// All but what was negotiated at its default.
    #[must_use]
    pub const fn new(codec: EgressCodec, input: AudioFormat, seed: RtpSeed) -> Self {
        let (bound, prebuffer, silence) = (Self::BOUND, Self::PREBUFFER, SilencePolicy::Continuous);
        Self { codec, input, bound, prebuffer, catch_up: true, silence, tap: false, seed }
    }

    /// The default of [`Self::bound`]: a stop signal may stand behind the audio, so the agent is never held back.
    pub const BOUND: Duration = Duration::from_secs(120);
    /// The default of [`Self::prebuffer`]: beyond it a pause in the middle is better than silence before.
    pub const PREBUFFER: Duration = Duration::from_millis(200);
    /// The most that [`Self::prebuffer`] may be.
    pub(super) const MOST_PREBUFFER: Duration = Duration::from_secs(1);
}

impl EgressCodec {
    /// A codec with Opus at its defaults, should it be Opus.
    #[must_use]
    pub fn new(codec: Codec, payload_type: PayloadType, ptime: Duration) -> Self {
        Self { codec, payload_type, ptime, opus: OpusSettings::default() }
    }

    /// With a packet time that the codec has, and with discontinuous transmission where silence is left to it.
    pub(super) fn settled(self, silence: SilencePolicy) -> Self {
        let ptime = self.ptime.clamp(MIN_PTIME, MAX_PTIME);
        let ptime = match self.codec {
            // RFC 6716 §2.1.4: a frame has 10, 20, 40 or 60 ms; with more than one frame a packet nothing is won.
            Codec::Opus => OPUS_PTIMES.into_iter().rfind(|frame| *frame <= ptime).unwrap_or(MIN_PTIME),
            _ => ptime,
        };
        let opus = OpusSettings { dtx: silence == SilencePolicy::Dtx, ..self.opus };
        Self { ptime, opus, ..self }
    }

    /// Ticks of the codec's clock in one packet.
    pub(super) fn ticks(&self) -> u32 {
        self.codec.clock_rate().ticks(self.ptime) as u32
    }
}

const MIN_PTIME: Duration = Duration::from_millis(10);
const MAX_PTIME: Duration = Duration::from_millis(60);
const OPUS_PTIMES: [Duration; 4] = [MIN_PTIME, Duration::from_millis(20), Duration::from_millis(40), MAX_PTIME];
