//! Why datagrams are dropped, and how often they were.

use crate::ice::IceError;
use crate::rtp::RtpError;
use crate::srtp::SrtpError;

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Discard {
    /// No offer or answer has named the peer's address yet.
    #[error("the peer's address is not known")]
    RemoteUnknown,
    /// It came from another address than the peer's, or over another protocol.
    #[error("from a foreign address")]
    ForeignAddress,
    /// It came from the peer's address, but not from the port of its media.
    #[error("from a foreign port")]
    ForeignPort,
    /// It is longer than any packet of a call.
    #[error("{len} octets")]
    TooLong {
        /// Its octets.
        len: usize,
    },
    /// It is neither RTP nor RTCP, nor anything that this transport speaks.
    #[error("neither RTP nor RTCP")]
    Junk,
    /// It begins as RTP, but is none.
    #[error("malformed RTP")]
    Rtp(#[from] RtpError),
    /// It begins as RTCP, but its lengths say otherwise.
    #[error("malformed RTCP")]
    Rtcp,
    /// It is not protected as was agreed, or came before.
    #[error("refused by SRTP")]
    Srtp(#[from] SrtpError),
    /// It is no check of the peer's (ICE), or answers none of ours.
    #[error("refused by ICE")]
    Ice(#[from] IceError),
    /// It came before the peer's address was proved, and as many as may wait already.
    #[error("too early")]
    TooEarly,
    /// It belongs to another stream than the one that is locked, and the lock still holds.
    #[error("of a foreign stream")]
    ForeignStream,
}

/// How many datagrams were dropped, by reason; each datagram counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiscardCounts {
    /// Before the peer's address was known.
    pub remote_unknown: u64,
    /// From another address or protocol than the peer's.
    pub foreign_address: u64,
    /// From another port of the peer's address.
    pub foreign_port: u64,
    /// Longer than any packet of a call.
    pub too_long: u64,
    /// Neither RTP nor RTCP.
    pub junk: u64,
    /// Malformed RTP.
    pub malformed_rtp: u64,
    /// Malformed RTCP.
    pub malformed_rtcp: u64,
    /// Of another stream than the one that is locked, or of more streams than one key serves.
    pub foreign_stream: u64,
    /// Not protected by the peer's key: forged, damaged, in clear, or under a key that is none any more.
    pub unauthentic: u64,
    /// Protected by the peer's key, but not for the first time, or too old to tell.
    pub replayed: u64,
    /// Ours, not sent: the peer's address is unknown, or on hold by c=0.0.0.0, or our key is used up.
    pub unsent: u64,
    /// Ours, pushed out of a full queue by newer ones.
    pub overflowed: u64,
}

impl DiscardCounts {
    pub(super) const fn count(&mut self, discard: Discard) {
        let counter = match discard {
            Discard::RemoteUnknown | Discard::TooEarly => &mut self.remote_unknown,
            Discard::ForeignAddress => &mut self.foreign_address,
            Discard::ForeignPort => &mut self.foreign_port,
            Discard::TooLong { .. } => &mut self.too_long,
            Discard::Junk | Discard::Ice(IceError::Stun(_)) => &mut self.junk,
            Discard::Rtp(_) | Discard::Srtp(SrtpError::Header(_)) => &mut self.malformed_rtp,
            Discard::Rtcp => &mut self.malformed_rtcp,
            Discard::ForeignStream | Discard::Srtp(SrtpError::TooManyStreams) => &mut self.foreign_stream,
            Discard::Srtp(SrtpError::Replayed) => &mut self.replayed,
            Discard::Ice(_)
            | Discard::Srtp(SrtpError::TooShort { .. } | SrtpError::NotAuthentic | SrtpError::NotEncrypted | SrtpError::KeyExhausted) => {
                &mut self.unauthentic
            }
        };
        *counter += 1;
    }

    /// Datagrams of others that were dropped, whatever the reason.
    #[must_use]
    pub const fn inbound(&self) -> u64 {
        let foreign = self.remote_unknown + self.foreign_address + self.foreign_port + self.foreign_stream;
        let unreadable = self.too_long + self.junk + self.malformed_rtp + self.malformed_rtcp;
        foreign + unreadable + self.unauthentic + self.replayed
    }
}
