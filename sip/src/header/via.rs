//! Via (RFC 3261 §20.42): who sent the message, and by which way its response returns.

use super::HeaderError;
use super::host::HostPort;
use super::params::Params;
use crate::message::{is_token, split_once, split_outside_quotes, trim};

/// One Via element.
#[derive(Clone, Copy)]
pub struct Via<'a> {
    transport: &'a str,
    sent_by: HostPort<'a>,
    params: Params<'a>,
    text: &'a str,
}

impl<'a> Via<'a> {
    /// Begins the branch of everybody who follows RFC 3261 (§8.1.1.7).
    pub const MAGIC_COOKIE: &'static str = "z9hG4bK";

    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (head, params) = split_outside_quotes(text, b';', false);
        let rest = match head.strip_prefix("SIP/2.0/") {
            Some(rest) => trim(rest),
            None => behind_protocol(head).ok_or(HeaderError::Syntax)?,
        };
        let (transport, sent_by) = rest.split_once([' ', '\t']).ok_or(HeaderError::Syntax)?;
        if !is_token(transport) {
            return Err(HeaderError::Syntax);
        }
        Ok(Self { transport, sent_by: HostPort::parse(trim(sent_by))?, params: Params::parse(params)?, text })
    }

    /// `UDP`, `TCP`, … as written.
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// Where the sender says it is.
    pub fn sent_by(&self) -> HostPort<'a> {
        self.sent_by
    }

    /// The parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The branch, if it has what makes it unique in time and space: the cookie and something behind it.
    pub fn unique_branch(&self) -> Option<&'a str> {
        self.params.value("branch").filter(|branch| branch.len() > Self::MAGIC_COOKIE.len() && branch.starts_with(Self::MAGIC_COOKIE))
    }

    /// Whether the sender asks for the response at the port it sent from (RFC 3581 §3).
    pub fn wants_rport(&self) -> bool {
        self.params.get("rport").is_some()
    }

    /// The element as written.
    pub(crate) fn as_str(&self) -> &'a str {
        self.text
    }
}

/// What stands behind name and version of the protocol, where they are written with spaces or in small letters.
fn behind_protocol(head: &str) -> Option<&str> {
    let (protocol, rest) = split_once(head, b'/')?;
    let (version, rest) = split_once(rest, b'/')?;
    (trim(protocol).eq_ignore_ascii_case("SIP") && trim(version) == "2.0").then(|| trim(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_may_stand_nearly_everywhere() {
        let via = Via::parse("SIP  / 2.0  / TCP     spindle.example.com : 5070  ;  branch  =   z9hG4bK9ikj8 ; rport").unwrap();
        assert_eq!((via.transport(), via.sent_by().host.as_str(), via.sent_by().port), ("TCP", "spindle.example.com", Some(5070)));
        assert_eq!((via.unique_branch(), via.wants_rport()), (Some("z9hG4bK9ikj8"), true));
    }

    #[test]
    fn a_cookie_alone_is_no_branch() {
        assert_eq!(Via::parse("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK").unwrap().unique_branch(), None);
    }

    #[test]
    fn malformed_vias_are_refused() {
        for text in [
            "SIP/2.0/UDP",
            "SIP/2.0/UDP a;;",
            "SIP/3.0/UDP a",
            "HTTP/2.0/UDP a",
            "SIP/2.0/UDP a:99999",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP a;b=\"c",
        ] {
            assert!(Via::parse(text).is_err(), "{text}");
        }
    }
}
