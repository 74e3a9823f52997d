//! `a=crypto` (RFC 4568 §4, §6, §9.1): a line, and the key in it.

use std::fmt;

use zeroize::Zeroizing;

use crate::srtp::{CryptoSuite, MasterKey};

/// A crypto line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// Chosen by the offerer, repeated by the answerer.
    pub tag: u32,
    /// The suite's name, such as AES_CM_128_HMAC_SHA1_80.
    pub suite: String,
    /// The key.
    pub key: CryptoKey,
    /// Session parameters, separated by single spaces; empty as a rule.
    pub parameters: String,
}

/// Key parameters as they stand: `inline:` with key, salt, life time and MKI. Does not print, and is overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct CryptoKey(Zeroizing<String>);

/// Why a crypto line is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// There is no line that could be read.
    #[error("no crypto line")]
    Missing,
    /// Its suite is none of ours.
    #[error("a suite that is not supported")]
    Suite,
    /// It has more keys than one, which only an MKI could tell apart.
    #[error("several keys")]
    SeveralKeys,
    /// Its key is not base64.
    #[error("a key that is not base64")]
    Base64,
    /// Its key has not as many octets as its suite asks for.
    #[error("a key of the wrong length")]
    KeyLength,
    /// Its life time is nought, no number, or above what the suite allows (RFC 4568 §6.1).
    #[error("a life time that cannot be")]
    Lifetime,
    /// It uses a master key identifier.
    #[error("a master key identifier")]
    Mki,
    /// It has a session parameter that changes the protection and is not supported (RFC 4568 §6.3).
    #[error("a session parameter that is not supported")]
    Parameter,
    /// The answer's line is none of the offer's (RFC 4568 §5.1.3).
    #[error("not a line of the offer")]
    NotOffered,
}

impl CryptoKey {
    /// The text on the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CryptoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptoKey(hidden)")
    }
}

impl Crypto {
    /// A line with this key, for as long as its suite allows.
    #[must_use]
    pub fn new(tag: u32, key: &MasterKey) -> Self {
        let encoded = Zeroizing::new(base64_simd::STANDARD.encode_to_string(key.expose()));
        let key_text = CryptoKey(Zeroizing::new(format!("inline:{}", *encoded)));
        Self { tag, suite: key.suite().name().to_owned(), key: key_text, parameters: String::new() }
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= MAX_TAG_DIGITS)?.parse().ok()?;
        let suite = words.next()?.to_owned();
        let key = words.next().filter(|key| key.starts_with(INLINE))?;
        let parameters = words.collect::<Vec<_>>().join(" ");
        Some(Self { tag, suite, key: CryptoKey(Zeroizing::new(key.to_owned())), parameters })
    }

    /// The key, if the line asks for nothing but what we do.
    ///
    /// # Errors
    /// What of the line is not supported or cannot be.
    pub fn master_key(&self) -> Result<MasterKey, CryptoError> {
        let suite = CryptoSuite::from_name(&self.suite).ok_or(CryptoError::Suite)?;
        self.parameters.split_ascii_whitespace().try_for_each(check_parameter)?;
        let text = self.key.expose().strip_prefix(INLINE).unwrap_or_default();
        if text.contains(';') {
            return Err(CryptoError::SeveralKeys);
        }
        let mut parts = text.split('|');
        let encoded = parts.next().unwrap_or_default();
        for (place, part) in parts.enumerate() {
            match (place, part) {
                (_, mki) if mki.contains(':') => return Err(CryptoError::Mki),
                (0, lifetime) => check_lifetime(lifetime)?,
                _ => return Err(CryptoError::Mki),
            }
        }
        // Some write the padding, some do not.
        let unpadded = encoded.strip_suffix("==").or_else(|| encoded.strip_suffix('=')).unwrap_or(encoded);
        let octets = base64_simd::STANDARD_NO_PAD.decode_to_vec(unpadded).map(Zeroizing::new).map_err(|_| CryptoError::Base64)?;
        MasterKey::new(suite, &octets).ok_or(CryptoError::KeyLength)
    }
}

impl fmt::Display for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tag, self.suite, self.key.expose())?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, " {}", self.parameters) }
    }
}

/// A hint at a window (RFC 4568 §6.3.6), and extensions that may be passed over (§6.3.7), change nothing; key derivation
/// rates, parts left in clear or unauthenticated, and orders of error correction would.
fn check_parameter(parameter: &str) -> Result<(), CryptoError> {
    let hint = parameter.strip_prefix("WSH=").is_some_and(|packets| packets.parse::<u32>().is_ok_and(|packets| packets >= 64));
    if hint || parameter.starts_with('-') { Ok(()) } else { Err(CryptoError::Parameter) }
}

/// `2^20`, or a decimal number: how many packets the key is for, at most 2^48. That it is not used longer is up to whoever
/// made it.
fn check_lifetime(text: &str) -> Result<(), CryptoError> {
    let digits =
        |text: &str| (!text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse::<u64>().ok()).flatten();
    let possible = match text.strip_prefix("2^") {
        Some(power) => digits(power).is_some_and(|power| power <= 48),
        None => digits(text).is_some_and(|packets| packets > 0 && packets <= 1 << 48),
    };
    if possible { Ok(()) } else { Err(CryptoError::Lifetime) }
}

/// The one method of giving a key.
const INLINE: &str = "inline:";

/// RFC 4568 §9.1.
const MAX_TAG_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty octets.
    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn key_of(line: &str) -> Result<MasterKey, CryptoError> {
        Crypto::parse(line).unwrap().master_key()
    }

    #[test]
    fn every_suites_key_is_the_same_after_writing_and_reading() {
        for suite in CryptoSuite::ALL {
            let octets: Vec<u8> = (0..suite.key_len() + suite.salt_len()).map(|n| n as u8 * 5).collect();
            let key = MasterKey::new(suite, &octets).unwrap();
            let line = Crypto::new(7, &key).to_string();
            assert_eq!(key_of(&line), Ok(key), "{line}");
            assert_eq!(key_of(line.trim_end_matches('=')).unwrap().expose(), octets, "without padding: {line}");
        }
    }

    #[test]
    fn life_times_within_bounds_window_hints_and_extensions_that_may_be_passed_over_are_taken() {
        for behind in ["", "|2^20", "|2^31", "|2^48", "|1", "|281474976710656", " WSH=64", "|2^20 WSH=1024 -X=1"] {
            assert!(key_of(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{behind}")).is_ok(), "{behind}");
        }
        assert!(key_of(&format!("1 aes_cm_128_hmac_sha1_32 inline:{KEY}")).is_ok());
    }

    #[test]
    fn what_is_not_supported_is_refused_with_its_reason() {
        for (behind, reason) in [
            ("|2^20|1:4", CryptoError::Mki),
            ("|1:4", CryptoError::Mki),
            ("|2^20|", CryptoError::Mki),
            ("|2^20|1:4|x", CryptoError::Mki),
            ("|0", CryptoError::Lifetime),
            ("|2^49", CryptoError::Lifetime),
            ("|281474976710657", CryptoError::Lifetime),
            ("|99999999999999999999999", CryptoError::Lifetime),
            ("|2^", CryptoError::Lifetime),
            ("|+5", CryptoError::Lifetime),
            ("|", CryptoError::Lifetime),
            (" UNENCRYPTED_SRTP", CryptoError::Parameter),
            (" UNENCRYPTED_SRTCP", CryptoError::Parameter),
            (" UNAUTHENTICATED_SRTP", CryptoError::Parameter),
            (" KDR=0", CryptoError::Parameter),
            (" FEC_ORDER=FEC_SRTP", CryptoError::Parameter),
            (" FEC_KEY=inline:abc", CryptoError::Parameter),
            (" WSH=63", CryptoError::Parameter),
            (" SOMETHING", CryptoError::Parameter),
            (";inline:abc", CryptoError::SeveralKeys),
        ] {
            assert_eq!(key_of(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{behind}")), Err(reason), "{behind}");
        }
    }

    #[test]
    fn keys_that_are_no_base64_or_of_another_length_are_refused() {
        for (suite, key, reason) in [
            ("AES_CM_128_HMAC_SHA1_80", "", CryptoError::KeyLength),
            ("AES_CM_128_HMAC_SHA1_80", "WVNf", CryptoError::KeyLength),
            ("AEAD_AES_128_GCM", KEY, CryptoError::KeyLength),
            ("AEAD_AES_256_GCM", KEY, CryptoError::KeyLength),
            ("AES_CM_128_HMAC_SHA1_80", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGV!", CryptoError::Base64),
            ("AES_CM_128_HMAC_SHA1_80", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz===", CryptoError::Base64),
            ("AES_CM_128_HMAC_SHA1_80", "====", CryptoError::Base64),
            ("AES_256_CM_HMAC_SHA1_80", KEY, CryptoError::Suite),
            ("F8_128_HMAC_SHA1_80", KEY, CryptoError::Suite),
            ("NULL_HMAC_SHA1_80", KEY, CryptoError::Suite),
        ] {
            assert_eq!(key_of(&format!("1 {suite} inline:{key}")), Err(reason), "{suite} {key}");
        }
    }
}
