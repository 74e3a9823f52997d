//! RSeq and RAck (RFC 3262 §7): which provisional response is acknowledged.

use super::{CSeq, HeaderError, parse_number};

/// RAck: the number of the response, and the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// RSeq of the response.
    pub rseq: u32,
    /// CSeq of the response.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (rseq, cseq) = text.split_once([' ', '\t']).ok_or(HeaderError::Syntax)?;
        let rseq = parse_number(rseq, u32::MAX).ok_or(HeaderError::Number)?;
        Ok(Self { rseq, cseq: CSeq::parse(crate::message::trim(cseq))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_response_and_its_request_are_named() {
        assert_eq!(RAck::parse("776656  1 INVITE"), Ok(RAck { rseq: 776_656, cseq: CSeq { number: 1, method: "INVITE" } }));
        for text in ["", "1", "1 INVITE", "x 1 INVITE", "4294967296 1 INVITE"] {
            assert!(RAck::parse(text).is_err(), "{text}");
        }
    }
}
