//! Parameters of headers (RFC 3261 §25.1, generic-param): `;name`, `;name=token`, `;name="quoted"`, spaces allowed around both signs.

use super::HeaderError;
use crate::message::{Class, is_token, split_outside_quotes, trim};

/// The parameters behind a header value; names are compared without case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<'a>(Option<&'a str>);

impl<'a> Params<'a> {
    /// Takes the text behind the first semicolon, if there is one.
    pub(crate) fn parse(text: Option<&'a str>) -> Result<Self, HeaderError> {
        let params = Self(text);
        if params.iter().all(|(name, value)| is_token(name) && value.is_none_or(is_value)) {
            Ok(params)
        } else {
            Err(HeaderError::Parameter)
        }
    }

    /// All parameters: name, and value where there is one (a quoted value with its quotes).
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (param, after) = split_outside_quotes(rest?, b';', false);
            rest = after;
            let (name, value) = split_outside_quotes(param, b'=', false);
            Some((trim(name), value.map(trim)))
        })
    }

    /// `None`: not there. `Some(None)`: there without a value.
    pub fn get(self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of a parameter that has one.
    pub fn value(self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }
}

/// A token, a host (which may be an IPv6 address) or a whole quoted string.
fn is_value(text: &str) -> bool {
    match text.strip_prefix('"') {
        Some(quoted) => ends_with_closing_quote(quoted),
        None => !text.is_empty() && text.bytes().all(|byte| Class::TOKEN.has(byte) || matches!(byte, b'[' | b']' | b':')),
    }
}

fn ends_with_closing_quote(quoted: &str) -> bool {
    let mut escaped = false;
    let closing = quoted.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    closing == quoted.len().checked_sub(1)
}
