//! What we offer and take.

use std::net::SocketAddr;
use std::time::Duration;

use crate::codec::Codec;
use crate::sdp::{Direction, MediaDescription, OpusParameters, RemoteRule, RtpMap};
use crate::srtp::KeySeed;
use crate::units::{ClockRate, PayloadType};

/// Which audio is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecPolicy {
    /// In the order in which an offer of ours lists them.
    pub codecs: Vec<Codec>,
    /// Whose order an answer of ours follows.
    pub order: CodecOrder,
    /// Whether telephone-event (RFC 4733) is offered and taken.
    pub telephone_event: bool,
    /// Whether comfort noise (RFC 3389) is offered and taken, beside codecs of its clock rate.
    pub comfort_noise: bool,
    /// Audio in a packet where the peer does not say; 10 to 60 ms in steps of 10, 20 ms as a rule.
    pub ptime: Duration,
    /// Audio in a packet of either side at most; 10 to 60 ms in steps of 10.
    pub max_ptime: Duration,
    /// What we tell of our Opus.
    pub opus: OpusParameters,
}

/// Whose order of codecs decides in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CodecOrder {
    /// The offer's: the offerer put its preference first (RFC 3264 §5.1).
    #[default]
    Offer,
    /// Our policy's.
    Own,
}

/// Where media comes and goes, and how it is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportPolicy {
    /// Our address and port of RTP, as the peer shall see it; RTCP is at the next port, or shares this one.
    pub rtp: SocketAddr,
    /// The number of our session, the same for the whole dialog (RFC 8866 §5.2).
    pub session_id: u64,
    /// The version of our first description; `reanswer` and `reoffer` count on from there (RFC 3264 §8).
    pub session_version: u64,
    /// Which addresses of the peer media is sent to.
    pub remote: RemoteRule,
    /// What we want to do; both, unless we hold.
    pub direction: Direction,
    /// Whether media is protected.
    pub srtp: SrtpPolicy,
}

/// Whether media is protected, by keys in the description (RFC 4568). A seed serves one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SrtpPolicy {
    /// Never: RTP/SAVP is refused.
    #[default]
    Off,
    /// Where the peer does so too. Offered as RTP/AVP with crypto lines (RFC 8643), which peers without SRTP take as
    /// plain RTP; a second m-line would make some of them refuse the call.
    Optional(KeySeed),
    /// Always: what comes without is refused.
    Required(KeySeed),
}

impl CodecPolicy {
    /// These codecs in 20 ms packets with telephone-events; the offer's order decides.
    #[must_use]
    pub const fn new(codecs: Vec<Codec>) -> Self {
        Self {
            codecs,
            order: CodecOrder::Offer,
            telephone_event: true,
            comfort_noise: false,
            ptime: Duration::from_millis(20),
            max_ptime: Duration::from_millis(60),
            opus: OpusParameters::OURS,
        }
    }

    /// The same where silence may be left out, or may not: comfort noise, and `usedtx` of Opus.
    #[must_use]
    pub const fn leaving_out_silence(mut self, may: bool) -> Self {
        (self.comfort_noise, self.opus.dtx) = (may, may);
        self
    }

    /// The codec that a payload type of `media` stands for, if it is one of ours.
    pub(super) fn codec(&self, media: &MediaDescription, payload_type: PayloadType) -> Option<Codec> {
        let matches = |codec: &Codec| match media.rtpmap(payload_type) {
            Some(map) => is_codec(map, *codec),
            None => codec.static_payload_type() == Some(payload_type),
        };
        self.codecs.iter().copied().find(matches)
    }

    /// The payload type of `codec` in `media`.
    pub(super) fn payload_type(&self, media: &MediaDescription, codec: Codec) -> Option<PayloadType> {
        media.payload_types().find(|payload_type| self.codec(media, *payload_type) == Some(codec))
    }

    /// The codec to speak of those in `media`, with its payload type there.
    pub(super) fn choose(&self, media: &MediaDescription) -> Option<(Codec, PayloadType)> {
        match self.order {
            CodecOrder::Offer => media.payload_types().find_map(|payload_type| Some((self.codec(media, payload_type)?, payload_type))),
            CodecOrder::Own => self.codecs.iter().find_map(|codec| Some((*codec, self.payload_type(media, *codec)?))),
        }
    }

    /// What the peer asks for where we and the codec can, else ours; never more than it takes.
    pub(super) fn ptime(&self, media: &MediaDescription, codec: Codec) -> Duration {
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let wanted = media.ptime_ms().filter(|ms| (10..=60).contains(ms) && ms.is_multiple_of(10)).unwrap_or(ms(self.ptime));
        let most = media.maxptime_ms().unwrap_or(u32::MAX).min(ms(self.max_ptime)).min(longest_ptime_ms(codec));
        let steps = wanted.min(most).clamp(10, 60) / 10;
        let steps = match (codec, steps) {
            // Opus has no frames of 30 and 50 ms (RFC 6716 §2.1.4).
            (Codec::Opus, 3 | 5) => steps - 1,
            _ => steps,
        };
        Duration::from_millis(u64::from(steps) * 10)
    }
}

impl TransportPolicy {
    /// Both ways and in clear.
    #[must_use]
    pub const fn new(rtp: SocketAddr, session_id: u64, remote: RemoteRule) -> Self {
        Self { rtp, session_id, session_version: 1, remote, direction: Direction::SendRecv, srtp: SrtpPolicy::Off }
    }
}

impl SrtpPolicy {
    pub(super) const fn seed(&self) -> Option<&KeySeed> {
        match self {
            Self::Off => None,
            Self::Optional(seed) | Self::Required(seed) => Some(seed),
        }
    }

    pub(super) const fn is_required(&self) -> bool {
        matches!(self, Self::Required(_))
    }
}

/// Whether a mapping is of this codec. Opus is always written with two channels, whatever it carries (RFC 7587 §7); the
/// few devices that write one mean the same.
fn is_codec(map: &RtpMap, codec: Codec) -> bool {
    let channels = if codec == Codec::Opus { 1..=2 } else { 1..=1 };
    map.name.eq_ignore_ascii_case(codec.name()) && map.clock_rate == codec.clock_rate() && channels.contains(&map.channels)
}

/// Linear audio fills a packet of the usual network, of which headers and tag leave 1,400 octets, in less than 60 ms.
fn longest_ptime_ms(codec: Codec) -> u32 {
    match codec {
        Codec::L16 { rate } => (1_400 / (rate.hz() * 2 / 100)).max(1) * 10,
        _ => 60,
    }
}

/// Clock rates of the codecs, each once, in their order.
pub(super) fn clock_rates(codecs: impl Iterator<Item = Codec>) -> Vec<ClockRate> {
    codecs.map(Codec::clock_rate).fold(Vec::new(), |mut rates, rate| {
        if !rates.contains(&rate) {
            rates.push(rate);
        }
        rates
    })
}
