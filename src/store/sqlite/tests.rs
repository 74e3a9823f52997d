use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::domain::ids::OrgId;
use crate::store::contract::{self, CONTRACT_COLLECTIONS, THINGS, contract};
use crate::store::query::{Direction, Field};

fn fresh() -> (Arc<dyn Documents>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS).unwrap();
    (documents, directory)
}

contract!(fresh());

fn scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

fn put(id: &str) -> Write {
    Write::Put { collection: &THINGS, id: id.to_owned(), body: json!({ "place": { "rank": 1 }, "kind": "k" }) }
}

/// The files as a crash would leave them: copied under the open store, nothing closed, nothing written back.
fn crash(directory: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let (documents, directory) = fresh();
    for n in 0..50 {
        documents.write_one(&scope(), put(&format!("t{n}"))).await.unwrap();
    }
    let copy = crash(&directory);
    let after = SqliteDocuments::open(copy.path(), CONTRACT_COLLECTIONS).unwrap();
    for n in 0..50 {
        assert!(after.get(&scope(), &THINGS, &format!("t{n}")).await.unwrap().is_some(), "t{n}");
    }
}

/// The machine stops between any two writes of a batch to the disk: the log ends anywhere.
#[tokio::test]
async fn of_a_log_that_ends_anywhere_a_batch_is_there_whole_or_not_at_all() {
    let (documents, directory) = fresh();
    let log = |directory: &TempDir| directory.path().join(format!("{FILE_NAME}-wal"));
    documents.write_one(&scope(), put("before")).await.unwrap();
    let begun = std::fs::metadata(log(&directory)).unwrap().len();
    documents.write(&scope(), (0..40).map(|n| put(&format!("t{n}"))).collect()).await.unwrap();
    let copy = crash(&directory);
    drop(documents);
    let whole = std::fs::read(log(&copy)).unwrap();
    assert!(whole.len() as u64 > begun + 3 * 4_096, "the batch is several pages");
    let (mut all, mut nothing) = (0, 0);
    for end in (usize::try_from(begun).unwrap()..whole.len()).step_by(509).chain([whole.len()]) {
        let after = tempfile::tempdir().unwrap();
        std::fs::copy(copy.path().join(FILE_NAME), after.path().join(FILE_NAME)).unwrap();
        std::fs::write(log(&after), &whole[..end]).unwrap();
        let store = SqliteDocuments::open(after.path(), CONTRACT_COLLECTIONS).unwrap();
        assert!(store.get(&scope(), &THINGS, "before").await.unwrap().is_some(), "cut at {end}");
        let mut found = 0;
        for n in 0..40 {
            found += usize::from(store.get(&scope(), &THINGS, &format!("t{n}")).await.unwrap().is_some());
        }
        match found {
            0 => nothing += 1,
            40 => all += 1,
            torn => panic!("{torn} of 40 after a cut at {end}"),
        }
    }
    assert!(all >= 1 && nothing >= 10, "{all} whole, {nothing} not at all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_a_hundred_thousand_documents_pages_are_found_in_order() {
    let (documents, _directory) = fresh();
    let page = contract::among_many_documents_pages_are_found_in_order(documents, 100_000, 500).await;
    // By an index it is milliseconds; whoever looks at a hundred thousand documents takes the most of a second.
    assert!(page < std::time::Duration::from_millis(100), "{page:?}");
}

#[tokio::test]
async fn dropping_the_store_writes_what_was_queued() {
    let (documents, directory) = fresh();
    let scope = scope();
    // Queued when it is made; nobody waits for the answer.
    for n in 0..100 {
        drop(documents.write(&scope, vec![put(&format!("t{n}"))]));
    }
    drop(documents);
    let after = SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS).unwrap();
    assert!(after.get(&scope, &THINGS, "t99").await.unwrap().is_some());
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (_documents, directory) = fresh();
    assert!(matches!(SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS), Err(StoreError::Locked)));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (documents, _directory) = fresh();
    let scope = scope();
    let writes: Vec<_> = (0..2_000).map(|n| documents.write_one(&scope, put(&format!("t{n}")))).collect();
    let outcomes = futures_util::future::join_all(writes).await;
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Busy))).count();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(busy > 0 && done >= 256, "{busy} refused, {done} done");
    assert_eq!(busy + done, 2_000);
}

#[test]
fn a_directory_of_a_later_release_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS).unwrap());
    let connection = Connection::open(directory.path().join(FILE_NAME)).unwrap();
    connection.execute("INSERT INTO schema_migration VALUES (99, '')", []).unwrap();
    drop(connection);
    let refused = SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS);
    assert!(matches!(refused, Err(StoreError::NewerSchema { found: 99, .. })));
}

#[tokio::test]
#[should_panic = "closed"]
async fn a_query_without_an_index_fails_its_test() {
    static BARE: Collection = Collection { name: "bare", fields: &[Field("rank")], indexes: &[], sealed: &[], lookups: &[] };
    const ALONE: &[&Collection] = &[&BARE];
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), ALONE).unwrap();
    // The reading thread panics, and the question stays without an answer.
    let outcome = documents.find(&scope(), &BARE, Query::first(1).sort(Field("rank"), Direction::Ascending)).await;
    outcome.map_err(|error| error.to_string()).expect("closed");
}

#[tokio::test]
async fn every_collection_of_the_product_answers_what_it_is_indexed_for() {
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), crate::store::COLLECTIONS).unwrap();
    contract::every_collection_of_the_product_answers_what_it_is_indexed_for(documents).await;
}
