//! RTP packets as views on a datagram (RFC 3550 §5).

use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// The part of an RTP header that this product reads and writes; contributing sources and extensions are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// What the payload is.
    pub payload_type: PayloadType,
    /// Place in the stream.
    pub sequence: SequenceNumber,
    /// Sampling instant of the first sample.
    pub timestamp: RtpTimestamp,
    /// Whose stream.
    pub ssrc: Ssrc,
    /// First packet of a talkspurt (RFC 3551 §4.1).
    pub marker: bool,
}

/// A packet, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// Its header.
    pub header: RtpHeader,
    /// Its payload without padding.
    pub payload: &'a [u8],
}

/// Where an outgoing stream begins; random, drawn by the caller (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpSeed {
    /// The stream's source identifier.
    pub ssrc: Ssrc,
    /// The first packet's sequence number.
    pub sequence: SequenceNumber,
    /// The first packet's timestamp.
    pub timestamp: RtpTimestamp,
}
