//! The way to the log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::entry::Hash;
use super::error::AuditError;
use super::writer::{Append, Writer};
use crate::domain::audit_event::AuditEvent;
use crate::domain::ids::OrgId;

/// An open audit log; clones share it. The last one to go writes what is queued and closes it.
#[derive(Clone, Debug)]
pub struct AuditLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Option<SyncSender<Append>>,
    thread: Option<JoinHandle<()>>,
    failing: Arc<AtomicBool>,
}

/// Proof that an entry is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whose entry it is.
    pub org: OrgId,
    /// Its number in that organisation, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

impl AuditLog {
    /// Opens or makes the log in `directory`: reads it, checks every entry, and cuts off an entry that was being
    /// written when an earlier process died. Blocks while it does.
    ///
    /// # Errors
    /// When the directory cannot be used, another process uses it, or the log was changed.
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        Self::open_with(directory, SEGMENT_LEN)
    }

    pub(crate) fn open_with(directory: &Path, segment_len: u64) -> Result<Self, AuditError> {
        let writer = Writer::open(directory, segment_len)?;
        let failing = writer.failing();
        let (queue, appends) = sync_channel(QUEUE_LEN);
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(&appends))
            .map_err(|error| AuditError::Directory(Arc::new(error)))?;
        Ok(Self { shared: Arc::new(Shared { queue: Some(queue), thread: Some(thread), failing }) })
    }

    /// Appends an entry to the log of `org`; returns when it is on the disk. An entry once handed over is written even
    /// when nobody waits for it any longer.
    ///
    /// # Errors
    /// When too many are waiting or the disk does not take it; then what was to be audited must not happen.
    pub async fn append(&self, org: &OrgId, event: AuditEvent) -> Result<Receipt, AuditError> {
        let (reply, answer) = oneshot::channel();
        let append = Append { org: org.clone(), event, reply };
        let queue = self.shared.queue.as_ref().ok_or(AuditError::Closed)?;
        queue.try_send(append).map_err(|refused| match refused {
            TrySendError::Full(_) => AuditError::Busy,
            TrySendError::Disconnected(_) => AuditError::Closed,
        })?;
        answer.await.map_err(|_| AuditError::Closed)?
    }

    /// Whether the disk took the last entry.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        !self.shared.failing.load(Ordering::Relaxed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

/// Entries that may wait for the disk; one more is refused.
const QUEUE_LEN: usize = 4_096;
/// A segment longer than this is followed by a new one.
const SEGMENT_LEN: u64 = 64 * 1_024 * 1_024;
