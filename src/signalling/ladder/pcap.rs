//! A ladder as a capture that Wireshark, sngrep and tcpdump read: the classic format of libpcap, link type 101 (raw IP).
//!
//! What stands below SIP is made up from the addresses, since the gateway sees messages and no packets: each is one UDP datagram over
//! IPv4 or IPv6 with right checksums, also where it travelled by TCP, TLS or WebSocket. So every reader finds it, decrypted, at its
//! message's bounds. A message that is longer than a datagram can be is cut.

use std::net::{IpAddr, SocketAddr};

use crate::domain::ladder::Ladder;

/// The capture of a ladder.
#[must_use]
pub fn pcap(ladder: &Ladder) -> Vec<u8> {
    let mut capture = Vec::with_capacity(24 + ladder.messages.iter().map(|message| 64 + message.octets.expose().len()).sum::<usize>());
    // Magic of microseconds, version 2.4, UTC, no accuracy, longest packet, link type.
    for word in [MAGIC, 0x0004_0002, 0, 0, SNAP, LINK_TYPE_RAW] {
        capture.extend_from_slice(&word.to_le_bytes());
    }
    for (number, message) in (1_u16..).zip(&ladder.messages) {
        let (from, to) = message.ends();
        let packet = packet(number, from, to, message.octets.expose());
        let length = u32::try_from(packet.len()).unwrap_or(SNAP);
        let seconds = u32::try_from(message.at.timestamp()).unwrap_or_default();
        for word in [seconds, message.at.timestamp_subsec_micros(), length, length] {
            capture.extend_from_slice(&word.to_le_bytes());
        }
        capture.extend_from_slice(&packet);
    }
    capture
}

/// One datagram with its IP header. Ends of two IP versions, which no real datagram has, are written as IPv6.
fn packet(number: u16, from: SocketAddr, to: SocketAddr, message: &[u8]) -> Vec<u8> {
    let message = message.get(..MAX_MESSAGE).unwrap_or(message);
    // The bound above keeps it within 16 bits.
    let length = u16::try_from(UDP_HEADER + message.len()).unwrap_or(u16::MAX);
    let mut udp = Vec::with_capacity(UDP_HEADER + message.len());
    for field in [from.port(), to.port(), length, 0] {
        udp.extend_from_slice(&field.to_be_bytes());
    }
    udp.extend_from_slice(message);
    let (addresses, mut packet) = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let addresses = [from.octets(), to.octets()].concat();
            (addresses.clone(), ipv4(number, length + IPV4_HEADER, &addresses))
        }
        (from, to) => {
            let octets = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            let addresses = [octets(from), octets(to)].concat();
            (addresses.clone(), ipv6(length, &addresses))
        }
    };
    // RFC 768: over addresses, protocol and length, then the datagram; nought stands for none, so it is sent as its complement.
    let pseudo = [addresses.as_slice(), &[0, UDP], &length.to_be_bytes()].concat();
    let checksum = match checksum(&[&pseudo, &udp]) {
        0 => u16::MAX,
        checksum => checksum,
    };
    if let Some(field) = udp.get_mut(6..8) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
    packet.extend_from_slice(&udp);
    packet
}

/// RFC 791 §3.1.
fn ipv4(number: u16, length: u16, addresses: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&number.to_be_bytes());
    header.extend_from_slice(&[0x40, 0, HOPS, UDP, 0, 0]);
    header.extend_from_slice(addresses);
    let checksum = checksum(&[&header]);
    if let Some(field) = header.get_mut(10..12) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
    header
}

/// RFC 8200 §3.
fn ipv6(length: u16, addresses: &[u8]) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&[UDP, HOPS]);
    header.extend_from_slice(addresses);
    header
}

/// RFC 1071, over parts of which all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2)).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let sum = words.sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    u16::try_from(folded).map_or(0, |sum| !sum)
}

const MAGIC: u32 = 0xa1b2_c3d4;
const LINK_TYPE_RAW: u32 = 101;
const SNAP: u32 = 65_535 + 40;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const IPV4_HEADER: u16 = 20;
const HOPS: u8 = 64;
/// The most that a datagram over IPv4 carries.
const MAX_MESSAGE: usize = 65_535 - 20 - UDP_HEADER;

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(parts: &[&[u8]]) -> u16 {
        checksum(parts)
    }

    #[test]
    fn a_header_with_its_checksum_sums_to_nothing() {
        // The example of RFC 1071 section 3.
        assert_eq!(sum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), !0xddf2);
        let (from, to) = ("203.0.113.5:5060".parse().unwrap(), "198.51.100.7:5070".parse().unwrap());
        for message in [&b"OPTIONS"[..], b"BYE..."] {
            let packet = packet(7, from, to, message);
            assert_eq!(packet.len(), 28 + message.len());
            assert_eq!(sum(&[&packet[..20]]), 0);
            let pseudo = [&packet[12..20], &[0, UDP], &packet[24..26]].concat();
            assert_eq!(sum(&[&pseudo, &packet[20..]]), 0);
            assert_eq!(&packet[28..], message);
        }
    }

    #[test]
    fn what_is_longer_than_a_datagram_is_cut() {
        let end = "[2001:db8::1]:5060".parse().unwrap();
        assert_eq!(packet(1, end, end, &vec![b'x'; 100_000]).len(), 40 + 8 + MAX_MESSAGE);
    }
}
