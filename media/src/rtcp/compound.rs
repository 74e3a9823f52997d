//! The walk over a datagram of RTCP (RFC 3550 §6.1, appendix A.2): what it holds, with a bound on the work it can cause.
//!
//! A datagram is read twice: once whole, so that a bad tail spoils all of it before any of it takes effect, and once for
//! its effects. Both are views on its octets: nothing is copied, nothing is allocated.

use super::extended::Extended;
use super::goodbye::Goodbye;
use super::receiver_report::ReceiverReport;
use super::sender_report::SenderReport;
use super::source_description::SourceDescription;

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
    /// A packet is padded that is not the last, or by octets that it does not have.
    #[error("misplaced padding in a packet of type {packet_type}")]
    Padding {
        /// Its packet type.
        packet_type: u8,
    },
    /// A compound does not begin with a report, and packets of reduced size were not agreed on (RFC 5506).
    #[error("begins with a packet of type {packet_type} instead of a report")]
    NoReport {
        /// The packet type that it begins with.
        packet_type: u8,
    },
    /// More packets than any compound of an audio call has.
    #[error("more than {MAX_PACKETS} packets in a compound")]
    TooMany,
    /// The body of a packet is shorter than its header says.
    #[error("malformed packet of type {packet_type}")]
    Malformed {
        /// Its packet type.
        packet_type: u8,
    },
}

/// A packet that concerns us. Applications' own, feedback and what is not known are stepped over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    SenderReport(SenderReport<'a>),
    ReceiverReport(ReceiverReport<'a>),
    SourceDescription(SourceDescription<'a>),
    Goodbye(Goodbye<'a>),
    Extended(Extended<'a>),
}

/// All of RTCP is made of these (§6.1: everything is aligned to 32 bits).
pub(super) type Word = [u8; 4];

/// The packets of a datagram whose form is sound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packets<'a> {
    rest: &'a [u8],
}

/// Checks a whole datagram. With `reduced_size` it need not begin with a report (RFC 5506 §3.4).
pub(super) fn parse(datagram: &[u8], reduced_size: bool) -> Result<Packets<'_>, RtcpError> {
    let mut rest = datagram;
    for n in 0..MAX_PACKETS {
        let (packet, behind) = split(rest)?;
        let packet_type = packet.packet_type;
        if n == 0 && !reduced_size && !matches!(packet_type, SENDER_REPORT | RECEIVER_REPORT) {
            return Err(RtcpError::NoReport { packet_type });
        }
        packet.read()?;
        if behind.is_empty() {
            return Ok(Packets { rest: datagram });
        }
        rest = behind;
    }
    Err(RtcpError::TooMany)
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (packet, behind) = split(self.rest).ok()?;
            self.rest = behind;
            if let Some(packet) = packet.read().ok()? {
                return Some(packet);
            }
        }
    }
}

/// Appends a packet, its length filled in behind its body, which must be of whole words.
pub(super) fn append(out: &mut Vec<u8>, packet_type: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[VERSION << 6 | count & MAX_COUNT, packet_type, 0, 0]);
    body(out);
    let words = (out.len() - start) / 4 - 1;
    if let Some(length) = out.get_mut(start + 2..start + 4) {
        length.copy_from_slice(&u16::try_from(words).unwrap_or(u16::MAX).to_be_bytes());
    }
}

/// A packet before anybody knows what it says.
#[derive(Clone, Copy, Debug)]
struct Raw<'a> {
    packet_type: u8,
    count: usize,
    body: &'a [Word],
}

impl<'a> Raw<'a> {
    fn read(self) -> Result<Option<Packet<'a>>, RtcpError> {
        let Self { packet_type, count, body } = self;
        let packet = match packet_type {
            SENDER_REPORT => SenderReport::read(count, body).map(Packet::SenderReport),
            RECEIVER_REPORT => ReceiverReport::read(count, body).map(Packet::ReceiverReport),
            SOURCE_DESCRIPTION => Some(Packet::SourceDescription(SourceDescription::read(count, body))),
            GOODBYE => Goodbye::read(count, body).map(Packet::Goodbye),
            EXTENDED_REPORT => Extended::read(body).map(Packet::Extended),
            _ => return Ok(None),
        };
        packet.map(Some).ok_or(RtcpError::Malformed { packet_type })
    }
}

/// Cuts the first packet off, by the length in its header, and its padding with it.
fn split(datagram: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let left = datagram.len();
    let &[flags, packet_type, high, low] = datagram.first_chunk::<4>().ok_or(RtcpError::Truncated { left })?;
    let version = flags >> 6;
    if version != VERSION {
        return Err(RtcpError::Version { version });
    }
    let claimed = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
    let (packet, behind) = datagram.split_at_checked(claimed).ok_or(RtcpError::Length { claimed, left })?;
    let mut body = packet.as_chunks::<4>().0.get(1..).unwrap_or_default();
    if flags & PADDED != 0 {
        // The count should be a multiple of four. Some libraries count what fills a last word that the packet itself needs.
        let octets = body.last().map_or(0, |[.., octets]| usize::from(*octets));
        let fits = behind.is_empty() && (1..=body.len() * 4).contains(&octets);
        let kept = body.get(..body.len().saturating_sub(octets / 4)).filter(|_| fits);
        body = kept.ok_or(RtcpError::Padding { packet_type })?;
    }
    Ok((Raw { packet_type, count: usize::from(flags & MAX_COUNT), body }, behind))
}

/// A compound of two members holds a report, SDES, XR and at most a goodbye or some feedback.
const MAX_PACKETS: usize = 16;
const VERSION: u8 = 2;
const PADDED: u8 = 0x20;
/// What the five bits behind them hold.
const MAX_COUNT: u8 = 31;
pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SOURCE_DESCRIPTION: u8 = 202;
pub(super) const GOODBYE: u8 = 203;
pub(super) const EXTENDED_REPORT: u8 = 207;

#[cfg(test)]
mod tests;
