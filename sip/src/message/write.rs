//! The writer: start line, headers in the order given, Content-Length, body.

use std::fmt::{self, Display, Write};

use bytes::{BufMut, Bytes, BytesMut};

use super::{Request, Response};
use crate::header::{HeaderName, Method, StatusCode};

/// Builds one message. Values are written as they are: they come from parsed messages and checked types, which hold no line ends.
pub(crate) struct MessageWriter {
    buffer: BytesMut,
}

impl MessageWriter {
    pub(crate) fn request(method: Method, uri: &str) -> Self {
        let mut writer = Self { buffer: BytesMut::with_capacity(1024) };
        writer.line(format_args!("{method} {uri} SIP/2.0"));
        writer
    }

    /// `reason` replaces the usual phrase, to say more.
    pub(crate) fn response(status: StatusCode, reason: Option<&dyn Display>) -> Self {
        let mut writer = Self { buffer: BytesMut::with_capacity(1024) };
        match reason {
            Some(reason) => writer.line(format_args!("SIP/2.0 {status} {reason}")),
            None => writer.line(format_args!("SIP/2.0 {status} {}", status.reason())),
        }
        writer
    }

    pub(crate) fn header(&mut self, name: HeaderName, value: impl Display) {
        self.line(format_args!("{name}: {value}"));
    }

    /// A header by a name that this crate does not read.
    pub(crate) fn named(&mut self, name: &str, value: &str) {
        self.line(format_args!("{name}: {value}"));
    }

    /// Copies all lines of a header.
    pub(crate) fn copy(&mut self, name: HeaderName, request: &Request) {
        for value in request.headers().values(name) {
            self.header(name, value);
        }
    }

    /// Copies all lines of a response's header.
    pub(crate) fn copy_from_response(&mut self, name: HeaderName, response: &Response) {
        for value in response.headers().values(name) {
            self.header(name, value);
        }
    }

    /// Ends the message with its body; Content-Type is the caller's.
    pub(crate) fn finish(mut self, body: &[u8]) -> Bytes {
        self.header(HeaderName::ContentLength, body.len());
        self.buffer.put_slice(b"\r\n");
        self.buffer.put_slice(body);
        self.buffer.freeze()
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a growing buffer cannot fail.
        let _ = self.buffer.write_fmt(line);
        self.buffer.put_slice(b"\r\n");
    }
}
