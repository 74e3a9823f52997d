//! The open WebSocket: messages out without ever waiting, messages in, and signs of life.
//!
//! Left out on purpose: every rule of a protocol. What a message means is the session's business.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, Stream};
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::error::SendError;
use super::queue::SendQueue;
use super::tls::Transport;
use crate::agent::model::AgentMessage;
use crate::agent::session::{MAX_MESSAGE_LEN_BYTES, Transmit};

/// A WebSocket to an agent; lives on one thread.
pub struct AgentSocket {
    stream: WebSocketStream<Transport>,
    queue: SendQueue,
    /// Messages are copied through here; its memory comes back when they are written.
    scratch: BytesMut,
    /// The transport did not take all it was given.
    blocked: bool,
    keepalive: Keepalive,
    closed: Option<Closure>,
}

/// What came of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// The connection is over, with the peer's close code (1005 where it gave none), or, when the transport broke or
    /// the peer broke the rules, without one. Said again whenever asked.
    Closed(Option<u16>),
}

impl Incoming {
    /// The message, as the session takes it; `None` for the end.
    #[must_use]
    pub fn message(&self) -> Option<AgentMessage<'_>> {
        match self {
            Self::Text(text) => Some(AgentMessage::Text(text)),
            Self::Binary(bytes) => Some(AgentMessage::Binary(bytes)),
            Self::Closed(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Closure {
    code: Option<u16>,
}

impl AgentSocket {
    pub(super) fn new(stream: WebSocketStream<Transport>) -> Self {
        Self { stream, queue: SendQueue::default(), scratch: BytesMut::new(), blocked: false, keepalive: Keepalive::new(), closed: None }
    }

    /// Writes a message, or queues it where the transport takes nothing more. Never waits.
    pub fn send(&mut self, transmit: Transmit<'_>) -> Result<(), SendError> {
        if self.closed.is_some() {
            return Err(SendError::Closed);
        }
        let message = self.copy(transmit.message)?;
        // The waker of `receive` is still registered for reading, and wakes it for writing too.
        if self.blocked && self.poll_drain(&mut Context::from_waker(Waker::noop())).is_pending() {
            return self.queue.push(message, transmit.live_audio);
        }
        if self.closed.is_some() {
            return Err(SendError::Closed);
        }
        self.write(message);
        Ok(())
    }

    /// The next message; also writes what waits and keeps the connection alive. May be dropped at any time without loss.
    pub async fn receive(&mut self) -> Incoming {
        std::future::poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// Says goodbye, as far as the transport takes it; afterwards [`Self::receive`] ends with the peer's goodbye.
    pub fn close(&mut self, code: u16) {
        if self.closed.is_none() {
            self.write(Message::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::default() })));
        }
    }

    /// Caller audio dropped because the agent did not read.
    #[must_use]
    pub const fn dropped_ms(&self) -> u64 {
        self.queue.dropped().as_millis() as u64
    }

    /// Caller audio that waits for the agent to read.
    #[must_use]
    pub const fn queued_ms(&self) -> u64 {
        self.queue.live_audio().as_millis() as u64
    }

    /// [`Self::receive`], for who waits for more than one thing.
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if self.blocked {
            let _ = self.poll_drain(cx);
        }
        if self.closed.is_none() && self.keepalive.is_due(cx) {
            match self.keepalive.next_ping() {
                Some(ping) => self.write(ping),
                None => self.closed = Some(Closure { code: None }),
            }
        }
        loop {
            if let Some(Closure { code }) = self.closed {
                return Poll::Ready(Incoming::Closed(code));
            }
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(message))) => match message {
                    Message::Text(text) => return Poll::Ready(Incoming::Text(text)),
                    Message::Binary(bytes) => return Poll::Ready(Incoming::Binary(bytes)),
                    Message::Pong(_) => self.keepalive.answered(),
                    Message::Close(frame) => self.part(frame.map_or(NO_STATUS, |frame| frame.code.into()), cx),
                    // The answer to a ping goes out with the next poll of the stream, which follows at once.
                    Message::Ping(_) | Message::Frame(_) => {}
                },
                Poll::Ready(Some(Err(_)) | None) => self.closed = Some(Closure { code: None }),
            }
        }
    }

    /// The peer said goodbye: answers in kind, as far as the transport takes it.
    fn part(&mut self, code: u16, cx: &mut Context<'_>) {
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
        let _ = tokio::io::AsyncWrite::poll_shutdown(Pin::new(self.stream.get_mut()), cx);
        self.closed = Some(Closure { code: Some(code) });
    }

    /// Writes what waits; `Pending` while the transport takes no more.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => {
                    self.fail(&error);
                    return Poll::Ready(());
                }
                Poll::Ready(Ok(())) => self.blocked = false,
            }
            let Some(message) = self.queue.pop() else { return Poll::Ready(()) };
            self.write(message);
            if self.closed.is_some() {
                return Poll::Ready(());
            }
        }
    }

    /// Hands a message to the transport, which has room for it; notes when it did not take all of it.
    fn write(&mut self, message: Message) {
        if let Err(error) = Pin::new(&mut self.stream).start_send(message) {
            return self.fail(&error);
        }
        match Pin::new(&mut self.stream).poll_flush(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.blocked = true,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &Error) {
        // After either side's goodbye a write fails by rule; the close code is still to be read.
        let goodbye_said = matches!(error, Error::Protocol(_) | Error::ConnectionClosed | Error::AlreadyClosed);
        self.blocked = false;
        if !goodbye_said {
            self.closed = Some(Closure { code: None });
        }
    }

    fn copy(&mut self, message: AgentMessage<'_>) -> Result<Message, SendError> {
        let bytes = match message {
            AgentMessage::Text(text) => text.as_bytes(),
            AgentMessage::Binary(bytes) => bytes,
        };
        if bytes.len() > MAX_MESSAGE_LEN_BYTES {
            return Err(SendError::TooLong { len_bytes: bytes.len() });
        }
        self.scratch.extend_from_slice(bytes);
        let bytes = self.scratch.split().freeze();
        Ok(match message {
            AgentMessage::Text(text) => Message::Text(Utf8Bytes::try_from(bytes).unwrap_or_else(|_| text.into())),
            AgentMessage::Binary(_) => Message::Binary(bytes),
        })
    }
}

/// Pings at intervals; a peer that leaves two of them unanswered is gone.
struct Keepalive {
    next: Pin<Box<Sleep>>,
    unanswered: u32,
}

impl Keepalive {
    fn new() -> Self {
        Self { next: Box::pin(tokio::time::sleep(PING_INTERVAL)), unanswered: 0 }
    }

    fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        let due = self.next.as_mut().poll(cx).is_ready();
        if due {
            self.next.as_mut().reset(Instant::now() + PING_INTERVAL);
            // The timer wakes us only after it was polled in its new place.
            let _ = self.next.as_mut().poll(cx);
        }
        due
    }

    /// The next ping; `None` when the peer is gone.
    fn next_ping(&mut self) -> Option<Message> {
        if self.unanswered == MAX_UNANSWERED {
            return None;
        }
        self.unanswered += 1;
        Some(Message::Ping(Bytes::new()))
    }

    const fn answered(&mut self) {
        self.unanswered = 0;
    }
}

const PING_INTERVAL: Duration = Duration::from_secs(15);
const MAX_UNANSWERED: u32 = 2;

/// RFC 6455 §7.4.1: no status code was in the close frame.
const NO_STATUS: u16 = 1005;
