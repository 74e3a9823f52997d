//! One connection of TCP or TLS: cuts what comes into messages, writes what waits, and ends what takes too long.
//!
//! A peer that says more than it may is read more slowly, never cut: the pressure goes back through TCP. What was not written when the
//! connection ends goes back to the endpoint, which knows another way or ends the call.

use std::time::Duration;

use bytes::BytesMut;
use sip::endpoint::Transmit;
use sip::transport::{Flow, Frame, Framer, PING, PONG, Side};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;

/// Reads and writes until either side ends it, and returns what was not written first.
pub(super) async fn run<S>(shared: &Shared, flow: Flow, side: Side, queue: &mut mpsc::Receiver<Transmit>, stream: S) -> Option<Transmit>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection { shared, flow, stream, framer: Framer::new(side), patience: Patience::new(shared, side), over: false };
    let mut buffer = BytesMut::with_capacity(READ);
    loop {
        let due = connection.patience.due(connection.over);
        tokio::select! {
            read = connection.stream.read_buf(&mut buffer), if !connection.over => {
                if !matches!(read, Ok(1..)) || connection.take(&mut buffer).await.is_none() {
                    return None;
                }
            }
            waiting = queue.recv() => {
                let transmit = waiting?;
                if connection.write(&transmit.bytes).await.is_none() {
                    return Some(transmit);
                }
            }
            () = sleep_until(due) => {
                if connection.over || connection.patience.is_over() || connection.write(PING).await.is_none() {
                    return None;
                }
                connection.patience.pinged();
            }
        }
    }
}

struct Connection<'a, S> {
    shared: &'a Shared,
    flow: Flow,
    stream: S,
    framer: Framer,
    patience: Patience,
    /// Nothing more can be read; what is owed is still written.
    over: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// Takes what was read; `None` ends the connection.
    async fn take(&mut self, buffer: &mut BytesMut) -> Option<()> {
        self.framer.push(buffer);
        buffer.clear();
        self.patience.heard();
        while let Some(frame) = self.framer.next_frame().ok()? {
            match frame {
                Frame::Message(message) => self.shared.deliver(self.flow, message).await,
                Frame::Last(message) => {
                    self.shared.deliver(self.flow, message).await;
                    self.over = true;
                    self.patience.answer_last();
                }
                Frame::Ping => self.write(PONG).await?,
                Frame::Pong => self.patience.ponged(),
            }
            self.patience.spoke();
        }
        self.patience.amid(self.framer.is_amid_message());
        Some(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Option<()> {
        timeout(WRITE, self.stream.write_all(bytes)).await.ok()?.ok()?;
        timeout(WRITE, self.stream.flush()).await.ok()?.ok()
    }
}

/// What a connection has time for. All of it is one deadline: the nearest.
#[derive(Debug)]
pub(super) struct Patience {
    half_open: Duration,
    idle: Duration,
    keep_alive: Option<Duration>,
    heard: Instant,
    /// Until something whole has come: from the beginning, or from the first byte of a message on.
    whole_by: Option<Instant>,
    ping_at: Option<Instant>,
    pong_by: Option<Instant>,
    /// The peer has answered a ping before, so it will again.
    pongs: bool,
    close_at: Option<Instant>,
}

impl Patience {
    pub(super) fn new(shared: &Shared, side: Side) -> Self {
        let (now, times) = (Instant::now(), shared.times);
        let keep_alive = times.keep_alive.filter(|_| side == Side::Opened);
        Self {
            half_open: times.half_open,
            idle: times.idle,
            keep_alive,
            heard: now,
            whole_by: (side == Side::Accepted).then(|| now + times.half_open),
            ping_at: keep_alive.map(|interval| now + interval),
            pong_by: None,
            pongs: false,
            close_at: None,
        }
    }

    pub(super) fn due(&self, over: bool) -> Instant {
        if over {
            return self.close_at.unwrap_or(self.heard);
        }
        let dead = self.heard + self.idle;
        [Some(dead), self.whole_by, self.ping_at, self.pong_by].into_iter().flatten().min().unwrap_or(dead)
    }

    /// Whether the deadline that has come is an end and no ping.
    pub(super) fn is_over(&self) -> bool {
        let now = Instant::now();
        now >= self.heard + self.idle || [self.whole_by, self.pong_by].into_iter().flatten().any(|at| now >= at)
    }

    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    pub(super) fn spoke(&mut self) {
        self.whole_by = None;
    }

    pub(super) fn amid(&mut self, amid: bool) {
        if amid && self.whole_by.is_none() {
            self.whole_by = Some(Instant::now() + self.half_open);
        }
    }

    pub(super) fn pinged(&mut self) {
        let now = Instant::now();
        self.ping_at = self.keep_alive.map(|interval| now + interval);
        // Who has never answered may not know of it (RFC 5626 §4.4.1 asks for ten seconds).
        self.pong_by = self.pongs.then(|| now + PONG_WITHIN);
    }

    pub(super) fn ponged(&mut self) {
        (self.pongs, self.pong_by) = (true, None);
    }

    fn answer_last(&mut self) {
        self.close_at = Some(Instant::now() + LINGER);
    }
}

/// Bytes read at once.
const READ: usize = 8 << 10;
/// How long a peer may take to read one message of ours.
const WRITE: Duration = Duration::from_secs(5);
/// RFC 5626 §4.4.1.
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// How long the answer to a message without an end may take.
const LINGER: Duration = Duration::from_millis(500);
