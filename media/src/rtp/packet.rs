//! Parsing and writing one packet (RFC 3550 §5.1 to §5.3.1), without an allocation of its own.

use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// Why a datagram is no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// It ends inside the fixed header, the contributing sources or the header extension.
    #[error("{len} octets end inside the header")]
    Truncated {
        /// Octets that came.
        len: usize,
    },
    /// It does not say version 2.
    #[error("version {version}")]
    Version {
        /// What it says.
        version: u8,
    },
    /// Its padding claims no octet, or more than there are behind the header.
    #[error("padding of {padding} octets behind the header's {available}")]
    Padding {
        /// Octets claimed.
        padding: u8,
        /// Octets behind the header.
        available: usize,
    },
}

impl RtpHeader {
    /// Reads a header and how many octets it has, contributing sources and extension included; what stands behind it
    /// may still be encrypted.
    ///
    /// # Errors
    /// When the datagram is too short for what it announces or has another version than 2.
    pub fn parse(datagram: &[u8]) -> Result<(Self, usize), RtpError> {
        let truncated = RtpError::Truncated { len: datagram.len() };
        let (&[flags, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3], mut rest) =
            datagram.split_first_chunk::<FIXED_HEADER_LEN>().ok_or(truncated)?;
        let version = flags >> 6;
        if version != 2 {
            return Err(RtpError::Version { version });
        }
        let sources = usize::from(flags & 0x0f) * 4;
        rest = rest.get(sources..).ok_or(truncated)?;
        if flags & EXTENSION != 0 {
            let (&[_, _, high, low], behind) = rest.split_first_chunk::<4>().ok_or(truncated)?;
            let words = usize::from(u16::from_be_bytes([high, low]));
            rest = behind.get(words * 4..).ok_or(truncated)?;
        }
        let header = Self {
            payload_type: PayloadType::from_low_bits(kind),
            sequence: SequenceNumber(u16::from_be_bytes([s0, s1])),
            timestamp: RtpTimestamp(u32::from_be_bytes([t0, t1, t2, t3])),
            ssrc: Ssrc(u32::from_be_bytes([c0, c1, c2, c3])),
            marker: kind & MARKER != 0,
        };
        Ok((header, datagram.len() - rest.len()))
    }
}

impl<'a> RtpPacket<'a> {
    /// Reads a packet; the payload is what stands behind contributing sources and extension and before the padding.
    ///
    /// # Errors
    /// When the datagram is too short for what it announces, has another version than 2 or an impossible padding.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtpError> {
        let (header, header_len) = RtpHeader::parse(datagram)?;
        let rest = datagram.get(header_len..).unwrap_or_default();
        let padded = datagram.first().is_some_and(|flags| flags & PADDING != 0);
        let payload = if padded { without_padding(rest)? } else { rest };
        Ok(Self { header, payload })
    }

    /// Appends the packet to `out`: no contributing sources, no extension, no padding.
    pub fn write(&self, out: &mut Vec<u8>) {
        let header = &self.header;
        out.extend_from_slice(&[VERSION_2, header.payload_type.get() | if header.marker { MARKER } else { 0 }]);
        out.extend_from_slice(&header.sequence.0.to_be_bytes());
        out.extend_from_slice(&header.timestamp.0.to_be_bytes());
        out.extend_from_slice(&header.ssrc.0.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}

/// The last octet counts the padding, itself included (RFC 3550 §5.1): nought is as wrong as too many.
fn without_padding(payload: &[u8]) -> Result<&[u8], RtpError> {
    let padding = payload.last().copied().unwrap_or(0);
    let available = payload.len();
    match available.checked_sub(usize::from(padding)).and_then(|len| payload.get(..len)) {
        Some(kept) if padding > 0 => Ok(kept),
        _ => Err(RtpError::Padding { padding, available }),
    }
}

const FIXED_HEADER_LEN: usize = 12;
const VERSION_2: u8 = 0x80;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const MARKER: u8 = 0x80;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use rtc_shared::marshal::{Marshal, Unmarshal};

    use super::*;

    fn plain() -> Vec<u8> {
        let mut datagram = vec![0x80, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xca, 0xfe, 0xba, 0xbe];
        datagram.extend_from_slice(&[0xff; 160]);
        datagram
    }

    #[test]
    fn a_plain_packet_gives_its_header_and_payload() {
        let datagram = plain();
        let packet = RtpPacket::parse(&datagram).unwrap();
        assert_eq!(packet.header.payload_type, PayloadType::PCMU);
        assert!(packet.header.marker);
        assert_eq!(packet.header.sequence, SequenceNumber(0x1234));
        assert_eq!(packet.header.timestamp, RtpTimestamp(160));
        assert_eq!(packet.header.ssrc, Ssrc(0xcafe_babe));
        assert_eq!(packet.payload, &[0xff; 160]);
    }

    #[test]
    fn another_version_than_two_is_refused() {
        for version in [0u8, 1, 3] {
            let mut datagram = plain();
            datagram[0] = version << 6;
            assert_eq!(RtpPacket::parse(&datagram), Err(RtpError::Version { version }));
        }
    }

    #[test]
    fn every_truncation_of_a_packet_with_sources_extension_and_padding_is_refused_or_read_and_never_panics() {
        // Two contributing sources, an extension of two words, eight octets of payload, four of padding: 48 octets.
        let mut datagram = vec![0xb2, 0x00, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        datagram.extend_from_slice(&[0xaa; 8]);
        datagram.extend_from_slice(&[0xbe, 0xde, 0, 2, 0x10, 1, 0x21, 2, 3, 0, 0, 0]);
        datagram.extend_from_slice(&[0x55; 8]);
        datagram.extend_from_slice(&[0, 0, 0, 4]);
        for len in 0..=64 {
            let parsed = RtpPacket::parse(&datagram[..len.min(datagram.len())]);
            if len < 32 {
                assert_eq!(parsed, Err(RtpError::Truncated { len }));
            }
        }
        assert_eq!(RtpPacket::parse(&datagram).unwrap().payload, &[0x55; 8]);
    }

    #[test]
    fn an_extension_longer_than_the_datagram_is_refused() {
        let mut datagram = plain();
        datagram[0] = 0x90;
        datagram[12..16].copy_from_slice(&[0xbe, 0xde, 0xff, 0xff]);
        assert_eq!(RtpPacket::parse(&datagram), Err(RtpError::Truncated { len: 172 }));
    }

    #[test]
    fn padding_of_nought_or_of_more_than_the_payload_is_refused() {
        let mut datagram = plain();
        datagram[0] = 0xa0;
        datagram[171] = 0;
        assert_eq!(RtpPacket::parse(&datagram), Err(RtpError::Padding { padding: 0, available: 160 }));
        datagram[171] = 161;
        assert_eq!(RtpPacket::parse(&datagram), Err(RtpError::Padding { padding: 161, available: 160 }));
        assert_eq!(RtpPacket::parse(&datagram[..12]), Err(RtpError::Padding { padding: 0, available: 0 }));
    }

    #[test]
    fn a_packet_that_is_all_padding_has_an_empty_payload() {
        let mut datagram = plain();
        datagram[0] = 0xa0;
        datagram[171] = 160;
        assert_eq!(RtpPacket::parse(&datagram).unwrap().payload, b"");
    }

    #[test]
    fn an_extension_with_the_reserved_identifier_does_not_move_the_payload() {
        let mut datagram = vec![0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0xf0, 9, 9, 9];
        datagram.extend_from_slice(b"payload");
        assert_eq!(RtpPacket::parse(&datagram).unwrap().payload, b"payload");
    }

    #[test]
    fn a_packet_is_written_behind_what_the_buffer_holds() {
        let datagram = plain();
        let mut out = vec![1, 2, 3];
        RtpPacket::parse(&datagram).unwrap().write(&mut out);
        assert_eq!(out[..3], [1, 2, 3]);
        assert_eq!(out[3..], datagram);
    }

    /// A header as `rtc-rtp` would write it.
    fn oracle_header() -> impl Strategy<Value = rtc_rtp::Header> {
        let extensions = proptest::collection::vec((1u8..15, proptest::collection::vec(any::<u8>(), 1..=16)), 0..4);
        let fixed = (any::<bool>(), 0u8..128, any::<u16>(), any::<u32>(), any::<u32>());
        (fixed, proptest::collection::vec(any::<u32>(), 0..16), extensions).prop_map(|(fixed, csrc, extensions)| {
            let (marker, payload_type, sequence_number, timestamp, ssrc) = fixed;
            let mut header =
                rtc_rtp::Header { version: 2, marker, payload_type, sequence_number, timestamp, ssrc, csrc, ..Default::default() };
            for (id, payload) in extensions {
                header.set_extension(id, Bytes::from(payload)).unwrap();
            }
            header
        })
    }

    proptest! {
        #[test]
        fn what_rtc_rtp_writes_is_read_alike(mut header in oracle_header(), padding: bool,
                                             payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            header.padding = padding;
            let oracle = rtc_rtp::Packet { header, payload: Bytes::from(payload) };
            let datagram = oracle.marshal().unwrap();
            let packet = RtpPacket::parse(&datagram).unwrap();
            prop_assert_eq!(packet.payload, &oracle.payload[..]);
            prop_assert_eq!(packet.header.payload_type.get(), oracle.header.payload_type);
            prop_assert_eq!(packet.header.sequence.0, oracle.header.sequence_number);
            prop_assert_eq!(packet.header.timestamp.0, oracle.header.timestamp);
            prop_assert_eq!(packet.header.ssrc.0, oracle.header.ssrc);
            prop_assert_eq!(packet.header.marker, oracle.header.marker);
        }

        #[test]
        fn what_is_written_rtc_rtp_reads_alike(header in oracle_header(), payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            let packet = RtpPacket {
                header: RtpHeader {
                    payload_type: PayloadType::new(header.payload_type).unwrap(),
                    sequence: SequenceNumber(header.sequence_number),
                    timestamp: RtpTimestamp(header.timestamp),
                    ssrc: Ssrc(header.ssrc),
                    marker: header.marker,
                },
                payload: &payload,
            };
            let mut datagram = Vec::new();
            packet.write(&mut datagram);
            let oracle = rtc_rtp::Packet::unmarshal(&mut &datagram[..]).unwrap();
            prop_assert_eq!(&oracle.payload[..], &payload[..]);
            prop_assert_eq!(oracle.header.sequence_number, header.sequence_number);
            prop_assert_eq!(oracle.header.timestamp, header.timestamp);
            prop_assert_eq!(oracle.header.ssrc, header.ssrc);
            prop_assert_eq!(oracle.header.marker, header.marker);
            prop_assert_eq!(oracle.header.payload_type, header.payload_type);
            prop_assert_eq!(RtpPacket::parse(&datagram).unwrap(), packet);
        }

        #[test]
        fn any_octets_are_read_or_refused_without_a_panic(datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = RtpPacket::parse(&datagram);
        }
    }
}
