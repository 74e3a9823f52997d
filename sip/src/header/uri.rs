//! URIs: `sip`, `sips` (RFC 3261 §19.1), `tel` (RFC 3966), and any other as opaque text.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::host::HostPort;
use crate::message::{Class, Span, find, split_once};

/// What a URI is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// A scheme that this crate does not read further.
    Other,
}

/// A URI that was checked, with its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Uri {
    text: Box<str>,
    parts: UriParts,
}

impl Uri {
    /// Checks and keeps a URI.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        Ok(Self { parts: UriParts::parse(text)?, text: text.into() })
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.parts.scheme
    }

    /// The user part, or the number of a `tel` URI, as written (perhaps with `%` escapes).
    pub fn user(&self) -> Option<&str> {
        self.parts.user.map(|span| span_text(&self.text, span))
    }

    /// The user part without its `%` escapes; `None` when there is none or they do not make UTF-8.
    pub fn decoded_user(&self) -> Option<Cow<'_, str>> {
        let user = self.user()?;
        if user.contains('%') { decode(user).map(Cow::Owned) } else { Some(Cow::Borrowed(user)) }
    }

    /// The host as written, an IPv6 address without its brackets; empty for `tel` and opaque URIs.
    pub fn host(&self) -> &str {
        self.host_port().map_or("", |host_port| host_port.host.as_str())
    }

    /// The port, if written.
    pub fn port(&self) -> Option<u16> {
        self.host_port().and_then(|host_port| host_port.port)
    }

    /// The value of a parameter; `Some("")` when it has none. Names are compared without case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.parts.param(&self.text, name)
    }

    pub(crate) fn host_port(&self) -> Option<HostPort<'_>> {
        self.parts.host_port(&self.text)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Hides user and host: they say who calls.
impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({:?}:…)", self.parts.scheme)
    }
}

/// Why a text is no URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UriError {
    /// No scheme, or nothing behind it.
    #[error("no scheme")]
    Scheme,
    /// A character that must be escaped, or a broken escape.
    #[error("illegal character")]
    Character,
    /// The host or port.
    #[error("malformed host or port")]
    Host,
    /// Longer than a message can be.
    #[error("too long")]
    TooLong,
    /// Headers where none are allowed.
    #[error("headers where none are allowed")]
    Headers,
}

/// Where the parts of a URI stand in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UriParts {
    scheme: Scheme,
    user: Option<Span>,
    host_port: Span,
    params: Span,
    headers: bool,
}

impl UriParts {
    pub(crate) fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > usize::from(u16::MAX) {
            return Err(UriError::TooLong);
        }
        // Nearly all are written so.
        if let Some(rest) = text.strip_prefix("sip:").filter(|rest| !rest.is_empty()) {
            return Self::sip(Scheme::Sip, text, rest);
        }
        let (scheme, rest) = split_once(text, b':').ok_or(UriError::Scheme)?;
        let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && Class::SCHEME.has_all(scheme);
        if !valid || rest.is_empty() {
            return Err(UriError::Scheme);
        }
        if scheme.eq_ignore_ascii_case("sip") {
            Self::sip(Scheme::Sip, text, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            Self::sip(Scheme::Sips, text, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            Self::tel(text, rest)
        } else if rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')) {
            let none = Span::new(text.len(), text.len());
            Ok(Self { scheme: Scheme::Other, user: None, host_port: none, params: none, headers: false })
        } else {
            Err(UriError::Character)
        }
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::Sips
    }

    pub(crate) fn has_headers(&self) -> bool {
        self.headers
    }

    pub(crate) fn host_port<'a>(&self, text: &'a str) -> Option<HostPort<'a>> {
        HostPort::parse(span_text(text, self.host_port)).ok()
    }

    pub(crate) fn param<'a>(&self, text: &'a str, name: &str) -> Option<&'a str> {
        let params = span_text(text, self.params);
        params
            .split(';')
            .skip(1)
            .map(|param| param.split_once('=').unwrap_or((param, "")))
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn sip(scheme: Scheme, text: &str, rest: &str) -> Result<Self, UriError> {
        // User parts may hold `;` and `?`, so the `@` comes first; it must be escaped everywhere else.
        let (user, rest) = match userinfo(rest)? {
            Some((userinfo, rest)) => {
                let user = split_once(userinfo, b':').map_or(userinfo, |(user, _)| user);
                if user.is_empty() {
                    return Err(UriError::Character);
                }
                (Some(Span::of(text, user)), rest)
            }
            None => (None, rest),
        };
        let host_ends = rest.bytes().position(|octet| matches!(octet, b';' | b'?' | b' ' | b'\t')).unwrap_or(rest.len());
        let (host_port, rest) = rest.split_at(host_ends);
        if rest.starts_with([' ', '\t']) || HostPort::parse(host_port).is_err() {
            return Err(UriError::Host);
        }
        let (params, headers) = split_once(rest, b'?').map_or((rest, None), |(params, headers)| (params, Some(headers)));
        check(params, |byte| Class::PARAM.has(byte) || matches!(byte, b';' | b'='))?;
        check(headers.unwrap_or_default(), |byte| Class::PARAM.has(byte) || matches!(byte, b'?' | b'=' | b'&'))?;
        Ok(Self { scheme, user, host_port: Span::of(text, host_port), params: Span::of(text, params), headers: headers.is_some() })
    }

    fn tel(text: &str, rest: &str) -> Result<Self, UriError> {
        let params_at = find(rest, b';').unwrap_or(rest.len());
        let (number, params) = rest.split_at(params_at);
        let digits = number.strip_prefix('+').unwrap_or(number);
        if digits.is_empty() {
            return Err(UriError::Character);
        }
        check(digits, |byte| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#' | b'-' | b'.' | b'(' | b')'))?;
        check(params, |byte| Class::PARAM.has(byte) || matches!(byte, b';' | b'='))?;
        let none = Span::new(text.len(), text.len());
        Ok(Self {
            scheme: Scheme::Tel,
            user: Some(Span::of(text, number)),
            host_port: none,
            params: Span::of(text, params),
            headers: false,
        })
    }
}

/// What stands before the first `@`, checked, and what behind it. A colon may stand in a user, so the password is checked with it.
fn userinfo(text: &str) -> Result<Option<(&str, &str)>, UriError> {
    let other = text.bytes().position(|octet| !Class::USER.has(octet)).unwrap_or(text.len());
    let (plain, rest) = text.split_at_checked(other).unwrap_or((text, ""));
    if rest.is_empty() {
        return Ok(None);
    }
    if let Some(rest) = rest.strip_prefix('@') {
        return Ok(Some((plain, rest)));
    }
    let parts = split_once(text, b'@');
    parts.map_or(Ok(()), |(userinfo, _)| check(userinfo, |octet| Class::USER.has(octet)))?;
    Ok(parts)
}

fn span_text(text: &str, span: Span) -> &str {
    text.get(span.range()).unwrap_or_default()
}

/// All bytes allowed, and each `%` followed by two hexadecimal digits.
fn check(text: &str, allowed: impl Fn(u8) -> bool) -> Result<(), UriError> {
    if text.bytes().all(&allowed) {
        return Ok(());
    }
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit()) && bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())
            }
            _ => allowed(byte),
        };
        if !fine {
            return Err(UriError::Character);
        }
    }
    Ok(())
}

pub(super) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    decoded.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        decoded.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_sip_uri_are_told_apart() {
        let uri = Uri::parse("sip:+4930123;ext=1:secret@[2001:db8::1]:5070;transport=UDP;lr?subject=x").unwrap();
        assert_eq!(uri.user(), Some("+4930123;ext=1"));
        assert_eq!((uri.host(), uri.port()), ("2001:db8::1", Some(5070)));
        assert_eq!((uri.param("Transport"), uri.param("lr"), uri.param("maddr")), (Some("UDP"), Some(""), None));
    }

    #[test]
    fn a_telephone_uri_has_its_number_as_user() {
        let uri = Uri::parse("tel:+49-30-123;phone-context=example.com").unwrap();
        assert_eq!((uri.scheme(), uri.user()), (Scheme::Tel, Some("+49-30-123")));
    }

    #[test]
    fn escapes_are_decoded_on_demand() {
        assert_eq!(
            Uri::parse("sip:sips%3Auser%40example.com@example.net").unwrap().decoded_user().as_deref(),
            Some("sips:user@example.com")
        );
    }

    #[test]
    fn debug_output_names_nobody() {
        assert!(!format!("{:?}", Uri::parse("sip:+4930123@example.org").unwrap()).contains("4930"));
    }

    #[test]
    fn malformed_uris_are_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            ":a",
            "sip:a b@c",
            "sip:a@",
            "sip:@b",
            "sip:a%4@b",
            "sip:a@b:70000",
            "sip:a@[::1",
            "<sip:a@b>",
            "tel:",
            "tel:abcx",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }
}
