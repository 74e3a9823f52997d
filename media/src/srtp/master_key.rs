//! Master keys with their salts: what SDP carries, from which every other key is derived.
//!
//! They do not print, and their octets are overwritten when they are dropped. So are derived keys, except what `ring`
//! and `hmac` have made of them inside (expanded keys, two SHA-1 states), which those libraries do not overwrite.

use std::fmt;

use ring::hkdf::{HKDF_SHA256, KeyType, Prk};
use zeroize::Zeroizing;

use crate::srtp::CryptoSuite;

/// One direction's key.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: CryptoSuite,
    /// Key, then salt, then nought.
    octets: Zeroizing<[u8; MAX_LEN]>,
}

impl MasterKey {
    /// From key and salt behind one another; `None` when there are not as many octets as the suite has.
    #[must_use]
    pub fn new(suite: CryptoSuite, key_and_salt: &[u8]) -> Option<Self> {
        let mut key = Self { suite, octets: Zeroizing::new([0; MAX_LEN]) };
        let octets = key.octets.get_mut(..suite.key_len() + suite.salt_len())?;
        if octets.len() != key_and_salt.len() {
            return None;
        }
        octets.copy_from_slice(key_and_salt);
        Some(key)
    }

    /// A fresh key; `generation` and `line` tell the keys of one seed apart.
    #[must_use]
    pub fn generate(suite: CryptoSuite, seed: &KeySeed, generation: u64, line: u32) -> Self {
        let mut octets = Zeroizing::new([0; MAX_LEN]);
        let (generation, line) = (generation.to_be_bytes(), line.to_be_bytes());
        let purpose = [b"auricle sdes".as_slice(), suite.name().as_bytes(), &generation, &line];
        Prk::new_less_safe(HKDF_SHA256, &*seed.0)
            .expand(&purpose, Octets)
            .and_then(|key| key.fill(&mut *octets))
            .expect("two blocks of SHA-256 are within what HKDF gives");
        for octet in octets.iter_mut().skip(suite.key_len() + suite.salt_len()) {
            *octet = 0;
        }
        Self { suite, octets }
    }

    /// The suite that it is for.
    #[must_use]
    pub const fn suite(&self) -> CryptoSuite {
        self.suite
    }

    /// Key and salt, as they stand in SDP.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.octets.get(..self.suite.key_len() + self.suite.salt_len()).unwrap_or_default()
    }

    pub(super) fn key(&self) -> &[u8] {
        self.expose().get(..self.suite.key_len()).unwrap_or_default()
    }

    pub(super) fn salt(&self) -> &[u8] {
        self.expose().get(self.suite.key_len()..).unwrap_or_default()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, hidden)", self.suite.name())
    }
}

/// The keys of both directions, as an offer and its answer have agreed on them (RFC 4568 §5.1.2). Both are of one suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdesKeys {
    /// Protects what we send.
    pub local: MasterKey,
    /// Protects what the peer sends.
    pub remote: MasterKey,
}

impl SdesKeys {
    /// The suite of both.
    #[must_use]
    pub const fn suite(&self) -> CryptoSuite {
        self.local.suite()
    }
}

/// Randomness that keys of a call are made of: 32 octets that nobody can guess, drawn by the caller, never used again.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySeed(Zeroizing<[u8; 32]>);

impl KeySeed {
    /// A seed of these octets.
    #[must_use]
    pub fn new(octets: [u8; 32]) -> Self {
        Self(Zeroizing::new(octets))
    }
}

impl fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySeed(hidden)")
    }
}

/// How much is asked of HKDF.
struct Octets;

impl KeyType for Octets {
    fn len(&self) -> usize {
        MAX_LEN
    }
}

/// An AES-256 key and the longest salt.
const MAX_LEN: usize = 46;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_as_many_octets_as_its_suite_or_is_none() {
        for suite in CryptoSuite::ALL {
            let len = suite.key_len() + suite.salt_len();
            for wrong in (0..60).filter(|wrong| *wrong != len) {
                assert_eq!(MasterKey::new(suite, &vec![1; wrong]), None, "{} {wrong}", suite.name());
            }
            let octets: Vec<u8> = (0..len as u8).collect();
            let key = MasterKey::new(suite, &octets).unwrap();
            assert_eq!((key.expose(), key.key().len(), key.salt().len()), (&octets[..], suite.key_len(), suite.salt_len()));
        }
    }

    #[test]
    fn keys_of_one_seed_differ_by_suite_generation_and_line_and_are_the_same_again() {
        let seed = KeySeed::new([7; 32]);
        let make = |suite, generation, line| MasterKey::generate(suite, &seed, generation, line);
        let mut keys = Vec::new();
        for suite in CryptoSuite::ALL {
            for (generation, line) in [(0, 1), (0, 2), (1, 1), (1 << 32, 0)] {
                let key = make(suite, generation, line);
                assert_eq!(key, make(suite, generation, line));
                assert_eq!(key.expose().len(), suite.key_len() + suite.salt_len());
                keys.push(key.expose()[..28].to_vec());
            }
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 16);
        assert_ne!(MasterKey::generate(CryptoSuite::AeadAes128Gcm, &KeySeed::new([8; 32]), 0, 1), make(CryptoSuite::AeadAes128Gcm, 0, 1));
    }

    #[test]
    fn neither_key_nor_seed_prints() {
        let key = MasterKey::new(CryptoSuite::AeadAes128Gcm, &[0xab; 28]).unwrap();
        let keys = SdesKeys { local: key.clone(), remote: key };
        let shown = format!("{keys:?} {:?}", KeySeed::new([0xab; 32]));
        assert!(!shown.to_lowercase().contains("ab,") && !shown.contains("171"), "{shown}");
    }
}
