//! SRTP and SRTCP: packets encrypted, authenticated, and taken once (RFC 3711, RFC 7714).
//!
//! [`Sender`] protects what goes out under one master key, [`Receiver`] opens what comes in under another; neither
//! does both. A packet is protected and opened where it stands, and allocates nothing.
//!
//! The transform is our own over `ring` (AES-GCM) and RustCrypto's `aes`, `ctr`, `sha1`, `hmac` (AES-CM with
//! HMAC-SHA1, which ring does not offer at this speed). `rtc-srtp` is the oracle of its tests and no more: it takes an
//! SRTCP packet whose E bit is clear without looking at its tag, keeps state for every SSRC that anybody writes on a
//! datagram before it is authenticated, and allocates for every packet.
//!
//! What a receiver keeps is changed by authentic packets only. A packet's index is estimated as in RFC 3711 §3.3.1,
//! with one guess more where that section knows it fails: the first packet heard may stand behind the first roll-over
//! (late join), and so may one after so long a silence that a roll-over fits into it.
//!
//! Left out on purpose: MKI, key derivation rates other than nought, unencrypted and unauthenticated SRTP or SRTCP,
//! encrypted header extensions (RFC 6904, RFC 9335): none of them is agreed to in `crate::sdp`.

mod aes_cm;
mod aes_gcm;
mod cipher;
mod key_derivation;
mod master_key;
mod receiver;
mod replay;
mod sender;
mod streams;
mod suite;

pub use master_key::{KeySeed, MasterKey, SdesKeys};
pub use receiver::Receiver;
pub use sender::Sender;
pub use suite::CryptoSuite;

use crate::rtp::RtpError;

/// Why a packet is not opened, or not protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// It has no room for header, index and tag.
    #[error("{len} octets hold no protected packet")]
    TooShort {
        /// Its octets.
        len: usize,
    },
    /// Its header is none.
    #[error("malformed RTP header")]
    Header(#[from] RtpError),
    /// Nobody who has the key wrote it.
    #[error("not authentic")]
    NotAuthentic,
    /// It came before, or is older than can be told.
    #[error("replayed")]
    Replayed,
    /// It says that it is not encrypted, which nobody agreed to.
    #[error("not encrypted")]
    NotEncrypted,
    /// Its stream is one more than a key serves here.
    #[error("more streams than a key serves")]
    TooManyStreams,
    /// The key has served 2^48 RTP or 2^31 RTCP packets (RFC 3711 §9.2).
    #[error("the key is used up")]
    KeyExhausted,
}

/// Indices of RTP packets under one key: 32 bits of roll-overs, 16 of sequence number.
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// Indices of RTCP packets under one key.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// Header and source of an RTCP packet, which stay in clear.
const RTCP_HEADER_LEN: usize = 8;

#[cfg(test)]
mod tests;
