//! The way from a running call to whoever listens to it: a bounded channel of linear audio.
//!
//! The call never waits for the listener. It writes only when the channel is free that instant, and keeps its frames
//! otherwise; where the listener does not read for a second, the oldest frame makes room and is counted. Either end
//! notices when the other is gone. Left out on purpose: whether somebody may listen; whoever makes the two ends decides.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::leg::listeners::{HeardFrame, ListenerSetup};

/// The end at which a call is listened to.
#[derive(Debug)]
pub struct Listening {
    shared: Arc<Shared>,
}

/// The end that a call writes to, as a command carries it; the last clone that is dropped closes the channel.
#[derive(Clone, Debug)]
pub struct ListenerPort {
    port: Arc<Port>,
}

/// What was read at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Samples of each channel before this frame. Where it is more than what was read so far, frames were lost.
    pub position: u64,
    /// Frames lost so far because they were not read in time.
    pub dropped: u64,
}

#[derive(Debug)]
struct Port {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    setup: ListenerSetup,
    frames: Mutex<Frames>,
    written: Notify,
    /// The call writes no more.
    closed: AtomicBool,
    /// Nobody reads any more.
    abandoned: AtomicBool,
}

/// Frames that wait: their samples one behind the other, and their places and lengths.
#[derive(Debug, Default)]
struct Frames {
    samples: VecDeque<i16>,
    waiting: VecDeque<(u64, usize)>,
    dropped: u64,
}

impl Listening {
    /// Both ends of a channel for a listener who wants to hear `setup`.
    #[must_use]
    pub fn new(setup: ListenerSetup) -> (Self, ListenerPort) {
        let shared = Arc::new(Shared {
            setup,
            frames: Mutex::default(),
            written: Notify::new(),
            closed: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        });
        let port = ListenerPort { port: Arc::new(Port { shared: Arc::clone(&shared) }) };
        (Self { shared }, port)
    }

    /// Appends the next frame to `out`, as soon as there is one; `None` when the call has ended or refused, and all was
    /// read. May be given up and called again.
    pub async fn next(&mut self, out: &mut Vec<i16>) -> Option<Heard> {
        loop {
            let written = self.shared.written.notified();
            // First whether it is closed, then what was written: nothing is written after that.
            let closed = self.shared.closed.load(Ordering::Acquire);
            if let Some(heard) = self.shared.frames().take(out) {
                return Some(heard);
            }
            if closed {
                return None;
            }
            written.await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
    }
}

impl ListenerPort {
    /// What is to be heard.
    #[must_use]
    pub fn setup(&self) -> ListenerSetup {
        self.port.shared.setup
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.port.shared.abandoned.load(Ordering::Acquire)
    }

    /// The channel, to be written to; nothing while the reader holds it.
    pub(super) fn writer(&self) -> Option<Writer<'_>> {
        let frames = match self.port.shared.frames.try_lock() {
            Ok(frames) => frames,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Writer { frames, written: &self.port.shared.written })
    }
}

/// The channel while it is written to. The reader is woken when this is dropped.
pub(super) struct Writer<'a> {
    frames: MutexGuard<'a, Frames>,
    written: &'a Notify,
}

impl Writer<'_> {
    /// Writes a frame; the oldest make room for it.
    pub(super) fn put(&mut self, frame: HeardFrame<'_>) {
        self.frames.put(frame, frame.rate.samples(BOUND) as usize * usize::from(frame.channels));
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.written.notify_one();
    }
}

/// Two ports are the same when they lead to the same listener.
impl PartialEq for ListenerPort {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.port, &other.port)
    }
}

impl Eq for ListenerPort {}

impl Drop for Port {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.written.notify_one();
    }
}

impl Shared {
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    fn put(&mut self, frame: HeardFrame<'_>, bound: usize) {
        while self.samples.len() + frame.samples.len() > bound
            && let Some((_, length)) = self.waiting.pop_front()
        {
            self.samples.drain(..length);
            self.dropped += 1;
        }
        self.samples.extend(frame.samples);
        self.waiting.push_back((frame.position, frame.samples.len()));
    }

    fn take(&mut self, out: &mut Vec<i16>) -> Option<Heard> {
        let (position, length) = self.waiting.pop_front()?;
        out.extend(self.samples.drain(..length));
        Some(Heard { position, dropped: self.dropped })
    }
}

/// How much may wait to be read.
const BOUND: Duration = Duration::from_secs(1);
