//! What a registrar answered to our REGISTER (RFC 3261 §10.2.4, §10.2.8).

use crate::header::{HeaderName, NameAddrRef, StatusCode, Uri, parse_number};
use crate::message::{Response, trim};

/// The parts of a final response that a registration goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterAnswer {
    /// The status.
    pub status: StatusCode,
    /// Seconds that our contact is kept, where the registrar says so.
    pub granted: Option<u32>,
    /// Seconds that the registrar wants at least (423).
    pub at_least: Option<u32>,
    /// Seconds to wait before the next attempt.
    pub retry_after: Option<u32>,
}

impl RegisterAnswer {
    /// Reads a response; `contact` is the one that we registered.
    pub fn of(response: &Response, contact: &Uri) -> Self {
        let headers = response.headers();
        let number = |name| headers.value(name).and_then(leading_number);
        let contacts = headers.elements(HeaderName::Contact).take(MAX_CONTACTS).filter_map(|text| NameAddrRef::parse(text).ok());
        let ours = contacts.filter(|each| each.uri().is_ok_and(|uri| is_same(&uri, contact)));
        let own = ours.filter_map(|each| each.params().value("expires").and_then(leading_number)).next();
        Self {
            status: response.status(),
            granted: own.or_else(|| number(HeaderName::Expires)),
            at_least: number(HeaderName::MinExpires),
            retry_after: number(HeaderName::RetryAfter),
        }
    }
}

/// Enough of RFC 3261 §19.1.4 to know one's own contact again.
fn is_same(one: &Uri, other: &Uri) -> bool {
    one.user() == other.user() && one.host().eq_ignore_ascii_case(other.host()) && one.port() == other.port()
}

/// Retry-After may go on with a comment or parameters.
fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|each: char| !each.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let follows = trim(rest);
    if follows.is_empty() || follows.starts_with(['(', ';']) { parse_number(number, u32::MAX) } else { None }
}

/// A registrar that lists more has not understood who we are.
const MAX_CONTACTS: usize = 64;
