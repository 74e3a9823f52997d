//! What a packet is to the line: told by its payload type and its length, before anything else is asked of it.

use std::time::Duration;

use crate::codec::{Codec, Decoder, SilenceDescriptor};
use crate::rtp::{PayloadTypes, RtpPacket};

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Audio that lasts so many ticks of its clock.
    Audio { ticks: u32 },
    /// Word that a silence begins, and what it sounds like (RFC 3389).
    ComfortNoise,
    /// Nothing that is heard; it only takes up its sequence number.
    Blank,
}

/// Why a packet is not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// A telephone-event is no audio.
    TelephoneEvent,
    /// Nobody agreed on its payload type.
    PayloadType,
    /// No codec makes payloads of its length, or it is longer than 120 ms.
    Size,
    /// The line is on hold.
    Held,
}

impl Content {
    /// What `packet` holds where `codec` runs under `running`, and `agreed` is what shall follow.
    pub(super) fn of(packet: &RtpPacket<'_>, codec: Codec, running: PayloadTypes, agreed: Option<PayloadTypes>) -> Result<Self, Unheard> {
        let payload_type = packet.header.payload_type;
        if payload_type == running.audio {
            let ticks = Decoder::ticks(codec, packet.payload).filter(|&ticks| ticks <= codec.clock_rate().ticks(MAX_PTIME));
            return ticks.map(|ticks| Self::Audio { ticks: ticks as u32 }).ok_or(Unheard::Size);
        }
        let mut any = [Some(running), agreed].into_iter().flatten();
        if any.clone().any(|types| types.telephone_event == Some(payload_type)) {
            Err(Unheard::TelephoneEvent)
        } else if any.any(|types| types.comfort_noise == Some(payload_type)) {
            SilenceDescriptor::parse(packet.payload).map(|_| Self::ComfortNoise).ok_or(Unheard::Size)
        } else {
            Err(Unheard::PayloadType)
        }
    }

    pub(super) const fn is_audio(self) -> bool {
        matches!(self, Self::Audio { .. })
    }
}

/// The longest packet taken, twice the longest that is offered.
const MAX_PTIME: Duration = Duration::from_millis(120);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::RtpHeader;
    use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

    fn types(audio: u8, telephone_event: u8, comfort_noise: u8) -> PayloadTypes {
        let some = |number| PayloadType::new(number).unwrap();
        PayloadTypes { audio: some(audio), telephone_event: Some(some(telephone_event)), comfort_noise: Some(some(comfort_noise)) }
    }

    fn content(number: u8, payload: &[u8]) -> Result<Content, Unheard> {
        let (payload_type, sequence, timestamp, ssrc) = (PayloadType::new(number).unwrap(), SequenceNumber(0), RtpTimestamp(0), Ssrc(0));
        let header = RtpHeader { payload_type, sequence, timestamp, ssrc, marker: false };
        Content::of(&RtpPacket { header, payload }, Codec::Pcmu, types(0, 101, 13), Some(types(8, 96, 98)))
    }

    #[test]
    fn the_payload_type_and_the_length_say_what_a_packet_is() {
        assert_eq!(content(0, &[0; 160]), Ok(Content::Audio { ticks: 160 }));
        assert_eq!(content(0, &[0; 961]), Err(Unheard::Size));
        assert_eq!(content(0, &[]), Err(Unheard::Size));
        assert_eq!(content(13, &[70]), Ok(Content::ComfortNoise));
        assert_eq!(content(13, &[]), Err(Unheard::Size));
        assert_eq!(content(101, &[0; 4]), Err(Unheard::TelephoneEvent));
        assert_eq!(content(5, &[0; 160]), Err(Unheard::PayloadType));
    }

    #[test]
    fn what_was_agreed_on_last_is_known_before_its_first_audio() {
        assert_eq!(content(96, &[0; 4]), Err(Unheard::TelephoneEvent));
        assert_eq!(content(98, &[70]), Ok(Content::ComfortNoise));
    }
}
