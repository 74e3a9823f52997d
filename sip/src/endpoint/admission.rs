//! Whether a new request is served at all (RFC 3261 §8.2.1–8.2.3), in the order of the RFC.

use crate::header::{Method, OptionTags, Scheme, StatusCode};
use crate::message::Request;

use super::respond::accepts_sdp;

/// Why a request is refused before anybody looks at it; answered without keeping state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 501: nobody knows this method.
    UnknownMethod,
    /// 405: others do, we do not.
    Method,
    /// 416.
    UriScheme,
    /// 420: Require names an extension that we do not speak.
    Extension,
    /// 415: no SDP in the body, or encoded.
    MediaType,
    /// 406: Accept leaves out SDP.
    Accept,
    /// 400: a body of unknown type.
    NoContentType,
    /// 400: no Contact to answer to.
    NoContact,
}

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::UnknownMethod => StatusCode::NOT_IMPLEMENTED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::UriScheme => StatusCode::UNSUPPORTED_URI_SCHEME,
            Self::Extension => StatusCode::BAD_EXTENSION,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Accept => StatusCode::NOT_ACCEPTABLE,
            Self::NoContentType | Self::NoContact => StatusCode::BAD_REQUEST,
        }
    }

    /// More than the usual phrase, where the status alone does not say what is wrong.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::NoContentType => Some("Missing Content-Type header field"),
            Self::NoContact => Some("Missing Contact header field"),
            _ => None,
        }
    }
}

/// Everything but CANCEL and ACK, which are never refused so.
pub(crate) fn check(request: &Request) -> Result<(), Refusal> {
    match request.method() {
        Method::Invite | Method::Ack | Method::Bye | Method::Cancel | Method::Options => {}
        Method::Prack | Method::Update | Method::Info | Method::Refer | Method::Notify => {}
        Method::Unknown => return Err(Refusal::UnknownMethod),
        _ => return Err(Refusal::Method),
    }
    match request.uri().map(|uri| uri.scheme()) {
        Ok(Scheme::Sip | Scheme::Sips | Scheme::Tel) => {}
        _ => return Err(Refusal::UriScheme),
    }
    if OptionTags::unknown(request.headers()).next().is_some() {
        return Err(Refusal::Extension);
    }
    match request.method() {
        Method::Invite => check_sdp(request).and_then(|()| check_invite(request)),
        Method::Prack | Method::Update => check_sdp(request),
        _ => Ok(()),
    }
}

/// A body is SDP in the clear, or has it as a part, or need not be understood (RFC 5621).
fn check_sdp(request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    if request.body().is_empty() {
        return Ok(());
    }
    if headers.content_type().is_none() {
        return Err(Refusal::NoContentType);
    }
    if headers.sdp().is_empty() && !headers.is_body_optional() { Err(Refusal::MediaType) } else { Ok(()) }
}

fn check_invite(request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    if !accepts_sdp(request) {
        return Err(Refusal::Accept);
    }
    // RFC 2543 did not ask for Contact; its callers are known by their branch.
    let modern = headers.top_via().is_some_and(|via| via.unique_branch().is_some());
    if modern && headers.contact().is_none() { Err(Refusal::NoContact) } else { Ok(()) }
}
