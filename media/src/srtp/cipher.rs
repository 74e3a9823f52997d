//! One direction's transform of RTP or of RTCP under one session key: a closed set of two.

use crate::srtp::aes_cm::AesCm;
use crate::srtp::aes_gcm::AesGcm;
use crate::srtp::key_derivation::Label;
use crate::srtp::{CryptoSuite, MasterKey, SrtpError};
use crate::units::Ssrc;

/// The transforms of one master key.
#[derive(Debug)]
pub(super) struct Ciphers {
    pub(super) rtp: Cipher,
    pub(super) rtcp: Cipher,
}

impl Ciphers {
    pub(super) fn new(key: &MasterKey) -> Self {
        Self { rtp: Cipher::new(key, Purpose::Rtp), rtcp: Cipher::new(key, Purpose::Rtcp) }
    }
}

/// What a transform is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Rtp,
    Rtcp,
}

impl Purpose {
    pub(super) const fn encryption(self) -> Label {
        match self {
            Self::Rtp => Label::RtpEncryption,
            Self::Rtcp => Label::RtcpEncryption,
        }
    }

    pub(super) const fn authentication(self) -> Label {
        match self {
            Self::Rtp => Label::RtpAuthentication,
            Self::Rtcp => Label::RtcpAuthentication,
        }
    }

    pub(super) const fn salt(self) -> Label {
        match self {
            Self::Rtp => Label::RtpSalt,
            Self::Rtcp => Label::RtcpSalt,
        }
    }
}

/// A transform. Whoever opens hands in exactly what came: on an error the buffer holds anything.
///
/// Expanded keys take up to 864 octets, and few calls have them.
#[derive(Debug)]
pub(super) enum Cipher {
    AesCm(Box<AesCm>),
    AesGcm(Box<AesGcm>),
}

impl Cipher {
    fn new(key: &MasterKey, purpose: Purpose) -> Self {
        match key.suite() {
            CryptoSuite::AesCm128HmacSha1_80 | CryptoSuite::AesCm128HmacSha1_32 => Self::AesCm(Box::new(AesCm::new(key, purpose))),
            CryptoSuite::AeadAes128Gcm | CryptoSuite::AeadAes256Gcm => Self::AesGcm(Box::new(AesGcm::new(key, purpose))),
        }
    }

    /// Octets that protection adds to an RTP packet; to an RTCP packet it adds an index of four more.
    pub(super) const fn tag_len(&self) -> usize {
        match self {
            Self::AesCm(cipher) => cipher.tag_len(),
            Self::AesGcm(_) => AesGcm::TAG_LEN,
        }
    }

    /// Protects a packet whose payload begins at `header_len`.
    pub(super) fn seal_rtp(&self, ssrc: Ssrc, index: u64, packet: &mut Vec<u8>, header_len: usize) -> Result<(), SrtpError> {
        match self {
            Self::AesCm(cipher) => cipher.seal_rtp(ssrc, index, packet, header_len),
            Self::AesGcm(cipher) => cipher.seal_rtp(ssrc, index, packet, header_len),
        }
    }

    /// Opens a packet whose payload begins at `header_len`, and takes its tag off.
    pub(super) fn open_rtp(&self, ssrc: Ssrc, index: u64, packet: &mut Vec<u8>, header_len: usize) -> Result<(), SrtpError> {
        match self {
            Self::AesCm(cipher) => cipher.open_rtp(ssrc, index, packet, header_len),
            Self::AesGcm(cipher) => cipher.open_rtp(ssrc, index, packet, header_len),
        }
    }

    /// Protects a compound, and puts index and tag behind it.
    pub(super) fn seal_rtcp(&self, ssrc: Ssrc, index: u32, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        match self {
            Self::AesCm(cipher) => cipher.seal_rtcp(ssrc, index, compound),
            Self::AesGcm(cipher) => cipher.seal_rtcp(ssrc, index, compound),
        }
    }

    /// The E bit and the index of a protected compound, if it is long enough.
    pub(super) fn rtcp_index_word(&self, compound: &[u8]) -> Option<u32> {
        let behind = match self {
            Self::AesCm(cipher) => cipher.tag_len(),
            Self::AesGcm(_) => 0,
        };
        let word = compound.len().checked_sub(behind).and_then(|end| compound.get(..end))?.last_chunk::<4>()?;
        Some(u32::from_be_bytes(*word))
    }

    /// Opens a compound, and takes index and tag off.
    pub(super) fn open_rtcp(&self, ssrc: Ssrc, index: u32, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        match self {
            Self::AesCm(cipher) => cipher.open_rtcp(ssrc, index, compound),
            Self::AesGcm(cipher) => cipher.open_rtcp(ssrc, index, compound),
        }
    }
}

/// The bit above an SRTCP index: the packet is encrypted (RFC 3711 §3.4).
pub(super) const ENCRYPTED: u32 = 1 << 31;
