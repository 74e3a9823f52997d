//! Our own audio line: the same lines in an offer, with all we speak, and in an answer, with what was chosen.

use std::time::Duration;

use crate::codec::Codec;
use crate::sdp::{
    Attribute, CodecPolicy, Crypto, Direction, Fmtp, MediaDescription, MediaKind, MediaProtocol, RtcpXr, RtpMap, TELEPHONE_EVENT,
};
use crate::units::{ClockRate, PayloadType};

/// What stands in it.
pub(super) struct LocalAudio {
    pub(super) protocol: MediaProtocol,
    pub(super) codecs: Vec<(Codec, PayloadType)>,
    pub(super) telephone_events: Vec<(ClockRate, PayloadType)>,
    pub(super) comfort_noise: Option<PayloadType>,
    /// What we want to be sent.
    pub(super) ptime: Duration,
    pub(super) direction: Direction,
    pub(super) rtcp_mux: bool,
    pub(super) rtcp_rsize: bool,
    pub(super) rtcp_xr: bool,
    pub(super) crypto: Vec<Crypto>,
}

impl LocalAudio {
    /// The line, at our port.
    pub(super) fn into_media(self, policy: &CodecPolicy, port: u16) -> MediaDescription {
        let (mut formats, mut attributes) = (Vec::new(), Vec::new());
        let mut format = |map: RtpMap, parameters: Option<String>| {
            formats.push(map.payload_type.get().to_string());
            let fmtp = parameters.map(|parameters| Attribute::Fmtp(Fmtp { payload_type: map.payload_type, parameters }));
            attributes.push(Attribute::RtpMap(map));
            attributes.extend(fmtp);
        };
        for (codec, payload_type) in self.codecs {
            let (name, clock_rate) = (codec.name().to_owned(), codec.clock_rate());
            let (channels, parameters) = if codec == Codec::Opus { (2, Some(policy.opus.to_string())) } else { (1, None) };
            format(RtpMap { payload_type, name, clock_rate, channels }, parameters);
        }
        if let Some(payload_type) = self.comfort_noise {
            format(RtpMap { payload_type, name: COMFORT_NOISE.to_owned(), clock_rate: ClockRate::HZ_8000, channels: 1 }, None);
        }
        for (clock_rate, payload_type) in self.telephone_events {
            let map = RtpMap { payload_type, name: TELEPHONE_EVENT.to_owned(), clock_rate, channels: 1 };
            format(map, Some(EVENTS.to_owned()));
        }
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        attributes.push(Attribute::Ptime(ms(self.ptime)));
        attributes.push(Attribute::MaxPtime(ms(policy.max_ptime)));
        attributes.push(Attribute::Direction(self.direction));
        attributes.extend(self.rtcp_mux.then_some(Attribute::RtcpMux));
        attributes.extend(self.rtcp_rsize.then_some(Attribute::RtcpRsize));
        attributes.extend(self.rtcp_xr.then(|| Attribute::RtcpXr(RtcpXr::ours())));
        attributes.extend(self.crypto.into_iter().map(Attribute::Crypto));
        MediaDescription { kind: MediaKind::Audio, port, protocol: self.protocol, formats, connection: None, attributes }
    }
}

/// Comfort noise's name (RFC 3389 §7).
pub(super) const COMFORT_NOISE: &str = "CN";

/// The sixteen events of a keypad, and the flash of a hook (RFC 4733 §3.2).
const EVENTS: &str = "0-16";
