//! The thread that writes: takes what waits, writes it, synchronises once, then answers everybody.
//!
//! While the disk is busy with one group the next one gathers, so nobody waits for a timer and the cost of
//! synchronising is shared. After a failure nothing of the group counts: the chain goes on from the last entry that is
//! known to be on the disk, once the file has been cut back to it.

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use chrono::Utc;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::entry::{Entry, Hash, Place};
use super::error::AuditError;
use super::log::Receipt;
use super::replay::{Head, replay};
use super::segment;
use crate::domain::audit_event::AuditEvent;
use crate::domain::ids::OrgId;

/// An entry on its way to the log.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) org: OrgId,
    pub(super) event: AuditEvent,
    pub(super) reply: oneshot::Sender<Result<Receipt, AuditError>>,
}

pub(super) struct Writer {
    directory: PathBuf,
    segment_len: u64,
    opened: Instant,
    heads: HashMap<OrgId, Head>,
    segment: Segment,
    /// Whether the disk refused of late; shown to whoever asks.
    failing: Arc<AtomicBool>,
    _lock: File,
}

/// The file that is written to.
struct Segment {
    number: u64,
    file: File,
    /// Up to here everything is on the disk and in the chain.
    durable_len: u64,
    /// Whether there may be something behind it.
    dirty: bool,
}

impl Writer {
    pub(super) fn failing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.failing)
    }

    pub(super) fn open(directory: &Path, segment_len: u64) -> Result<Self, AuditError> {
        let unusable = |error| AuditError::Directory(Arc::new(error));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unusable)?;
        let lock = lock(directory)?;
        let replayed = replay(directory).map_err(unusable)?;
        if let Some(breach) = replayed.report.breach {
            return Err(AuditError::Broken(breach));
        }
        if replayed.report.torn_bytes > 0 {
            warn!(bytes = replayed.report.torn_bytes, "audit_unfinished_entry_cut");
        }
        let (number, durable_len) = replayed.last.unwrap_or((1, 0));
        let mut segment = Segment::open(directory, number, durable_len).map_err(unusable)?;
        segment.repair().map_err(unusable)?;
        let heads = replayed.report.heads.into_iter().collect();
        let directory = directory.to_owned();
        Ok(Self { directory, segment_len, opened: Instant::now(), heads, segment, failing: Arc::default(), _lock: lock })
    }

    /// Runs until every way to the log is gone.
    pub(super) fn run(mut self, appends: &Receiver<Append>) {
        let mut lines = Vec::new();
        while let Ok(first) = appends.recv() {
            let mut group = vec![first];
            group.extend(appends.try_iter().take(GROUP_LEN - 1));
            self.write(group, &mut lines);
        }
    }

    fn write(&mut self, group: Vec<Append>, lines: &mut Vec<u8>) {
        lines.clear();
        let mut heads = HashMap::new();
        let mut receipts = Vec::with_capacity(group.len());
        let outcome = group.iter().try_for_each(|append| {
            receipts.push(self.compose(append, &mut heads, lines)?);
            Ok(())
        });
        match outcome.and_then(|()| self.commit(lines)) {
            Ok(()) => {
                self.heads.extend(heads);
                self.report_recovery();
                for (append, receipt) in group.into_iter().zip(receipts) {
                    // Whoever has gone away wants no receipt.
                    let _ = append.reply.send(Ok(receipt));
                }
            }
            Err(error) => {
                self.report_failure(&error);
                let error = Arc::new(error);
                for append in group {
                    let _ = append.reply.send(Err(AuditError::Unavailable(Arc::clone(&error))));
                }
            }
        }
    }

    /// Adds an entry's line; `heads` are those of the group, which count only once it is on the disk.
    fn compose(&self, append: &Append, heads: &mut HashMap<OrgId, Head>, lines: &mut Vec<u8>) -> io::Result<Receipt> {
        let org = &append.org;
        let head = heads.get(org).or_else(|| self.heads.get(org)).copied().unwrap_or(Head::BEFORE_FIRST);
        let mono_us = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        let place = Place { org, seq: head.seq + 1, prev_hash: head.hash, at: Utc::now(), mono_us };
        let canonical = Entry::new(&append.event, &place).canonical()?;
        let hash = Hash::of(canonical.as_bytes());
        segment::write_line(&canonical, hash, lines);
        heads.insert(org.clone(), Head { seq: place.seq, hash });
        Ok(Receipt { org: org.clone(), seq: place.seq, hash })
    }

    fn commit(&mut self, lines: &[u8]) -> io::Result<()> {
        self.segment.repair()?;
        if self.segment.durable_len >= self.segment_len {
            self.segment = Segment::open(&self.directory, self.segment.number + 1, 0)?;
            self.segment.repair()?;
        }
        self.segment.append(lines)
    }

    fn report_failure(&mut self, cause: &io::Error) {
        // Once for each outage: a full disk would otherwise be logged with every request.
        if !self.failing.swap(true, Ordering::Relaxed) {
            error!(%cause, "audit_unavailable");
        }
    }

    fn report_recovery(&mut self) {
        if self.failing.swap(false, Ordering::Relaxed) {
            info!("audit_available_again");
        }
    }
}

impl Segment {
    /// Opens or makes a segment of which `durable_len` bytes count; call [`Segment::repair`] before writing.
    fn open(directory: &Path, number: u64, durable_len: u64) -> io::Result<Self> {
        let path = directory.join(segment::name(number));
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        if durable_len == 0 {
            // A new file's name must survive, too.
            File::open(directory)?.sync_all()?;
        }
        let dirty = file.metadata()?.len() != durable_len;
        Ok(Self { number, file, durable_len, dirty })
    }

    /// Cuts off what may stand behind the part that counts.
    fn repair(&mut self) -> io::Result<()> {
        if self.dirty {
            self.file.set_len(self.durable_len)?;
            self.file.sync_all()?;
            self.dirty = false;
        }
        Ok(())
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.dirty = true;
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.durable_len += lines.len() as u64;
        self.dirty = false;
        Ok(())
    }
}

/// Locks the directory for as long as the file returned is open.
fn lock(directory: &Path) -> Result<File, AuditError> {
    let unusable = |error| AuditError::Directory(Arc::new(error));
    let file = File::create(directory.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(AuditError::Locked),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Entries that are synchronised together at most: some 0.5 MB.
const GROUP_LEN: usize = 1_024;
