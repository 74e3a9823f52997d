//! CSeq (RFC 3261 §20.16): the order of requests in a dialog.

use super::{HeaderError, parse_number};
use crate::message::{is_token, trim};

/// A sequence number and the method it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2³¹ (§8.1.1.5).
    pub number: u32,
    /// The method as written.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (number, method) = text.split_once([' ', '\t']).ok_or(HeaderError::Syntax)?;
        let number = parse_number(number, MAX_NUMBER).ok_or(HeaderError::Number)?;
        let method = trim(method);
        if is_token(method) { Ok(Self { number, method }) } else { Err(HeaderError::Syntax) }
    }
}

const MAX_NUMBER: u32 = (1 << 31) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stays_below_two_to_the_31() {
        assert_eq!(CSeq::parse("2147483647 INVITE"), Ok(CSeq { number: 2_147_483_647, method: "INVITE" }));
        assert_eq!(CSeq::parse("2147483648 INVITE"), Err(HeaderError::Number));
        assert_eq!(CSeq::parse("-1 INVITE"), Err(HeaderError::Number));
    }
}
