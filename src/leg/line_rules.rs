//! What is agreed with one trunk on audio, where it differs from `[rtp]`.

use std::net::IpAddr;
use std::time::Duration;

use super::codecs::CodecNames;
use super::config::{OrderRule, SourceRule, SrtpRule};
use crate::domain::network::Network;

/// Rules of one line; what is not set is as in `[rtp]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineRules {
    /// Codecs, best first; they go before those of a number.
    pub codecs: Option<CodecNames>,
    /// Whose order of codecs decides.
    pub codec_order: Option<OrderRule>,
    /// Whether audio is protected.
    pub srtp: Option<SrtpRule>,
    /// Audio in a packet where the far end does not say.
    pub ptime: Option<Duration>,
    /// The most audio in a packet.
    pub max_ptime: Option<Duration>,
    /// The address that session descriptions show.
    pub advertised: Option<IpAddr>,
    /// From where RTP is taken.
    pub source: Option<SourceRule>,
    /// Where media may go beside the address that signalling comes from.
    pub media_networks: Vec<Network>,
    /// Whether its callers hear ringing from us before the answer.
    pub early_media: bool,
}
