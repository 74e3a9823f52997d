//! Content-Type and the elements of Accept (RFC 3261 §20.1, §20.15).

use super::HeaderError;
use super::params::Params;
use crate::message::{is_token, split_outside_quotes, trim};

/// `type/subtype;params`.
#[derive(Clone, Copy, Debug)]
pub struct MediaType<'a> {
    /// The type, `*` in a range.
    pub kind: &'a str,
    /// The subtype, `*` in a range.
    pub subtype: &'a str,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (essence, params) = split_outside_quotes(text, b';', false);
        let (kind, subtype) = essence.split_once('/').ok_or(HeaderError::Syntax)?;
        let (kind, subtype) = (trim(kind), trim(subtype));
        if !is_token(kind) || !is_token(subtype) {
            return Err(HeaderError::Syntax);
        }
        Ok(Self { kind, subtype, params: Params::parse(params)? })
    }

    /// Whether it is this type, given as `type/subtype`.
    pub fn is(&self, name: &str) -> bool {
        name.split_once('/')
            .is_some_and(|(kind, subtype)| self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype))
    }

    /// `application/sdp`.
    pub fn is_sdp(&self) -> bool {
        self.is("application/sdp")
    }

    /// Whether this range of Accept takes SDP.
    pub fn accepts_sdp(&self) -> bool {
        self.is_sdp() || (self.subtype == "*" && (self.kind == "*" || self.kind.eq_ignore_ascii_case("application")))
    }
}
