//! Messages over one buffer (RFC 3261 §7): the datagram is kept as it came, headers are ranges into it, typed access is on demand.
//!
//! Strict where leniency has been exploited (bare line feeds, white space in names and start lines, doubled single headers,
//! control characters), tolerant where RFC 3261 says so (compact names, folding, odd spacing, unknown headers and schemes).
//! What a message is cut out of, a datagram or a stream, is the business of [`crate::transport`].

mod body;
mod error;
mod extensions;
mod headers;
mod octet;
mod parse;
mod span;
mod text;
mod write;

use std::fmt;

use bytes::Bytes;

pub use self::error::{Fault, Malformed};
pub use self::headers::Headers;
pub(crate) use self::octet::Class;
pub(crate) use self::span::Span;
pub(crate) use self::text::{find, is_token, split_once, split_outside_quotes, trim};
pub(crate) use self::write::MessageWriter;
use crate::header::{Method, StatusCode, Uri, UriError};

/// The largest message taken, in bytes: no UDP datagram is longer.
pub const MAX_MESSAGE_BYTES: usize = 65_535;

/// The most header lines taken in one message.
pub const MAX_HEADERS: usize = 128;

/// A request or a response whose headers, as far as this crate reads them, follow the grammar.
#[derive(Clone, Debug)]
pub enum Message {
    /// A request (§7.1).
    Request(Request),
    /// A response (§7.2).
    Response(Response),
}

impl Message {
    /// Reads one datagram (§18.3): bytes beyond Content-Length are dropped, a body shorter than it is a fault, and without
    /// Content-Length the body reaches to the end.
    pub fn parse(datagram: Bytes) -> Result<Self, Malformed> {
        parse::parse(datagram, Content::Whole)
    }

    /// Reads one message of a stream, as [`Framer`](crate::transport::Framer) has cut it out: without Content-Length nobody knows where it
    /// ends (§20.14), which is a fault.
    pub fn parse_from_stream(message: Bytes) -> Result<Self, Malformed> {
        parse::parse(message, Content::Stream)
    }
}

/// Where the bytes of a message end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// With what holds it: a datagram, a WebSocket message.
    Whole,
    /// Where Content-Length says.
    Stream,
}

/// A request (§7.1).
#[derive(Clone)]
pub struct Request {
    method: Method,
    method_span: Span,
    uri_span: Span,
    headers: Headers,
}

impl Request {
    /// The method; [`Method::Unknown`] when it is not one of ours, then [`Request::method_text`] names it.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as written; methods are case-sensitive (§7.1).
    pub fn method_text(&self) -> &str {
        self.headers.text(self.method_span)
    }

    /// The Request-URI as written.
    pub fn uri_text(&self) -> &str {
        self.headers.text(self.uri_span)
    }

    /// The Request-URI.
    pub fn uri(&self) -> Result<Uri, UriError> {
        Uri::parse(self.uri_text())
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body, empty when there is none.
    pub fn body(&self) -> Bytes {
        self.headers.body()
    }

    /// The session description that it carries, empty when there is none.
    pub fn sdp(&self) -> Bytes {
        self.headers.sdp()
    }
}

/// Hides what the message says: it names people.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A response (§7.2).
#[derive(Clone)]
pub struct Response {
    status: StatusCode,
    headers: Headers,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body, empty when there is none.
    pub fn body(&self) -> Bytes {
        self.headers.body()
    }

    /// The session description that it carries, empty when there is none.
    pub fn sdp(&self) -> Bytes {
        self.headers.sdp()
    }
}

/// Hides what the message says: it names people.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}
