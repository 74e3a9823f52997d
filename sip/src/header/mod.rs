//! Typed headers (RFC 3261 §20): views on the text of a message, and the owned URI and name-addr that an application writes.

mod cseq;
mod host;
mod media_type;
mod method;
mod name;
mod name_addr;
mod params;
mod status;
mod uri;
mod via;

use thiserror::Error;

pub use self::cseq::CSeq;
pub use self::host::{Host, HostPort};
pub use self::media_type::MediaType;
pub use self::method::Method;
pub use self::name::HeaderName;
pub use self::name_addr::{NameAddr, NameAddrRef};
pub use self::params::Params;
pub use self::status::StatusCode;
pub(crate) use self::uri::UriParts;
pub use self::uri::{Scheme, Uri, UriError};
pub use self::via::Via;

/// A header value that does not follow its grammar. The name of the header stands where the error is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// A part that must be there is not, or holds characters it may not.
    #[error("malformed value")]
    Syntax,
    /// A quoted string or bracket without an end.
    #[error("quote or bracket without an end")]
    Unbalanced,
    /// A number out of its range.
    #[error("number out of range")]
    Number,
    /// A parameter that does not follow its grammar.
    #[error("malformed parameter")]
    Parameter,
    /// The URI within.
    #[error("malformed URI")]
    Uri(#[source] UriError),
}

/// Digits only, at most `max`; leading zeros are fine, signs are not.
pub(crate) fn parse_number(text: &str, max: u32) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<u32>().ok().filter(|&number| number <= max)
}
