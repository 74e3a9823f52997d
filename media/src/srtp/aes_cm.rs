//! AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1).

use std::fmt;

use aes::Aes128;
use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
use ctr::{CtrCore, flavors};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::srtp::cipher::{ENCRYPTED, Purpose};
use crate::srtp::key_derivation::derive;
use crate::srtp::{CryptoSuite, MasterKey, RTCP_HEADER_LEN, SrtpError};
use crate::units::Ssrc;

/// The session keys of RTP or of RTCP, expanded.
pub(super) struct AesCm {
    cipher: Aes128,
    /// Salt of 112 bits, at the top of the counter block.
    salt: Zeroizing<u128>,
    /// Keyed once: that is two of its four blocks of SHA-1.
    hmac: Hmac<Sha1>,
    tag_len: usize,
}

impl AesCm {
    pub(super) fn new(master: &MasterKey, purpose: Purpose) -> Self {
        let (mut key, mut salt, mut auth) = (Zeroizing::new([0; 16]), Zeroizing::new([0; 16]), Zeroizing::new([0; 20]));
        derive(master, purpose.encryption(), &mut *key);
        let (filled, _counter) = salt.split_at_mut(SALT_LEN);
        derive(master, purpose.salt(), filled);
        derive(master, purpose.authentication(), &mut *auth);
        let short = purpose == Purpose::Rtp && master.suite() == CryptoSuite::AesCm128HmacSha1_32;
        Self {
            cipher: Aes128::new((&*key).into()),
            salt: Zeroizing::new(u128::from_be_bytes(*salt)),
            hmac: <Hmac<Sha1> as Mac>::new_from_slice(&*auth).expect("HMAC takes a key of any length"),
            tag_len: if short { 4 } else { 10 },
        }
    }

    pub(super) const fn tag_len(&self) -> usize {
        self.tag_len
    }

    pub(super) fn seal_rtp(&self, ssrc: Ssrc, index: u64, packet: &mut Vec<u8>, header_len: usize) -> Result<(), SrtpError> {
        self.apply_keystream(ssrc, index, packet, header_len)?;
        let tag = self.authenticated(&[packet, &roll_overs(index)]).finalize().into_bytes();
        packet.extend(tag.iter().take(self.tag_len));
        Ok(())
    }

    pub(super) fn open_rtp(&self, ssrc: Ssrc, index: u64, packet: &mut Vec<u8>, header_len: usize) -> Result<(), SrtpError> {
        self.take_tag(packet, &roll_overs(index))?;
        self.apply_keystream(ssrc, index, packet, header_len)
    }

    pub(super) fn seal_rtcp(&self, ssrc: Ssrc, index: u32, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        self.apply_keystream(ssrc, u64::from(index), compound, RTCP_HEADER_LEN)?;
        compound.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        let tag = self.authenticated(&[compound]).finalize().into_bytes();
        compound.extend(tag.iter().take(self.tag_len));
        Ok(())
    }

    pub(super) fn open_rtcp(&self, ssrc: Ssrc, index: u32, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        self.take_tag(compound, &[])?;
        compound.truncate(compound.len().saturating_sub(4));
        self.apply_keystream(ssrc, u64::from(index), compound, RTCP_HEADER_LEN)
    }

    /// Encrypts or decrypts what stands from `from` on (RFC 3711 §4.1.1).
    fn apply_keystream(&self, ssrc: Ssrc, index: u64, packet: &mut [u8], from: usize) -> Result<(), SrtpError> {
        let too_short = SrtpError::TooShort { len: packet.len() };
        let counter = *self.salt ^ u128::from(ssrc.0) << 64 ^ u128::from(index) << 16;
        let core = CtrCore::<&Aes128, flavors::Ctr128BE>::inner_iv_init(&self.cipher, &counter.to_be_bytes().into());
        StreamCipherCoreWrapper::from_core(core).apply_keystream(packet.get_mut(from..).ok_or(too_short)?);
        Ok(())
    }

    /// Compares the tag at the end in constant time, and takes it off.
    fn take_tag(&self, packet: &mut Vec<u8>, behind: &[u8]) -> Result<(), SrtpError> {
        let too_short = SrtpError::TooShort { len: packet.len() };
        let (body, tag) = packet.len().checked_sub(self.tag_len).and_then(|at| packet.split_at_checked(at)).ok_or(too_short)?;
        self.authenticated(&[body, behind]).verify_truncated_left(tag).map_err(|_| SrtpError::NotAuthentic)?;
        packet.truncate(packet.len().saturating_sub(self.tag_len));
        Ok(())
    }

    fn authenticated(&self, parts: &[&[u8]]) -> Hmac<Sha1> {
        let mut hmac = self.hmac.clone();
        parts.iter().for_each(|part| hmac.update(part));
        hmac
    }
}

impl fmt::Debug for AesCm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesCm(hidden)")
    }
}

/// The roll-over counter of an index, which is authenticated though not sent (RFC 3711 §4.2).
#[expect(clippy::cast_possible_truncation, reason = "an index has 48 bits, of which the upper 32 are asked for")]
const fn roll_overs(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// Octets of the session salt.
const SALT_LEN: usize = 14;

#[cfg(test)]
impl AesCm {
    /// A transform by its session keys, for the vectors of RFC 3711 appendix B.2.
    pub(super) fn of_session_keys(key: [u8; 16], salt: [u8; SALT_LEN]) -> Self {
        let mut block = [0; 16];
        block[..SALT_LEN].copy_from_slice(&salt);
        let hmac = <Hmac<Sha1> as Mac>::new_from_slice(&[]).unwrap();
        Self { cipher: Aes128::new((&key).into()), salt: Zeroizing::new(u128::from_be_bytes(block)), hmac, tag_len: 10 }
    }

    pub(super) fn keystream(&self, ssrc: Ssrc, index: u64, len: usize) -> Vec<u8> {
        let mut out = vec![0; len];
        self.apply_keystream(ssrc, index, &mut out, 0).unwrap();
        out
    }
}
