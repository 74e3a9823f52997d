//! AES in Galois counter mode (RFC 7714).

use std::fmt;

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use zeroize::Zeroizing;

use crate::srtp::cipher::{ENCRYPTED, Purpose};
use crate::srtp::key_derivation::derive;
use crate::srtp::{CryptoSuite, MasterKey, RTCP_HEADER_LEN, SrtpError};
use crate::units::Ssrc;

/// The session keys of RTP or of RTCP, expanded.
pub(super) struct AesGcm {
    key: LessSafeKey,
    /// Salt of 96 bits, at the bottom.
    salt: Zeroizing<u128>,
}

impl AesGcm {
    pub(super) const TAG_LEN: usize = 16;

    pub(super) fn new(master: &MasterKey, purpose: Purpose) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let (algorithm, key_len) = match master.suite() {
            CryptoSuite::AeadAes256Gcm => (&AES_256_GCM, 32),
            _ => (&AES_128_GCM, 16),
        };
        let (key, _) = key.split_at_mut(key_len);
        derive(master, purpose.encryption(), key);
        let mut salt = Zeroizing::new([0; 16]);
        let (_, filled) = salt.split_at_mut(4);
        derive(master, purpose.salt(), filled);
        let key = UnboundKey::new(algorithm, key).expect("the key is as long as the algorithm's");
        Self { key: LessSafeKey::new(key), salt: Zeroizing::new(u128::from_be_bytes(*salt)) }
    }

    pub(super) fn seal_rtp(&self, ssrc: Ssrc, index: u64, packet: &mut Vec<u8>, header_len: usize) -> Result<(), SrtpError> {
        let too_short = SrtpError::TooShort { len: packet.len() };
        let (header, payload) = packet.split_at_mut_checked(header_len).ok_or(too_short)?;
        let tag = self.seal(ssrc, index, header, payload)?;
        packet.extend_from_slice(tag.as_ref());
        Ok(())
    }

    pub(super) fn open_rtp(&self, ssrc: Ssrc, index: u64, packet: &mut Vec<u8>, header_len: usize) -> Result<(), SrtpError> {
        let too_short = SrtpError::TooShort { len: packet.len() };
        let (header, protected) = packet.split_at_mut_checked(header_len).ok_or(too_short)?;
        let opened = self.open(ssrc, index, header, protected)?;
        packet.truncate(header_len + opened);
        Ok(())
    }

    pub(super) fn seal_rtcp(&self, ssrc: Ssrc, index: u32, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        let too_short = SrtpError::TooShort { len: compound.len() };
        let (header, body) = compound.split_first_chunk_mut::<RTCP_HEADER_LEN>().ok_or(too_short)?;
        let word = (ENCRYPTED | index).to_be_bytes();
        let tag = self.seal(ssrc, u64::from(index), &associated(header, word), body)?;
        compound.extend_from_slice(tag.as_ref());
        compound.extend_from_slice(&word);
        Ok(())
    }

    pub(super) fn open_rtcp(&self, ssrc: Ssrc, index: u32, compound: &mut Vec<u8>) -> Result<(), SrtpError> {
        compound.truncate(compound.len().saturating_sub(4));
        let too_short = SrtpError::TooShort { len: compound.len() };
        let (header, protected) = compound.split_first_chunk_mut::<RTCP_HEADER_LEN>().ok_or(too_short)?;
        let associated = associated(header, (ENCRYPTED | index).to_be_bytes());
        let opened = self.open(ssrc, u64::from(index), &associated, protected)?;
        compound.truncate(RTCP_HEADER_LEN + opened);
        Ok(())
    }

    fn seal(&self, ssrc: Ssrc, index: u64, associated: &[u8], text: &mut [u8]) -> Result<Tag, SrtpError> {
        let sealed = self.key.seal_in_place_separate_tag(self.nonce(ssrc, index), Aad::from(associated), text);
        // ring refuses nothing but texts of gigabytes.
        sealed.map_err(|_| SrtpError::KeyExhausted)
    }

    /// How many octets of clear text there are.
    fn open(&self, ssrc: Ssrc, index: u64, associated: &[u8], text_and_tag: &mut [u8]) -> Result<usize, SrtpError> {
        let opened = self.key.open_in_place(self.nonce(ssrc, index), Aad::from(associated), text_and_tag);
        opened.map(|text| text.len()).map_err(|_| SrtpError::NotAuthentic)
    }

    /// Two octets of nought, source, index, and the salt over it (RFC 7714 §8.1; of RTCP, with its index of 31 bits, §9.1).
    fn nonce(&self, ssrc: Ssrc, index: u64) -> Nonce {
        let block = (*self.salt ^ u128::from(ssrc.0) << 48 ^ u128::from(index)).to_be_bytes();
        let [_, _, _, _, nonce @ ..] = block;
        Nonce::assume_unique_for_key(nonce)
    }
}

impl fmt::Debug for AesGcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesGcm(hidden)")
    }
}

/// What is authenticated of an encrypted RTCP packet without being encrypted: its header, and the index behind its tag.
fn associated(header: &[u8; RTCP_HEADER_LEN], word: [u8; 4]) -> [u8; RTCP_HEADER_LEN + 4] {
    let [a, b, c, d, e, f, g, h] = *header;
    let [i, j, k, l] = word;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}
