//! `a=fingerprint` (RFC 8122 §5) and `a=setup` (RFC 4145 §4).

use std::fmt;

use ring::digest;

/// The digest of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash's name, such as sha-256, in lower case.
    pub hash: String,
    /// The digest.
    pub digest: Vec<u8>,
}

impl Fingerprint {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (hash, digest) = value.trim().split_once(' ')?;
        let octet = |pair: &str| {
            let hex = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            if hex { u8::from_str_radix(pair, 16).ok() } else { None }
        };
        let digest = digest.trim().split(':').map(octet).collect::<Option<Vec<u8>>>()?;
        Some(Self { hash: hash.to_ascii_lowercase(), digest })
    }
}

impl Fingerprint {
    /// Whether it is of a hash that still proves something, and as long as that (RFC 8122 §5 leaves MD5 and SHA-1 behind).
    #[must_use]
    pub fn is_strong(&self) -> bool {
        self.algorithm().is_some_and(|algorithm| self.digest.len() == algorithm.output_len())
    }

    /// Whether it is that of `certificate`, DER as it is on the wire. Weak ones are nobody's.
    #[must_use]
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        self.algorithm().is_some_and(|algorithm| digest::digest(algorithm, certificate).as_ref() == self.digest)
    }

    fn algorithm(&self) -> Option<&'static digest::Algorithm> {
        match self.hash.as_str() {
            "sha-256" => Some(&digest::SHA256),
            "sha-384" => Some(&digest::SHA384),
            "sha-512" => Some(&digest::SHA512),
            _ => None,
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.hash)?;
        for (n, octet) in self.digest.iter().enumerate() {
            write!(f, "{}{octet:02X}", if n == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// Who opens the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The describer.
    Active,
    /// The other.
    Passive,
    /// Whoever the answer says.
    ActPass,
    /// Nobody yet.
    HoldConn,
}

impl Setup {
    pub(super) fn parse(value: &str) -> Option<Self> {
        [Self::Active, Self::Passive, Self::ActPass, Self::HoldConn]
            .into_iter()
            .find(|setup| setup.as_str().eq_ignore_ascii_case(value.trim()))
    }

    /// The token on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }
}
