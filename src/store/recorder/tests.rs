use chrono::Utc;
use tempfile::TempDir;

use super::*;
use crate::domain::call_record::{SessionStatus, Speaker, Utterance};
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::store::COLLECTIONS;
use crate::store::calls::tests::record;
use crate::store::failing::FailingDocuments;
use crate::store::parts::len_bytes;
use crate::store::sqlite::SqliteDocuments;

fn fresh() -> (CallRecords, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
    (CallRecords::new(documents), directory)
}

fn scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

fn running() -> CallRecord {
    record("org_default", SessionStatus::Running, Utc::now())
}

#[tokio::test]
async fn the_final_snapshot_is_written_when_it_is_answered() {
    let (records, _directory) = fresh();
    let (recorder, task) = Recorder::new(records.clone(), Metrics::new());
    tokio::spawn(task.run());
    let mut one = running();
    recorder.save(one.clone());
    one.session_status = SessionStatus::Completed;
    recorder.save_final(one.clone()).await.unwrap();
    assert_eq!(records.get(&scope(), &one.id).await.unwrap().map(|found| found.record), Some(one));
}

#[tokio::test]
async fn a_full_queue_drops_interim_snapshots_and_still_takes_the_final_one() {
    let (records, _directory) = fresh();
    let metrics = Metrics::new();
    let (recorder, task) = Recorder::new(records.clone(), metrics.clone());
    let mut one = running();
    for _ in 0..QUEUE_LEN + 10 {
        recorder.save(one.clone());
    }
    assert!(metrics.render().contains("auricle_store_snapshots_dropped_total 10"));
    tokio::spawn(task.run());
    one.session_status = SessionStatus::Failed;
    recorder.save_final(one.clone()).await.unwrap();
    assert_eq!(records.get(&scope(), &one.id).await.unwrap().map(|found| found.record), Some(one));
}

#[tokio::test]
async fn the_task_ends_once_everything_handed_over_is_written() {
    let (records, _directory) = fresh();
    let (recorder, task) = Recorder::new(records.clone(), Metrics::new());
    let all: Vec<_> = (0..300).map(|_| running()).collect();
    all.iter().for_each(|one| recorder.save(one.clone()));
    drop(recorder);
    task.run().await;
    for one in all {
        assert!(records.get(&scope(), &one.id).await.unwrap().is_some());
    }
}

/// As a call whose every word is kept.
fn long_running(len_bytes: usize) -> CallRecord {
    let text = Redacted::new("w".repeat(len_bytes));
    let (at_ms, speaker) = (0, Speaker::Caller);
    let word = Utterance { at_ms, speaker, text, heard_ms: None, interrupted: false, began_ms: None, ended_ms: None, heard: None };
    CallRecord { transcript: vec![word], ..running() }
}

#[tokio::test]
async fn no_write_is_longer_than_a_database_takes_and_every_record_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let documents = FailingDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap());
    // As MongoDB, whose outbox holds a list of writes in one document.
    documents.refuse(|writes| writes.len() > 1 && writes.iter().map(len_bytes).sum::<usize>() > 16 << 20);
    let records = CallRecords::new(documents);
    let (recorder, task) = Recorder::new(records.clone(), Metrics::new());
    let all: Vec<_> = (0..20).map(|_| long_running(1 << 20)).collect();
    all.iter().for_each(|one| recorder.save(one.clone()));
    drop(recorder);
    task.run().await;
    for one in all {
        assert!(records.get(&scope(), &one.id).await.unwrap().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn one_record_that_cannot_be_written_is_no_other_calls_loss() {
    let directory = tempfile::tempdir().unwrap();
    let documents = FailingDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap());
    let (bad, good) = (running(), running());
    let unwritten = bad.id.to_string();
    documents.refuse(move |writes| writes.iter().any(|write| write.document().1 == unwritten));
    let records = CallRecords::new(documents);
    let (recorder, task) = Recorder::new(records.clone(), Metrics::new());
    tokio::spawn(task.run());
    let outcomes = tokio::join!(recorder.save_final(bad), recorder.save_final(good.clone()));
    assert_eq!(outcomes, (Err(NotRecorded), Ok(())));
    assert!(records.get(&scope(), &good.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_recorder_without_its_task_says_that_nothing_was_recorded() {
    let (records, _directory) = fresh();
    let (recorder, task) = Recorder::new(records, Metrics::new());
    drop(task);
    assert_eq!(recorder.save_final(running()).await, Err(NotRecorded));
}
