//! RTP packets as views on a datagram (RFC 3550 §5), and how RTP and RTCP are told apart on one port (RFC 5761 §4).
//!
//! The view is our own, not `rtc-rtp`'s header: that one allocates for contributing sources and for every header
//! extension, accepts any version, and reads on into the payload behind a reserved extension identifier or an
//! extension that overruns its block. It stands in the tests instead, as the oracle of what is parsed and written.
//!
//! Left out on purpose: the contents of contributing sources and header extensions, which nothing here reads.

mod demux;
mod packet;

pub use demux::{RtpOrRtcp, demux};
pub use packet::RtpError;

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

/// What the payload types of one direction stand for, as its receiver has named them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTypes {
    /// Audio.
    pub audio: PayloadType,
    /// Telephone-events (RFC 4733), where negotiated.
    pub telephone_event: Option<PayloadType>,
    /// Comfort noise (RFC 3389), where negotiated.
    pub comfort_noise: Option<PayloadType>,
}

impl PayloadTypes {
    /// Audio and nothing else.
    #[must_use]
    pub const fn audio(audio: PayloadType) -> Self {
        Self { audio, telephone_event: None, comfort_noise: None }
    }
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
