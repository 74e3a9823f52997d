//! The walk over a compound (RFC 3550 §6.1): what a datagram holds, with a bound on the work it can cause.

use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_shared::marshal::Unmarshal;

/// Why a datagram was no RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// It ends inside a packet's header, or holds none.
    #[error("{left} octets where a header should stand")]
    Truncated {
        /// Octets that were left.
        left: usize,
    },
    /// A packet does not say version 2.
    #[error("version {version}")]
    Version {
        /// What it says.
        version: u8,
    },
    /// A packet claims more octets than are left.
    #[error("a packet of {claimed} octets where {left} are left")]
    Length {
        /// Octets it claims, its header included.
        claimed: usize,
        /// Octets that were left.
        left: usize,
    },
    /// More packets than any compound of an audio call has.
    #[error("more than {MAX_PACKETS} packets in a compound")]
    TooMany,
    /// The body of a report or goodbye is shorter than its header says.
    #[error("malformed packet of type {packet_type}")]
    Malformed {
        /// Its packet type.
        packet_type: u8,
    },
}

/// A packet of a compound that concerns us.
pub(super) enum Packet {
    SenderReport(SenderReport),
    ReceiverReport(ReceiverReport),
    Goodbye(Goodbye),
}

/// Reads a whole compound before any of it takes effect, so that a bad tail spoils it all.
///
/// Packets of other types are stepped over by their length. The order is not demanded, since no effect depends on it.
pub(super) fn parse(mut datagram: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    let mut packets = Vec::new();
    for _ in 0..MAX_PACKETS {
        let (packet, rest) = split(datagram)?;
        if let Some(packet) = read(packet)? {
            packets.push(packet);
        }
        if rest.is_empty() {
            return Ok(packets);
        }
        datagram = rest;
    }
    Err(RtcpError::TooMany)
}

/// Cuts the first packet off, by the length in its header.
fn split(datagram: &[u8]) -> Result<(&[u8], &[u8]), RtcpError> {
    let left = datagram.len();
    let &[flags, _, high, low] = datagram.first_chunk::<4>().ok_or(RtcpError::Truncated { left })?;
    let version = flags >> 6;
    if version != 2 {
        return Err(RtcpError::Version { version });
    }
    let claimed = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
    datagram.split_at_checked(claimed).ok_or(RtcpError::Length { claimed, left })
}

fn read(mut packet: &[u8]) -> Result<Option<Packet>, RtcpError> {
    let packet_type = packet.get(1).copied().unwrap_or(0);
    let read = match packet_type {
        SENDER_REPORT => SenderReport::unmarshal(&mut packet).map(Packet::SenderReport),
        RECEIVER_REPORT => ReceiverReport::unmarshal(&mut packet).map(Packet::ReceiverReport),
        GOODBYE => Goodbye::unmarshal(&mut packet).map(Packet::Goodbye),
        _ => return Ok(None),
    };
    // The error's own text says no more than the type does.
    read.map(Some).map_err(|_| RtcpError::Malformed { packet_type })
}

/// A compound of two members holds a report, SDES and at most a goodbye or some feedback.
const MAX_PACKETS: usize = 16;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const GOODBYE: u8 = 203;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_octets_that_claim_a_sender_report_are_refused() {
        assert_eq!(parse(&[0x80, 200, 0, 0]).err(), Some(RtcpError::Malformed { packet_type: 200 }));
        assert_eq!(parse(&[0x81, 200, 0, 6]).err(), Some(RtcpError::Length { claimed: 28, left: 4 }));
    }

    #[test]
    fn more_report_blocks_than_octets_are_refused() {
        let mut datagram = vec![0x9f, 201, 0, 1, 0, 0, 0, 1];
        assert_eq!(parse(&datagram).err(), Some(RtcpError::Malformed { packet_type: 201 }));
        datagram[0] = 0x80;
        assert_eq!(parse(&datagram).unwrap().len(), 1);
    }

    #[test]
    fn a_compound_of_more_than_sixteen_packets_is_refused() {
        let packet = [0x80, 204, 0, 0];
        assert!(parse(&packet.repeat(16)).is_ok());
        assert_eq!(parse(&packet.repeat(17)).err(), Some(RtcpError::TooMany));
    }

    #[test]
    fn unknown_packet_types_are_stepped_over() {
        let mut datagram = vec![0x80, 207, 0, 1, 9, 9, 9, 9];
        datagram.extend_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
        assert_eq!(parse(&datagram).unwrap().len(), 1);
    }

    #[test]
    fn every_truncation_of_a_compound_is_refused() {
        let mut datagram = vec![0x81, 201, 0, 7];
        datagram.extend_from_slice(&[1; 28]);
        datagram.extend_from_slice(&[0x81, 203, 0, 1, 0, 0, 0, 1]);
        for len in 0..datagram.len() {
            // Cut between two packets a compound is whole again.
            assert_eq!(parse(&datagram[..len]).is_ok(), len == 32, "{len} octets");
        }
        assert!(parse(&datagram).is_ok());
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused_without_a_panic(mut datagram in proptest::collection::vec(any::<u8>(), 0..256),
                                                          packet_type in 200u8..208, words in 0u8..40) {
            let _ = parse(&datagram);
            if let [flags, kind, high, low, ..] = &mut datagram[..] {
                (*flags, *kind, *high, *low) = (0x80 | *flags & 0x3f, packet_type, 0, words);
            }
            let _ = parse(&datagram);
        }
    }
}
