use chrono::Utc;
use tempfile::TempDir;

use super::*;
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::OrgId;
use crate::store::COLLECTIONS;
use crate::store::calls::tests::record;
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

#[tokio::test]
async fn a_recorder_without_its_task_says_that_nothing_was_recorded() {
    let (records, _directory) = fresh();
    let (recorder, task) = Recorder::new(records, Metrics::new());
    drop(task);
    assert_eq!(recorder.save_final(running()).await, Err(NotRecorded));
}
