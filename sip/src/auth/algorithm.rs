//! Hash algorithms of digest authentication (RFC 8760 §2.1).

use md5::Md5;
use sha2::{Digest, Sha256};

/// A hash algorithm; a stronger one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5, which is what most trunks and phones still speak.
    Md5,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// As it is written in a header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// Reads the parameter; without one it is MD5 (RFC 7616 §3.3).
    pub(super) fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None => Some(Self::Md5),
            Some(text) => [Self::Md5, Self::Sha256].into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(text)),
        }
    }

    /// The hash of the parts joined by colons, in lower-case hexadecimal digits.
    pub(super) fn hash(self, parts: &[&str]) -> String {
        match self {
            Self::Md5 => joined::<Md5>(parts),
            Self::Sha256 => joined::<Sha256>(parts),
        }
    }
}

fn joined<H: Digest>(parts: &[&str]) -> String {
    let mut hash = H::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// Which algorithms somebody may use, in the order in which they are offered: one at least, none twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithms {
    first: Algorithm,
    second: Option<Algorithm>,
}

impl Algorithms {
    /// `None` for an empty list, and for one that names an algorithm twice.
    pub fn new(order: &[Algorithm]) -> Option<Self> {
        match *order {
            [first] => Some(Self { first, second: None }),
            [first, second] if first != second => Some(Self { first, second: Some(second) }),
            _ => None,
        }
    }

    /// In their order.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        std::iter::once(self.first).chain(self.second)
    }

    /// Whether this one may be used.
    pub fn contain(self, algorithm: Algorithm) -> bool {
        self.iter().any(|one| one == algorithm)
    }
}

/// Both, the stronger one first (RFC 8760 §2.4).
impl Default for Algorithms {
    fn default() -> Self {
        Self { first: Algorithm::Sha256, second: Some(Algorithm::Md5) }
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of hexadecimal digits; `None` for anything else.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}
