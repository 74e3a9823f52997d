//! One packet of HEP version 3: chunks behind a length, as Homer and its kin take them (the specification of the HEP/EEP encapsulation
//! protocol, revision 32). Pure.

use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, Utc};

/// What is told of one message.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// From whom.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What it travelled by.
    pub carrier: Carrier,
    /// When it went by.
    pub at: DateTime<Utc>,
    /// What it is.
    pub kind: ReportKind,
    /// What belongs together: the Call-ID.
    pub correlation: &'a str,
    /// The message.
    pub payload: &'a [u8],
}

/// What a message travelled by, as IP numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// SIP.
    Sip,
    /// RTCP, as JSON.
    Rtcp,
}

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub struct Agent<'a> {
    /// Its number at the collector.
    pub id: u32,
    /// What it proves itself with; empty for none.
    pub key: &'a str,
}

/// The packet; none when it would be longer than a datagram is.
#[must_use]
pub fn encode(agent: Agent<'_>, report: &Report<'_>) -> Option<Vec<u8>> {
    let mut packet = Packet(Vec::with_capacity(160 + report.payload.len()));
    packet.0.extend_from_slice(b"HEP3\0\0");
    let octets = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    // Both ends have one IP version, or are told as IPv6.
    let (from, to) = match (report.from.ip(), report.to.ip()) {
        (from @ IpAddr::V4(_), to @ IpAddr::V4(_)) => (from, to),
        (from, to) => (IpAddr::V6(mapped(from)), IpAddr::V6(mapped(to))),
    };
    let v4 = from.is_ipv4();
    packet.chunk(FAMILY, &[if v4 { AF_INET } else { AF_INET6 }])?;
    packet.chunk(PROTOCOL, &[if report.carrier == Carrier::Udp { 17 } else { 6 }])?;
    packet.chunk(if v4 { IPV4_FROM } else { IPV6_FROM }, &octets(from))?;
    packet.chunk(if v4 { IPV4_TO } else { IPV6_TO }, &octets(to))?;
    packet.chunk(PORT_FROM, &report.from.port().to_be_bytes())?;
    packet.chunk(PORT_TO, &report.to.port().to_be_bytes())?;
    packet.chunk(SECONDS, &u32::try_from(report.at.timestamp()).unwrap_or_default().to_be_bytes())?;
    packet.chunk(MICROSECONDS, &report.at.timestamp_subsec_micros().to_be_bytes())?;
    packet.chunk(
        KIND,
        &[match report.kind {
            ReportKind::Sip => 1,
            ReportKind::Rtcp => 5,
        }],
    )?;
    packet.chunk(AGENT, &agent.id.to_be_bytes())?;
    if !agent.key.is_empty() {
        packet.chunk(KEY, agent.key.as_bytes())?;
    }
    if !report.correlation.is_empty() {
        packet.chunk(CORRELATION, report.correlation.as_bytes())?;
    }
    packet.chunk(PAYLOAD, report.payload)?;
    packet.finish()
}

struct Packet(Vec<u8>);

impl Packet {
    /// Vendor 0, type, length with these six octets, content.
    fn chunk(&mut self, kind: u16, content: &[u8]) -> Option<()> {
        let length = u16::try_from(content.len() + CHUNK_HEAD).ok()?;
        for field in [0, kind, length] {
            self.0.extend_from_slice(&field.to_be_bytes());
        }
        self.0.extend_from_slice(content);
        Some(())
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.0.len()).ok().filter(|length| *length <= MAX_DATAGRAM)?;
        self.0.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
        Some(self.0)
    }
}

const fn mapped(ip: IpAddr) -> std::net::Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

const FAMILY: u16 = 1;
const PROTOCOL: u16 = 2;
const IPV4_FROM: u16 = 3;
const IPV4_TO: u16 = 4;
const IPV6_FROM: u16 = 5;
const IPV6_TO: u16 = 6;
const PORT_FROM: u16 = 7;
const PORT_TO: u16 = 8;
const SECONDS: u16 = 9;
const MICROSECONDS: u16 = 10;
const KIND: u16 = 11;
const AGENT: u16 = 12;
const KEY: u16 = 14;
const PAYLOAD: u16 = 15;
const CORRELATION: u16 = 17;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const CHUNK_HEAD: usize = 6;
/// What UDP over IPv4 carries.
const MAX_DATAGRAM: u16 = 65_507;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Reads a packet as strictly as the specification allows: every length true, no chunk twice, nothing behind.
    fn decode(packet: &[u8]) -> BTreeMap<u16, Vec<u8>> {
        assert_eq!(&packet[..4], b"HEP3");
        assert_eq!(usize::from(u16::from_be_bytes([packet[4], packet[5]])), packet.len());
        let (mut chunks, mut rest) = (BTreeMap::new(), &packet[6..]);
        while !rest.is_empty() {
            let field = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
            let (vendor, kind, length) = (field(0), field(2), usize::from(field(4)));
            assert!(vendor == 0 && length >= 6 && chunks.insert(kind, rest[6..length].to_vec()).is_none(), "{kind}");
            rest = &rest[length..];
        }
        chunks
    }

    fn report<'a>(from: &str, to: &str, payload: &'a [u8]) -> Report<'a> {
        Report {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            carrier: Carrier::Udp,
            at: DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap(),
            kind: ReportKind::Sip,
            correlation: "call-1",
            payload,
        }
    }

    #[test]
    fn every_part_stands_in_its_chunk() {
        let agent = Agent { id: 2001, key: "myHep" };
        let chunks = decode(&encode(agent, &report("192.0.2.1:5060", "198.51.100.7:5070", b"BYE")).unwrap());
        let expected: [(u16, &[u8]); 13] = [
            (1, &[2]),
            (2, &[17]),
            (3, &[192, 0, 2, 1]),
            (4, &[198, 51, 100, 7]),
            (7, &5060_u16.to_be_bytes()),
            (8, &5070_u16.to_be_bytes()),
            (9, &1_800_000_000_u32.to_be_bytes()),
            (10, &123_456_u32.to_be_bytes()),
            (11, &[1]),
            (12, &2001_u32.to_be_bytes()),
            (14, b"myHep"),
            (15, b"BYE"),
            (17, b"call-1"),
        ];
        assert_eq!(chunks, expected.map(|(kind, content)| (kind, content.to_vec())).into_iter().collect());
    }

    #[test]
    fn ipv6_and_tcp_are_told_as_such_and_what_is_empty_is_left_out() {
        let mut told = report("[2001:db8::1]:5061", "[2001:db8::2]:5061", b"x");
        (told.carrier, told.correlation) = (Carrier::Tcp, "");
        let chunks = decode(&encode(Agent { id: 1, key: "" }, &told).unwrap());
        assert_eq!((chunks[&1].as_slice(), chunks[&2].as_slice(), chunks[&5].len(), chunks[&6].len()), (&[10][..], &[6][..], 16, 16));
        assert!([3, 4, 14, 17].iter().all(|kind| !chunks.contains_key(kind)));
    }

    #[test]
    fn what_no_datagram_carries_is_not_told() {
        let agent = Agent { id: 1, key: "" };
        assert_eq!(encode(agent, &report("192.0.2.1:1", "192.0.2.2:2", &vec![0; 65_500])), None);
        assert!(encode(agent, &report("192.0.2.1:1", "192.0.2.2:2", &vec![0; 65_000])).is_some());
    }
}
