//! `a=crypto` (RFC 4568 §4): parsed and kept, used once SRTP stands.

use std::fmt;

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

/// Key parameters as they stand: `inline:` with key, salt, life time and MKI. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct CryptoKey(String);

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
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= MAX_TAG_DIGITS)?.parse().ok()?;
        let suite = words.next()?.to_owned();
        let key = words.next().filter(|key| key.starts_with("inline:"))?;
        let parameters = words.collect::<Vec<_>>().join(" ");
        Some(Self { tag, suite, key: CryptoKey(key.to_owned()), parameters })
    }
}

impl fmt::Display for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tag, self.suite, self.key.0)?;
        if self.parameters.is_empty() { Ok(()) } else { write!(f, " {}", self.parameters) }
    }
}

/// RFC 4568 §9.1.
const MAX_TAG_DIGITS: usize = 9;
