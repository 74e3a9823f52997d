//! From, To, Contact, Route, Record-Route: `"Name" <uri>;params` or `uri;params` (RFC 3261 §20.10, §25.1).

use std::fmt;

use super::params::Params;
use super::uri::{Uri, UriParts};
use super::{HeaderError, UriError};
use crate::message::{Class, split_once, split_outside_quotes, trim};

/// A name-addr or addr-spec with the parameters of its header.
#[derive(Clone, Copy)]
pub struct NameAddrRef<'a> {
    display: Option<&'a str>,
    address: &'a str,
    uri: &'a str,
    parts: UriParts,
    params: Params<'a>,
}

impl<'a> NameAddrRef<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let text = trim(text);
        let (display, rest) = match text.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted).ok_or(HeaderError::Unbalanced)?;
                let (name, rest) = quoted.split_at(end);
                (Some(name), trim(rest.strip_prefix('"').unwrap_or_default()))
            }
            None => match text.bytes().position(|octet| octet == b'<' || octet == b';').map(|at| text.split_at(at)) {
                Some((name, rest)) if rest.starts_with('<') => {
                    if !name.bytes().all(|byte| Class::TOKEN.has(byte) || matches!(byte, b' ' | b'\t')) {
                        return Err(HeaderError::Syntax);
                    }
                    (Some(trim(name)).filter(|name| !name.is_empty()), rest)
                }
                _ => return Self::addr_spec(text),
            },
        };
        let (uri, after) = split_once(rest.strip_prefix('<').ok_or(HeaderError::Syntax)?, b'>').ok_or(HeaderError::Unbalanced)?;
        let params = match trim(after) {
            "" => None,
            after => Some(after.strip_prefix(';').ok_or(HeaderError::Syntax)?),
        };
        let address = text.get(..text.len() - after.len()).unwrap_or_default();
        Self::new(display, address, uri, params)
    }

    /// The display name without its quotes, as written (perhaps with `\` escapes).
    pub fn display(&self) -> Option<&'a str> {
        self.display
    }

    /// The URI as written.
    pub fn uri_text(&self) -> &'a str {
        self.uri
    }

    /// The URI.
    pub fn uri(&self) -> Result<Uri, UriError> {
        Uri::parse(self.uri)
    }

    /// The header's parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The tag of From or To (§19.3).
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag")
    }

    /// Everything before the header's parameters, as written.
    pub(crate) fn address(&self) -> &'a str {
        self.address
    }

    pub(crate) fn uri_parts(&self) -> &UriParts {
        &self.parts
    }

    /// Without brackets all behind the first semicolon belongs to the header, and `?` and `,` may not stand in the URI (§20.10).
    fn addr_spec(text: &'a str) -> Result<Self, HeaderError> {
        let (uri, params) = split_outside_quotes(text, b';', false);
        let uri = trim(uri);
        if uri.contains(['?', ',']) {
            return Err(HeaderError::Syntax);
        }
        Self::new(None, uri, uri, params)
    }

    fn new(display: Option<&'a str>, address: &'a str, uri: &'a str, params: Option<&'a str>) -> Result<Self, HeaderError> {
        let parts = UriParts::parse(uri).map_err(HeaderError::Uri)?;
        Ok(Self { display, address, uri, parts, params: Params::parse(params)? })
    }
}

/// A name and an address as an application writes them into From and To.
#[derive(Clone, PartialEq, Eq)]
pub struct NameAddr {
    display: Option<Box<str>>,
    uri: Uri,
}

impl NameAddr {
    /// With a display name; control characters in it are dropped, quotes escaped.
    pub fn with_display(display: &str, uri: Uri) -> Self {
        let display: String = display.chars().filter(|character| !character.is_control()).collect();
        Self { display: Some(display.into()), uri }
    }

    /// The URI.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl From<Uri> for NameAddr {
    fn from(uri: Uri) -> Self {
        Self { display: None, uri }
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            f.write_str("\"")?;
            for character in display.chars() {
                if matches!(character, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
            f.write_str("\" ")?;
        }
        write!(f, "<{}>", self.uri)
    }
}

/// Hides name and address.
impl fmt::Debug for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NameAddr").field(&self.uri).finish()
    }
}

fn closing_quote(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_name_may_hold_escaped_quotes_and_brackets() {
        let address = NameAddrRef::parse(r#""J \"<R>\" \\"   <sip:j@example.com;lr>  ; tag = 98asjd8"#).unwrap();
        assert_eq!(
            (address.display(), address.uri_text(), address.tag()),
            (Some(r#"J \"<R>\" \\"#), "sip:j@example.com;lr", Some("98asjd8"))
        );
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let address = NameAddrRef::parse("sip:a@example.com ; tag=1").unwrap();
        assert_eq!((address.uri_text(), address.address(), address.tag()), ("sip:a@example.com", "sip:a@example.com", Some("1")));
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in [
            "\"open <sip:a@b>",
            "Bell, A <sip:a@b>",
            "< sip:a@b >",
            "<sip:a@b",
            "sip:a@b?Route=c",
            "<sip:a@b>x",
            "<sip:a@b>;;",
            "\"a\" sip:a@b",
        ] {
            assert!(NameAddrRef::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_written_name_cannot_break_out_of_its_quotes() {
        let uri = Uri::parse("sip:a@b").unwrap();
        assert_eq!(NameAddr::with_display("x\"\r\nEvil: 1", uri).to_string(), "\"x\\\"Evil: 1\" <sip:a@b>");
    }
}
