//! What can be wrong with a message, and which status says so.

use thiserror::Error;

use super::{MAX_HEADERS, MAX_MESSAGE_BYTES, Request};
use crate::header::{HeaderName, StatusCode, UriError};

/// A message that was refused.
#[derive(Clone, Debug, Error)]
#[error("malformed message: {fault}")]
pub struct Malformed {
    /// What is wrong.
    #[source]
    pub fault: Fault,
    /// The request as far as it could be read, when it is one and its headers could be told apart: enough to answer it.
    pub request: Option<Box<Request>>,
}

/// What is wrong with a message. The text goes into the reason phrase of the answer (RFC 3261 §21.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Nothing but line ends: a keep-alive.
    #[error("Empty message")]
    Empty,
    /// Longer than a datagram can be.
    #[error("Message longer than {MAX_MESSAGE_BYTES} bytes")]
    TooLarge,
    /// More header lines than anybody needs.
    #[error("More than {MAX_HEADERS} header fields")]
    TooManyHeaders,
    /// The header part has no end.
    #[error("Header part without an end")]
    Truncated,
    /// A line feed or carriage return on its own, or another control character.
    #[error("Stray control character")]
    ControlCharacter,
    /// A line that is no header field.
    #[error("Malformed header line")]
    HeaderLine,
    /// Neither a request line nor a status line.
    #[error("Malformed start line")]
    StartLine,
    /// Not SIP/2.0.
    #[error("Version Not Supported")]
    Version,
    /// The Request-URI does not follow its grammar.
    #[error("Malformed Request-URI")]
    RequestUri(#[source] UriError),
    /// A header field that must be there is not.
    #[error("Missing {0} header field")]
    Missing(HeaderName),
    /// A header field that may stand once stands more often.
    #[error("Repeated {0} header field")]
    Repeated(HeaderName),
    /// A header field that does not follow its grammar.
    #[error("Malformed {0} header field")]
    Invalid(HeaderName),
    /// The method of CSeq is not that of the request line.
    #[error("CSeq method does not match")]
    CSeqMethod,
    /// The datagram ends before the body does.
    #[error("Body shorter than Content-Length")]
    ShortBody,
}

impl Fault {
    /// The status that answers a request with this fault.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Self::TooLarge => StatusCode::MESSAGE_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
