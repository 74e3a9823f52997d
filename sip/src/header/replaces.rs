//! Replaces (RFC 3891): which dialog a new call takes the place of. In Refer-To it stands escaped, as a header of the URI.

use std::fmt;

use super::HeaderError;
use super::params::Params;
use super::uri::decode;
use crate::message::{split_outside_quotes, trim};

/// A dialog as its own two ends know it. Tags are named from the view of whom the header is sent to: `to_tag` is its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Replaces {
    /// Call-ID.
    pub call_id: Box<str>,
    /// The receiver's tag.
    pub to_tag: Box<str>,
    /// The other end's tag.
    pub from_tag: Box<str>,
    /// Only a call that still rings may be replaced.
    pub early_only: bool,
}

impl Replaces {
    pub(crate) fn parse(text: &str) -> Result<Self, HeaderError> {
        let (call_id, params) = split_outside_quotes(text, b';', false);
        let (call_id, params) = (trim(call_id), Params::parse(params)?);
        if call_id.is_empty() || call_id.contains([' ', '\t', '<', '>', '"']) {
            return Err(HeaderError::Syntax);
        }
        let tag = |name| {
            // Twice is nothing that can be matched (§3).
            let mut values = params.iter().filter(|(param, _)| param.eq_ignore_ascii_case(name));
            match (values.next(), values.next()) {
                (Some((_, Some(value))), None) => Ok(value.into()),
                _ => Err(HeaderError::Parameter),
            }
        };
        Ok(Self {
            call_id: call_id.into(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.get("early-only").is_some(),
        })
    }

    /// As it stands in a URI's headers.
    pub(crate) fn parse_escaped(text: &str) -> Result<Self, HeaderError> {
        Self::parse(&decode(text).ok_or(HeaderError::Syntax)?)
    }

    /// For a URI's headers.
    pub(crate) fn escaped(&self) -> impl fmt::Display {
        Escaped(self.to_string())
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        if self.early_only { f.write_str(";early-only") } else { Ok(()) }
    }
}

/// A dialog's name opens it to whoever knows it.
impl fmt::Debug for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaces").finish_non_exhaustive()
    }
}

struct Escaped(String);

impl fmt::Display for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')') {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_is_named_in_a_header_and_in_a_uri() {
        let text = "98732@sip.example.com;from-tag=r33th4x0r ;to-tag=ff87ff; early-only";
        let replaces = Replaces::parse(text).unwrap();
        assert_eq!(
            (&*replaces.call_id, &*replaces.to_tag, &*replaces.from_tag, replaces.early_only),
            ("98732@sip.example.com", "ff87ff", "r33th4x0r", true)
        );
        let escaped = replaces.escaped().to_string();
        assert!(!escaped.contains([';', '=', '@']), "{escaped}");
        assert_eq!(Replaces::parse_escaped(&escaped).unwrap(), replaces);
    }

    #[test]
    fn a_dialog_that_is_named_half_or_twice_is_refused() {
        for text in ["a", "a;to-tag=1", ";to-tag=1;from-tag=2", "a;to-tag=1;to-tag=2;from-tag=3", "a b;to-tag=1;from-tag=2"] {
            assert!(Replaces::parse(text).is_err(), "{text}");
        }
    }
}
