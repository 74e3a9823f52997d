//! The way from running calls to their records: a call hands over a snapshot and goes on.
//!
//! One bounded queue, one task. Snapshots of a running call are dropped when the queue is full, and counted: the final
//! one supersedes them all. The task takes what waits, keeps the last snapshot of each call, and writes each
//! organisation's together; where they cannot be written together, each by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::calls::CallRecords;
use super::documents::OrgScope;
use super::error::StoreError;
use crate::domain::call_record::CallRecord;
use crate::domain::ids::CallId;
use crate::telemetry::metrics::Metrics;

/// Takes snapshots of calls; clones share one queue.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Snapshot>,
    metrics: Metrics,
}

/// The record of a call could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record of the call could not be written")]
pub struct NotRecorded;

#[derive(Debug)]
struct Snapshot {
    record: Box<CallRecord>,
    written: Option<oneshot::Sender<Result<(), NotRecorded>>>,
}

impl Recorder {
    /// A recorder and the task that writes; run the task on a control thread. It ends when the last recorder is gone
    /// and everything handed over is written.
    #[must_use]
    pub fn new(records: CallRecords, metrics: Metrics) -> (Self, RecorderTask) {
        let (queue, snapshots) = mpsc::channel(QUEUE_LEN);
        (Self { queue, metrics }, RecorderTask { records, snapshots })
    }

    /// Hands over a snapshot of a call that goes on. Never waits: it is dropped and counted when the queue is full.
    pub fn save(&self, record: CallRecord) {
        let snapshot = Snapshot { record: Box::new(record), written: None };
        if self.queue.try_send(snapshot).is_err() {
            self.metrics.snapshots_dropped(1);
        }
    }

    /// Hands over the last snapshot of a call and waits until it is written.
    ///
    /// # Errors
    /// When the store failed for longer than it was given, or the task has ended.
    pub async fn save_final(&self, record: CallRecord) -> Result<(), NotRecorded> {
        let (written, answer) = oneshot::channel();
        let snapshot = Snapshot { record: Box::new(record), written: Some(written) };
        self.queue.send(snapshot).await.map_err(|_| NotRecorded)?;
        answer.await.map_err(|_| NotRecorded)?
    }
}

/// Writes what the recorders hand over.
#[derive(Debug)]
pub struct RecorderTask {
    records: CallRecords,
    snapshots: mpsc::Receiver<Snapshot>,
}

impl RecorderTask {
    /// Runs until the last recorder is gone.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_LEN);
        while self.snapshots.recv_many(&mut batch, BATCH_LEN).await > 0 {
            self.write(&mut batch).await;
        }
    }

    async fn write(&self, batch: &mut Vec<Snapshot>) {
        let mut latest: BTreeMap<OrgScope, BTreeMap<CallId, CallRecord>> = BTreeMap::new();
        let mut waiting = Vec::new();
        for Snapshot { record, written } in batch.drain(..) {
            let scope = OrgScope::new(record.org_id.clone());
            waiting.extend(written.map(|written| (record.id.clone(), written)));
            latest.entry(scope).or_default().insert(record.id.clone(), *record);
        }
        let mut failed = BTreeSet::new();
        for (scope, records) in latest {
            if self.put(&scope, &records).await.is_err() {
                self.put_singly(&scope, records, &mut failed).await;
            }
        }
        for (call, written) in waiting {
            let outcome = if failed.contains(&call) { Err(NotRecorded) } else { Ok(()) };
            // A call that no longer waits for the answer has been given up by its driver.
            let _ = written.send(outcome);
        }
    }

    /// One that cannot be written is nobody else's loss.
    async fn put_singly(&self, scope: &OrgScope, records: BTreeMap<CallId, CallRecord>, failed: &mut BTreeSet<CallId>) {
        for (call, record) in records {
            if let Err(error) = self.records.put(scope, [&record]).await {
                error!(%call, cause = error.to_string(), source = error_source(&error), "record_not_written");
                failed.insert(call);
            }
        }
    }

    /// Tries again while it may help: a record that is lost is a call that never was.
    async fn put(&self, scope: &OrgScope, records: &BTreeMap<CallId, CallRecord>) -> Result<(), StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.records.put(scope, records.values()).await {
                Err(StoreError::Busy | StoreError::Database(_)) => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
            pause *= 2;
        }
        self.records.put(scope, records.values()).await
    }
}

fn error_source(error: &StoreError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// Snapshots that may wait: two for each of a thousand calls.
const QUEUE_LEN: usize = 2_048;
const BATCH_LEN: usize = 128;
/// With doubling pauses from 20 ms, a little over five seconds.
const ATTEMPTS: u32 = 9;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests;
