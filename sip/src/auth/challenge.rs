//! A challenge: WWW-Authenticate and Proxy-Authenticate (RFC 7616 §3.3).

use std::fmt;

use super::Algorithm;
use super::params::AuthParams;
use crate::message::trim;

/// One challenge of the Digest scheme that can be answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Whose password is asked for.
    pub realm: &'a str,
    /// What the answer is bound to.
    pub nonce: &'a str,
    /// To be given back as it is.
    pub opaque: Option<&'a str>,
    /// How it is hashed.
    pub algorithm: Algorithm,
    /// Whether nonces are counted; peers by RFC 2069 do not.
    pub counted: bool,
    /// The last answer was right, but for a nonce that is too old.
    pub stale: bool,
}

impl<'a> Challenge<'a> {
    /// Reads one; `None` when it is of another scheme, malformed, or asks for what we do not do.
    pub fn parse(value: &'a str) -> Option<Self> {
        let params = AuthParams::parse(value)?;
        let counted = match params.get("qop") {
            None => false,
            Some(offered) if offered.split(',').any(|qop| trim(qop).eq_ignore_ascii_case("auth")) => true,
            Some(_) => return None,
        };
        Some(Self {
            realm: params.get("realm")?,
            nonce: params.get("nonce")?,
            opaque: params.get("opaque"),
            algorithm: Algorithm::parse(params.get("algorithm"))?,
            counted,
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest realm=\"{}\", nonce=\"{}\"", self.realm, self.nonce)?;
        if let Some(opaque) = self.opaque {
            write!(f, ", opaque=\"{opaque}\"")?;
        }
        if self.counted {
            f.write_str(", qop=\"auth\"")?;
        }
        write!(f, ", algorithm={}", self.algorithm.as_str())?;
        if self.stale {
            f.write_str(", stale=true")?;
        }
        Ok(())
    }
}

/// Hides what an answer is made of.
impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({:?}, stale: {})", self.algorithm, self.stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_reads_back_as_it_was_written() {
        let challenge = Challenge { realm: "a", nonce: "n", opaque: Some("o"), algorithm: Algorithm::Sha256, counted: true, stale: true };
        assert_eq!(Challenge::parse(&challenge.to_string()), Some(challenge));
    }

    #[test]
    fn without_algorithm_and_qop_it_is_md5_uncounted() {
        let challenge = Challenge::parse(r#"Digest realm="a", nonce="n""#).unwrap();
        assert_eq!((challenge.algorithm, challenge.counted, challenge.stale), (Algorithm::Md5, false, false));
    }

    #[test]
    fn what_cannot_be_answered_is_passed_over() {
        for text in [
            r#"Basic realm="a""#,
            r#"Digest realm="a""#,
            r#"Digest realm="a", nonce="n", algorithm=SHA-512-256"#,
            r#"Digest realm="a", nonce="n", qop="auth-int""#,
        ] {
            assert_eq!(Challenge::parse(text), None, "{text}");
        }
    }
}
