//! Typed headers (RFC 3261 §20 and extensions): views on the text of a message, and the owned URI and name-addr that an application writes.

mod cseq;
mod diverted;
mod event_package;
mod extra;
mod host;
mod identity;
mod media_type;
mod method;
mod name;
mod name_addr;
mod option_tag;
mod params;
mod rack;
mod reason;
mod refer_to;
mod replaces;
mod session_expires;
mod signed_identity;
mod status;
mod uri;
mod user_to_user;
mod via;

use thiserror::Error;

pub use self::cseq::CSeq;
pub use self::diverted::{Diversion, HistoryEntry};
pub(crate) use self::event_package::REFER;
pub use self::event_package::{EventPackage, SubscriptionState};
pub use self::extra::ExtraHeaders;
pub use self::host::{Host, HostPort};
pub use self::identity::{Identities, Privacy};
pub use self::media_type::MediaType;
pub use self::method::{Method, MethodSet};
pub use self::name::HeaderName;
pub use self::name_addr::{NameAddr, NameAddrRef};
pub use self::option_tag::OptionTags;
pub use self::params::Params;
pub use self::rack::RAck;
pub use self::reason::Causes;
pub use self::refer_to::ReferTo;
pub use self::replaces::Replaces;
pub(crate) use self::session_expires::parse_min_se;
pub use self::session_expires::{Refresher, SessionExpires};
pub use self::signed_identity::SignedIdentity;
pub use self::status::StatusCode;
pub(crate) use self::uri::UriParts;
pub use self::uri::{Scheme, Uri, UriError};
pub use self::user_to_user::UserToUser;
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
    let mut number = None;
    for octet in text.bytes() {
        let digit = octet.is_ascii_digit().then(|| u32::from(octet - b'0'))?;
        number = Some(number.unwrap_or(0_u32).checked_mul(10)?.checked_add(digit)?);
    }
    number.filter(|&number| number <= max)
}
