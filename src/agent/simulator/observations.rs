//! What the simulator saw: for tests that ask what really arrived.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A handle on what all sessions of a simulator saw; clones share.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    sessions: Arc<Mutex<VecDeque<SessionHandle>>>,
}

pub(super) type SessionHandle = Arc<Mutex<SessionSeen>>;

/// What one session saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionSeen {
    /// Bytes of audio appended, decoded.
    pub appended_bytes: u64,
    /// The audio itself, at most [`MAX_KEPT_AUDIO_BYTES`] of it, where the configuration says to keep it.
    pub audio: Vec<u8>,
    /// Types of the messages but audio, in order; at most [`MAX_KEPT`].
    pub requests: Vec<String>,
    /// Truncations, taken or refused; at most [`MAX_KEPT`].
    pub truncations: Vec<Truncation>,
    /// Codes of the errors sent; at most [`MAX_KEPT`].
    pub errors: Vec<String>,
    /// When each `speech_started` was put into the socket's queue; at most [`MAX_KEPT`].
    pub speech_started_at: Vec<Instant>,
    /// How many utterances were found in the caller's audio.
    pub utterances: u64,
    /// The connection is over.
    pub closed: bool,
}

/// A client's word on what was heard of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// The item.
    pub item_id: String,
    /// Heard, according to the client.
    pub audio_end_ms: u64,
    /// Sent by then.
    pub sent_ms: u64,
}

impl Observations {
    /// What each session saw, oldest first; the latest [`MAX_KEPT`] sessions.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionSeen> {
        lock(&self.sessions).iter().map(|session| lock(session).clone()).collect()
    }

    pub(super) fn begin(&self) -> SessionHandle {
        let session = SessionHandle::default();
        let mut sessions = lock(&self.sessions);
        if sessions.len() == MAX_KEPT {
            sessions.pop_front();
        }
        sessions.push_back(session.clone());
        session
    }
}

impl SessionSeen {
    pub(super) fn append(&mut self, len: usize) {
        self.appended_bytes += len as u64;
    }

    pub(super) fn keep(&mut self, audio: &[u8]) {
        let room = MAX_KEPT_AUDIO_BYTES.saturating_sub(self.audio.len());
        self.audio.extend(audio.iter().take(room));
    }

    pub(super) fn request(&mut self, kind: &str) {
        if self.requests.len() < MAX_KEPT {
            self.requests.push(kind.to_owned());
        }
    }

    pub(super) fn truncate(&mut self, truncation: Truncation) {
        if self.truncations.len() < MAX_KEPT {
            self.truncations.push(truncation);
        }
    }

    pub(super) fn speech_started(&mut self, now: Instant) {
        if self.speech_started_at.len() < MAX_KEPT {
            self.speech_started_at.push(now);
        }
    }

    pub(super) fn error(&mut self, code: &str) {
        if self.errors.len() < MAX_KEPT {
            self.errors.push(code.to_owned());
        }
    }
}

/// A test that panicked while it looked does not stop the others from looking.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sessions kept, and messages kept of each.
pub const MAX_KEPT: usize = 1024;
/// Five minutes of 24 kHz.
pub const MAX_KEPT_AUDIO_BYTES: usize = 16 * 1024 * 1024;
