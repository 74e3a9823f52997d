//! Credentials: Authorization and Proxy-Authorization (RFC 7616 §3.4).

use std::fmt;

use super::Algorithm;
use super::params::AuthParams;
use super::response::Proof;

/// An answer to a challenge, as it came.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub(super) username: &'a str,
    pub(super) realm: &'a str,
    pub(super) nonce: &'a str,
    pub(super) uri: &'a str,
    pub(super) response: &'a str,
    pub(super) algorithm: Algorithm,
    /// Nonce count as written, its value, and the client nonce.
    pub(super) counted: Option<Counted<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Counted<'a> {
    pub(super) written: &'a str,
    pub(super) count: u32,
    pub(super) cnonce: &'a str,
}

impl<'a> Credentials<'a> {
    /// Reads one; `None` when it is of another scheme, malformed, or hashed as we do not.
    pub fn parse(value: &'a str) -> Option<Self> {
        let params = AuthParams::parse(value)?;
        let counted = match params.get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let (written, cnonce) = (params.get("nc")?, params.get("cnonce")?);
                let hexadecimal = written.len() == 8 && written.bytes().all(|byte| byte.is_ascii_hexdigit());
                let count = u32::from_str_radix(written, 16).ok().filter(|_| hexadecimal)?;
                Some(Counted { written, count, cnonce })
            }
            Some(_) => return None,
        };
        Some(Self {
            username: params.get("username")?,
            realm: params.get("realm")?,
            nonce: params.get("nonce")?,
            uri: params.get("uri")?,
            response: params.get("response")?,
            algorithm: Algorithm::parse(params.get("algorithm"))?,
            counted,
        })
    }

    /// Who claims to be.
    pub fn username(&self) -> &'a str {
        self.username
    }

    /// What the response proves, for a request of this method.
    pub(super) fn proof<'b>(&'b self, method: &'b str) -> Proof<'b> {
        Proof {
            algorithm: self.algorithm,
            username: self.username,
            realm: self.realm,
            method,
            uri: self.uri,
            nonce: self.nonce,
            counted: self.counted.map(|counted| (counted.written, counted.cnonce)),
        }
    }
}

/// Hides who it is and what proves it.
impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?})", self.algorithm)
    }
}

/// Credentials of our own as a header value.
pub(super) struct Written<'a> {
    pub(super) proof: Proof<'a>,
    pub(super) opaque: Option<&'a str>,
    pub(super) response: String,
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proof { algorithm, username, realm, uri, nonce, counted, .. } = self.proof;
        write!(f, "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\"")?;
        write!(f, ", response=\"{}\", algorithm={}", self.response, algorithm.as_str())?;
        if let Some((count, cnonce)) = counted {
            write!(f, ", qop=auth, nc={count}, cnonce=\"{cnonce}\"")?;
        }
        match self.opaque {
            Some(opaque) => write!(f, ", opaque=\"{opaque}\""),
            None => Ok(()),
        }
    }
}
