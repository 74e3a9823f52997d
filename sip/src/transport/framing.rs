//! Messages out of a stream (RFC 3261 §18.3) and the keep-alives between them (RFC 5626 §3.5.1).
//!
//! A message ends where its Content-Length says; nothing else parts two of them. One that does not say, or says it in two ways, is
//! handed on as [`Frame::Last`]: it can be answered, but what follows it cannot be read any more and the connection has to be closed.
//!
//! Bounds: a header part of [`MAX_HEADER_BYTES`], a message of [`MAX_MESSAGE_BYTES`]; one byte more and the connection has to be closed,
//! too. How long a message may take to come is the driver's business: [`Framer::is_amid_message`] says whether one has begun.

use bytes::{Buf, Bytes, BytesMut};

use super::ends::{BodyLength, body_length, header_end};
use crate::message::MAX_MESSAGE_BYTES;

/// The longest header part taken from a stream, in bytes. Datagrams are bounded as a whole.
pub const MAX_HEADER_BYTES: usize = 32 << 10;

/// Cuts what arrives on one connection into messages.
#[derive(Debug)]
pub struct Framer {
    side: Side,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of the header part.
    searched: usize,
    /// Of the message whose header part is whole.
    length: Option<usize>,
    /// Nothing more can be read.
    over: bool,
}

/// Who opened the connection: that side pings, the other answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// We did.
    Opened,
    /// The peer did.
    Accepted,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, whole.
    Message(Bytes),
    /// Two line ends: answer with one.
    Ping,
    /// A line end: the peer has had our ping.
    Pong,
    /// A message whose end cannot be known. Answer it, then close.
    Last(Bytes),
}

/// Why a connection has to be closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// The header part goes on and on.
    #[error("header part longer than {MAX_HEADER_BYTES} bytes")]
    HeaderTooLong,
}

impl Framer {
    /// For a new connection.
    pub fn new(side: Side) -> Self {
        Self { side, buffer: BytesMut::new(), searched: 0, length: None, over: false }
    }

    /// Takes what arrived. Take out all frames before the next, so that at most one message waits here.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.over {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame; `None` until more arrives.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FramingError> {
        if self.over {
            return Ok(None);
        }
        if self.length.is_none() {
            if let Some(frame) = self.line_ends() {
                return Ok(Some(frame));
            }
            let Some(header) = header_end(&self.buffer, self.searched) else {
                // The end may be cut anywhere within its four bytes.
                self.searched = self.buffer.len().saturating_sub(3);
                return if self.buffer.len() > MAX_HEADER_BYTES { self.fail() } else { Ok(None) };
            };
            if header > MAX_HEADER_BYTES {
                return self.fail();
            }
            match body_length(self.buffer.get(..header).unwrap_or_default()) {
                BodyLength::Known(body) if header + body <= MAX_MESSAGE_BYTES => self.length = Some(header + body),
                BodyLength::Known(_) | BodyLength::Unknown => {
                    self.over = true;
                    return Ok(Some(Frame::Last(self.buffer.split_to(header).freeze())));
                }
            }
        }
        let Some(length) = self.length.take_if(|length| *length <= self.buffer.len()) else { return Ok(None) };
        self.searched = 0;
        Ok(Some(Frame::Message(self.buffer.split_to(length).freeze())))
    }

    /// A message has begun and is not whole: whoever sends one byte a minute holds the connection for nothing.
    pub fn is_amid_message(&self) -> bool {
        !self.over && self.buffer.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    fn line_ends(&mut self) -> Option<Frame> {
        match self.side {
            Side::Accepted if self.buffer.starts_with(b"\r\n\r\n") => {
                self.buffer.advance(4);
                Some(Frame::Ping)
            }
            Side::Opened if self.buffer.starts_with(b"\r\n") => {
                self.buffer.advance(2);
                Some(Frame::Pong)
            }
            // A stray line end before a message (§7.5); the parser steps over it.
            _ => None,
        }
    }

    fn fail(&mut self) -> Result<Option<Frame>, FramingError> {
        self.over = true;
        Err(FramingError::HeaderTooLong)
    }
}

/// What pings (RFC 5626 §3.5.1).
pub const PING: &[u8] = b"\r\n\r\n";

/// What answers a ping.
pub const PONG: &[u8] = b"\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:a@b SIP/2.0\r\nl: 5\r\nSubject: x\r\n\r\noffer";
    const BYE: &str = "BYE sip:a@b SIP/2.0\r\nContent-Length : 0\r\n\r\n";

    fn frames(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next_frame().unwrap()).collect()
    }

    #[test]
    fn messages_and_keep_alives_come_out_the_same_however_the_stream_is_cut() {
        let stream = [INVITE, "\r\n\r\n", BYE, "\r\n", INVITE].concat();
        let expected = [
            Frame::Message(Bytes::from_static(INVITE.as_bytes())),
            Frame::Ping,
            Frame::Message(Bytes::from_static(BYE.as_bytes())),
            Frame::Message(Bytes::from(format!("\r\n{INVITE}"))),
        ];
        for cut in 0..=stream.len() {
            let mut framer = Framer::new(Side::Accepted);
            let mut found = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                framer.push(part.as_bytes());
                found.extend(frames(&mut framer));
            }
            assert_eq!(found, expected, "cut at {cut}");
        }
        let mut framer = Framer::new(Side::Accepted);
        let mut found = Vec::new();
        for byte in stream.bytes() {
            framer.push(&[byte]);
            found.extend(frames(&mut framer));
        }
        assert_eq!(found, expected);
        assert!(!framer.is_amid_message());
    }

    #[test]
    fn a_message_without_a_readable_length_is_the_last() {
        for length in ["", "Content-Length: -1\r\n", "l: 0\r\nContent-Length: 0\r\n", "Content-Length: 65535\r\n", "l: \r\n"] {
            let head = format!("INVITE sip:a@b SIP/2.0\r\n{length}\r\n");
            let mut framer = Framer::new(Side::Accepted);
            framer.push(format!("{head}{BYE}").as_bytes());
            assert_eq!(frames(&mut framer), [Frame::Last(Bytes::from(head))], "{length}");
            framer.push(BYE.as_bytes());
            assert_eq!(frames(&mut framer), []);
        }
    }

    #[test]
    fn a_length_in_a_folded_line_of_another_header_is_none() {
        let head = "INVITE sip:a@b SIP/2.0\r\nSubject: x\r\n l: 3\r\nContent-Length:\r\n 2\r\n\r\n";
        let mut framer = Framer::new(Side::Accepted);
        framer.push(format!("{head}okBYE").as_bytes());
        assert_eq!(frames(&mut framer), [Frame::Message(Bytes::from(format!("{head}ok")))]);
        assert!(framer.is_amid_message());
    }

    #[test]
    fn a_header_part_has_a_bound() {
        let mut framer = Framer::new(Side::Accepted);
        let mut failed = false;
        for _ in 0..5 {
            framer.push(&[b'a'; 8 << 10]);
            failed |= framer.next_frame().is_err();
        }
        assert!(failed);
    }

    #[test]
    fn the_side_that_pinged_hears_one_line_end() {
        let mut framer = Framer::new(Side::Opened);
        framer.push(b"\r");
        assert_eq!(frames(&mut framer), []);
        framer.push(b"\n\r\n");
        assert_eq!(frames(&mut framer), [Frame::Pong, Frame::Pong]);
    }
}
