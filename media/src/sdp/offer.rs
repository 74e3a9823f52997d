//! Our offer (RFC 3264 §5), the first of a dialog or a later one (§8).

use crate::codec::Codec;
use crate::sdp::local::LocalAudio;
use crate::sdp::policy::clock_rates;
use crate::sdp::protection;
use crate::sdp::{CodecPolicy, ConnectionAddress, MediaDescription, MediaKind, Negotiated, Origin, SessionDescription, TransportPolicy};
use crate::units::{ClockRate, PayloadType};

/// One audio stream with the policy's codecs in its order; RTP and RTCP may share a port.
#[must_use]
pub fn offer(codecs: &CodecPolicy, transport: &TransportPolicy) -> SessionDescription {
    let media = vec![audio(codecs, transport, transport.session_version, None, Keys::Fresh)];
    description(Origin::ours(transport), transport, media)
}

/// What becomes of our key in a later offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Keys {
    /// It goes on, where there is one.
    #[default]
    Keep,
    /// New ones, of every suite, are offered.
    Fresh,
}

/// A later offer of the same dialog: hold, another codec, another key. Its media stand where they stood, what was declined
/// stays so, and payload types in use keep their meaning (RFC 3264 §8). The version goes up by one when anything changes.
#[must_use]
pub fn reoffer(current: &Negotiated, codecs: &CodecPolicy, transport: &TransportPolicy, keys: Keys) -> SessionDescription {
    let origin = current.local.origin.next(transport);
    let mut ours = Some(audio(codecs, transport, origin.session_version, Some(current), keys));
    let again = |media: &MediaDescription| {
        let agreed = media.kind == MediaKind::Audio && media.port != 0;
        let taken = if agreed { ours.take() } else { None };
        taken.map_or_else(|| media.declined(), |ours| MediaDescription { protocol: media.protocol.clone(), ..ours })
    };
    let media = current.local.media.iter().map(again).collect();
    let mut offer = description(origin, transport, media);
    offer.settle_version(&current.local);
    offer
}

fn description(origin: Origin, transport: &TransportPolicy, media: Vec<MediaDescription>) -> SessionDescription {
    SessionDescription { origin, connection: Some(ConnectionAddress::Ip(transport.rtp.ip())), attributes: Vec::new(), media }
}

fn audio(codecs: &CodecPolicy, transport: &TransportPolicy, generation: u64, current: Option<&Negotiated>, keys: Keys) -> MediaDescription {
    let mut types = PayloadTypeList::new(current);
    let listed: Vec<_> = codecs.codecs.iter().filter_map(|codec| Some((*codec, types.codec(*codec)?))).collect();
    let events = if codecs.telephone_event { clock_rates(listed.iter().map(|(codec, _)| *codec)) } else { Vec::new() };
    let comfort_noise = codecs.comfort_noise && listed.iter().any(|(codec, _)| codec.clock_rate() == ClockRate::HZ_8000);
    let kept = current.and_then(|current| current.srtp.as_ref()).filter(|_| keys == Keys::Keep);
    let (protocol, crypto) = protection::offered(&transport.srtp, generation, kept);
    let audio = LocalAudio {
        protocol,
        telephone_events: events.into_iter().filter_map(|rate| Some((rate, types.telephone_event(rate)?))).collect(),
        codecs: listed,
        comfort_noise: comfort_noise.then_some(PayloadType::CN),
        ptime: codecs.ptime,
        direction: transport.direction,
        rtcp_mux: true,
        rtcp_rsize: true,
        rtcp_xr: true,
        crypto,
    };
    audio.into_media(codecs, transport.rtp.port())
}

/// Hands out payload types: those in use for what they are in use for, static ones where RFC 3551 fixes them, dynamic ones
/// (RFC 3551 §3) in turn for the rest. Who finds none left is not offered.
struct PayloadTypeList {
    in_use: Vec<(Use, PayloadType)>,
    given: Vec<PayloadType>,
}

/// What a payload type stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Codec(Codec),
    TelephoneEvent(ClockRate),
}

impl PayloadTypeList {
    fn new(current: Option<&Negotiated>) -> Self {
        let mut in_use = Vec::new();
        if let Some(Negotiated { codec, receive_payload_types: types, telephone_event_clock, .. }) = current {
            in_use.push((Use::Codec(*codec), types.audio));
            let events = telephone_event_clock.zip(types.telephone_event);
            in_use.extend(events.map(|(clock_rate, number)| (Use::TelephoneEvent(clock_rate), number)));
        }
        Self { in_use, given: Vec::new() }
    }

    fn codec(&mut self, codec: Codec) -> Option<PayloadType> {
        self.take(Use::Codec(codec), codec.static_payload_type())
    }

    fn telephone_event(&mut self, clock_rate: ClockRate) -> Option<PayloadType> {
        self.take(Use::TelephoneEvent(clock_rate), (clock_rate == ClockRate::HZ_8000).then_some(TELEPHONE_EVENT_AT_8000))
    }

    fn take(&mut self, purpose: Use, wanted: Option<PayloadType>) -> Option<PayloadType> {
        let kept = self.in_use.iter().find(|(used_for, _)| *used_for == purpose).map(|(_, payload_type)| *payload_type);
        let is_free =
            |payload_type: &PayloadType| !self.given.contains(payload_type) && !self.in_use.iter().any(|(_, used)| used == payload_type);
        let dynamic = || (96..128).filter_map(PayloadType::new).filter(|number| *number != TELEPHONE_EVENT_AT_8000).find(is_free);
        let taken = kept.or_else(|| wanted.filter(is_free)).or_else(dynamic)?;
        self.given.push(taken);
        Some(taken)
    }
}

/// What nearly every peer uses, and some expect.
const TELEPHONE_EVENT_AT_8000: PayloadType = PayloadType::from_low_bits(101);
