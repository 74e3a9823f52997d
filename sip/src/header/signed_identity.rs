//! Identity (RFC 8224 §4): a token signed by somebody who answers for the caller's number, and where the signer's certificate is.
//!
//! Only the header is read here. What the token says and whether its signature holds is for whoever has keys.

use super::HeaderError;
use crate::message::{is_token, split_outside_quotes, trim};

/// One Identity header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignedIdentity<'a> {
    /// The PASSporT in its full form: three parts of base64url. The compact form, whose middle is empty, is one, too.
    pub token: &'a str,
    /// The address of the certificate.
    pub info: &'a str,
    /// The algorithm; `ES256` where nothing is said.
    pub alg: &'a str,
    /// The kind of PASSporT (`shaken`); none for the plain one.
    pub ppt: Option<&'a str>,
}

impl<'a> SignedIdentity<'a> {
    /// Reads the value of one Identity header.
    ///
    /// # Errors
    /// When it does not follow its grammar.
    pub fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (token, mut rest) = split_outside_quotes(text, b';', true);
        let token = trim(token);
        let parts: Vec<&str> = token.split('.').collect();
        let is_part = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if parts.len() != 3 || !parts.iter().all(is_part) || parts.last().is_none_or(|signature| signature.is_empty()) {
            return Err(HeaderError::Syntax);
        }
        let (mut info, mut alg, mut ppt) = (None, "ES256", None);
        while let Some(params) = rest {
            let (param, after) = split_outside_quotes(params, b';', true);
            rest = after;
            let (name, value) = param.split_once('=').ok_or(HeaderError::Parameter)?;
            let (name, value) = (trim(name), trim(value));
            match name.to_ascii_lowercase().as_str() {
                "info" if info.is_none() => {
                    info = Some(value.strip_prefix('<').and_then(|value| value.strip_suffix('>')).ok_or(HeaderError::Unbalanced)?);
                }
                "alg" => alg = unquoted(value).ok_or(HeaderError::Parameter)?,
                "ppt" => ppt = Some(unquoted(value).ok_or(HeaderError::Parameter)?),
                _ if is_token(name) => {}
                _ => return Err(HeaderError::Parameter),
            }
        }
        let info = info.filter(|info| !info.is_empty()).ok_or(HeaderError::Parameter)?;
        Ok(Self { token, info, alg, ppt })
    }
}

/// Hides the token: it speaks for a number.
impl std::fmt::Debug for SignedIdentity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIdentity").field("alg", &self.alg).field("ppt", &self.ppt).finish_non_exhaustive()
    }
}

/// A token, with or without quotes.
fn unquoted(value: &str) -> Option<&str> {
    let token = value.strip_prefix('"').map_or(Some(value), |value| value.strip_suffix('"'))?;
    is_token(token).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_and_certificate_are_read_with_and_without_quotes() {
        let text = "eyJ.eyK.c2-_ ; info = <https://c.example/a;b.pem>;alg=ES256;ppt=\"shaken\";x=1";
        let read = SignedIdentity::parse(text).unwrap();
        assert_eq!((read.token, read.info, read.alg, read.ppt), ("eyJ.eyK.c2-_", "https://c.example/a;b.pem", "ES256", Some("shaken")));
        assert_eq!(SignedIdentity::parse("a..c;info=<https://c>").unwrap().ppt, None, "the compact form");
    }

    #[test]
    fn what_lacks_a_part_is_refused() {
        for text in
            ["", "a.b.c", "a.b;info=<x>", "a.b.;info=<x>", "a.b.c;info=https://x", "a.b.c;info=<>", "a.b!.c;info=<x>", "a.b.c;info=<x>;alg"]
        {
            assert!(SignedIdentity::parse(text).is_err(), "{text}");
        }
    }
}
