//! Reason (RFC 3326): why a request was sent. The text is left where it is: causes are what can be acted upon.

use std::fmt;

use super::params::Params;
use super::{HeaderError, parse_number};
use crate::message::{is_token, split_outside_quotes, trim};

/// The causes that a BYE or CANCEL names, by protocol. A message may name one a protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// A status code: 200 in a CANCEL is "answered elsewhere".
    pub sip: Option<u16>,
    /// A cause of the telephone network (ITU-T Q.850): 16 is a normal end, 17 busy.
    pub q850: Option<u16>,
}

impl Causes {
    /// From the elements of Reason; malformed ones and other protocols say nothing.
    pub(crate) fn of<'a>(elements: impl Iterator<Item = &'a str>) -> Self {
        let mut causes = Self::default();
        for (protocol, cause) in elements.filter_map(|element| parse(element).ok()) {
            if protocol.eq_ignore_ascii_case("SIP") {
                causes.sip = causes.sip.or(cause);
            } else if protocol.eq_ignore_ascii_case("Q.850") {
                causes.q850 = causes.q850.or(cause);
            }
        }
        causes
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Causes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.sip, self.q850) {
            (Some(sip), Some(q850)) => write!(f, "SIP;cause={sip}, Q.850;cause={q850}"),
            (Some(sip), None) => write!(f, "SIP;cause={sip}"),
            (None, Some(q850)) => write!(f, "Q.850;cause={q850}"),
            (None, None) => Ok(()),
        }
    }
}

fn parse(text: &str) -> Result<(&str, Option<u16>), HeaderError> {
    let (protocol, params) = split_outside_quotes(text, b';', false);
    let protocol = trim(protocol);
    if !is_token(protocol) {
        return Err(HeaderError::Syntax);
    }
    let cause = Params::parse(params)?.value("cause").and_then(|cause| parse_number(cause, 999));
    Ok((protocol, cause.and_then(|cause| u16::try_from(cause).ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_causes_of_both_protocols_are_read() {
        let texts = ["Q.850 ;cause=16 ;text=\"Terminated, normally\"", "SIP;cause=200", "Preemption;cause=1", ";cause=3"];
        assert_eq!(Causes::of(texts.into_iter()), Causes { sip: Some(200), q850: Some(16) });
        assert!(Causes::of(["SIP"].into_iter()).is_empty());
    }

    #[test]
    fn causes_are_written_as_they_are_read() {
        let causes = Causes { sip: Some(408), q850: Some(102) };
        assert_eq!(Causes::of(causes.to_string().split(',').map(str::trim)), causes);
    }
}
