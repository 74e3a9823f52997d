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
    /// The peer does not answer any more; the connection is good for nothing. Said again whenever asked.
    Stalled,
}

impl Incoming {
    /// The message, as the session takes it; `None` for the end.
    #[must_use]
    pub fn message(&self) -> Option<AgentMessage<'_>> {
        match self {
            Self::Text(text) => Some(AgentMessage::Text(text)),
            Self::Binary(bytes) => Some(AgentMessage::Binary(bytes)),
            Self::Closed(_) | Self::Stalled => None,
        }
    }
}

/// How it ended.
#[derive(Clone, Copy)]
enum Closure {
    Closed(Option<u16>),
    Stalled,
}

impl From<Closure> for Incoming {
    fn from(closure: Closure) -> Self {
        match closure {
            Closure::Closed(code) => Self::Closed(code),
            Closure::Stalled => Self::Stalled,
        }
    }
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
        if transmit.live_audio.is_some() {
            self.keepalive.audio_flows();
        }
        let message = self.copy(transmit.message)?;
        // The waker of `receive` is still registered for reading, and wakes it for writing too.
        if self.blocked && self.poll_drain(&mut Context::from_waker(Waker::noop())).is_pending() {
            let queued = self.queue.push(message, transmit.live_audio);
            if queued.is_err() {
                // What must arrive and cannot is the end; `receive` tells it.
                self.closed = Some(Closure::Stalled);
            }
            return queued;
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
        let beat = if self.closed.is_none() { self.keepalive.poll_beat(cx) } else { None };
        if matches!(beat, Some(Beat::Ping)) {
            self.write(Message::Ping(Bytes::new()));
        }
        loop {
            if let Some(closure) = self.closed {
                return Poll::Ready(closure.into());
            }
            match Pin::new(&mut self.stream).poll_next(cx) {
                // Where we were away ourselves, the sign of life has been waiting for us.
                Poll::Pending if matches!(beat, Some(Beat::Gone)) && self.keepalive.is_unanswered() => {
                    self.closed = Some(Closure::Stalled);
                }
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(message))) => match message {
                    Message::Text(text) => {
                        self.keepalive.answered();
                        return Poll::Ready(Incoming::Text(text));
                    }
                    Message::Binary(bytes) => {
                        self.keepalive.answered();
                        return Poll::Ready(Incoming::Binary(bytes));
                    }
                    Message::Pong(_) => self.keepalive.answered(),
                    Message::Close(frame) => self.part(frame.map_or(NO_STATUS, |frame| frame.code.into()), cx),
                    // The answer to a ping goes out with the next poll of the stream, which follows at once.
                    Message::Ping(_) | Message::Frame(_) => {}
                },
                Poll::Ready(Some(Err(_)) | None) => self.closed = Some(Closure::Closed(None)),
            }
        }
    }

    /// The peer said goodbye: answers in kind, as far as the transport takes it.
    fn part(&mut self, code: u16, cx: &mut Context<'_>) {
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
        let _ = tokio::io::AsyncWrite::poll_shutdown(Pin::new(self.stream.get_mut()), cx);
        self.closed = Some(Closure::Closed(Some(code)));
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
            self.closed = Some(Closure::Closed(None));
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

/// Pings, each second while audio flows and seldom while none does; a peer of which nothing comes for long enough after one is gone.
///
/// While audio flows that is noticed within [`FLOWING_PING`] and [`FLOWING_PATIENCE`] of its last sign of life. A sign is anything
/// that comes: what is long on its way keeps a pong back.
struct Keepalive {
    next: Pin<Box<Sleep>>,
    /// Audio went since the last ping.
    flowing: bool,
    /// Since when a ping is unanswered.
    unanswered: Option<Instant>,
}

/// What is to be done.
enum Beat {
    Ping,
    Gone,
}

impl Keepalive {
    fn new() -> Self {
        // Audio is expected; without any the second ping comes late.
        Self { next: Box::pin(tokio::time::sleep(FLOWING_PING)), flowing: false, unanswered: None }
    }

    fn poll_beat(&mut self, cx: &mut Context<'_>) -> Option<Beat> {
        if self.next.as_mut().poll(cx).is_pending() {
            return None;
        }
        let now = Instant::now();
        let (interval, patience) = if self.flowing { (FLOWING_PING, FLOWING_PATIENCE) } else { (RESTING_PING, RESTING_PATIENCE) };
        let beat = match self.unanswered {
            Some(since) if now.saturating_duration_since(since) >= patience => Beat::Gone,
            _ => Beat::Ping,
        };
        let since = *self.unanswered.get_or_insert(now);
        // The first unanswered ping says when the peer is given up; that may be before the next.
        let mut at = now + interval;
        if since + patience > now {
            at = at.min(since + patience);
        }
        self.next.as_mut().reset(at);
        // The timer wakes us only after it was polled in its new place.
        let _ = self.next.as_mut().poll(cx);
        self.flowing = false;
        Some(beat)
    }

    /// The caller is heard: it matters at once that the agent hears.
    fn audio_flows(&mut self) {
        if !std::mem::replace(&mut self.flowing, true) {
            let soon = Instant::now() + FLOWING_PING;
            if self.next.deadline() > soon {
                self.next.as_mut().reset(soon);
            }
        }
    }

    const fn answered(&mut self) {
        self.unanswered = None;
    }

    const fn is_unanswered(&self) -> bool {
        self.unanswered.is_some()
    }
}

const FLOWING_PING: Duration = Duration::from_secs(1);
/// A round trip around the world, and a peer that is busy.
const FLOWING_PATIENCE: Duration = Duration::from_millis(1_750);
const RESTING_PING: Duration = Duration::from_secs(15);
const RESTING_PATIENCE: Duration = Duration::from_secs(30);

/// RFC 6455 §7.4.1: no status code was in the close frame.
const NO_STATUS: u16 = 1005;
