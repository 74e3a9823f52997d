//! Refer-To (RFC 3515 §2.1): whom to call, and by the headers of its URI which call to replace (RFC 5589 §7).

use super::name_addr::NameAddrRef;
use super::replaces::Replaces;
use super::uri::{Scheme, Uri};
use super::{HeaderError, UriError};
use crate::header::Method;

/// A wish for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo {
    /// Whom, without the headers that the URI carried.
    pub uri: Uri,
    /// By which method; INVITE unless said otherwise.
    pub method: Method,
    /// In the place of which call.
    pub replaces: Option<Replaces>,
}

impl ReferTo {
    pub(crate) fn parse(text: &str) -> Result<Self, HeaderError> {
        let address = NameAddrRef::parse(text)?;
        let (plain, headers) = address.uri_text().split_once('?').unwrap_or((address.uri_text(), ""));
        let (plain, method) = split_method(plain);
        let uri = Uri::parse(&plain).map_err(HeaderError::Uri)?;
        if uri.scheme() == Scheme::Other {
            return Err(HeaderError::Uri(UriError::Scheme));
        }
        let mut replaces = None;
        for (name, value) in headers.split('&').filter_map(|header| header.split_once('=')) {
            if name.eq_ignore_ascii_case("Replaces") {
                replaces = Some(Replaces::parse_escaped(value)?);
            }
        }
        Ok(Self { uri, method, replaces })
    }
}

/// `;method=` is about the request and no part of the address.
fn split_method(uri: &str) -> (String, Method) {
    let mut method = Method::Invite;
    let at = uri.find('@').unwrap_or(0);
    let (user, rest) = uri.split_at(at);
    let kept: Vec<&str> = rest
        .split(';')
        .filter(|param| match param.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("method") => {
                method = Method::from_text(value);
                false
            }
            _ => true,
        })
        .collect();
    (format!("{user}{}", kept.join(";")), method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_stands_without_method_and_headers() {
        let refer =
            ReferTo::parse("<sip:dave@denver.example.org;user=phone;method=INVITE?Replaces=1%40a%3Bto-tag%3D2%3Bfrom-tag%3D3&Subject=x>")
                .unwrap();
        assert_eq!((refer.uri.as_str(), refer.method), ("sip:dave@denver.example.org;user=phone", Method::Invite));
        assert_eq!(refer.replaces.map(|replaces| replaces.to_string()), Some("1@a;to-tag=2;from-tag=3".to_owned()));
    }

    #[test]
    fn a_plain_target_is_called_by_invite() {
        let refer = ReferTo::parse("tel:+15550100").unwrap();
        assert_eq!((refer.uri.as_str(), refer.method, refer.replaces), ("tel:+15550100", Method::Invite, None));
        assert_eq!(ReferTo::parse("<sip:a@b;method=BYE>").map(|refer| refer.method), Ok(Method::Bye));
    }

    #[test]
    fn targets_that_cannot_be_called_are_refused() {
        for text in ["", "<http://example.com>", "<sip:a@b?Replaces=x>", "sip:a b"] {
            assert!(ReferTo::parse(text).is_err(), "{text}");
        }
    }
}
