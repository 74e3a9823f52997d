use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::domain::ids::OrgId;
use crate::store::contract::THINGS;

fn scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

fn body(rank: i64) -> serde_json::Value {
    json!({ "place": { "rank": rank }, "kind": "k" })
}

/// One that is added, one that is changed, one that goes.
fn writes() -> Vec<Write> {
    vec![
        Write::Insert { collection: &THINGS, id: "new".to_owned(), body: body(1) },
        Write::Replace { collection: &THINGS, id: "changed".to_owned(), version: 1, body: body(2) },
        Write::Delete { collection: &THINGS, id: "gone".to_owned(), version: 1 },
    ]
}

/// What stands: the version of each, none for what is not there.
async fn stands(store: &MongoDocuments) -> [Option<u64>; 3] {
    let mut found = [None; 3];
    for (slot, id) in found.iter_mut().zip(["new", "changed", "gone"]) {
        *slot = store.get(&scope(), &THINGS, id).await.unwrap().map(|document| document.version);
    }
    found
}

const BEFORE: [Option<u64>; 3] = [None, Some(1), Some(1)];
const AFTER: [Option<u64>; 3] = [Some(1), Some(2), None];

async fn prepared(uri: String) -> (Arc<MongoDocuments>, MongoSettings) {
    // What a dead process left is given up at once.
    let settings = MongoSettings { abandoned_after: Duration::ZERO, ..fresh_settings(uri) };
    let store = MongoDocuments::open(settings.clone(), CONTRACT_COLLECTIONS).await.unwrap();
    for id in ["changed", "gone"] {
        store.write_one(&scope(), Write::Insert { collection: &THINGS, id: id.to_owned(), body: body(0) }).await.unwrap();
    }
    (store, settings)
}

/// A process dies after each number of commands that a batch takes: whatever the next one finds, it is all or nothing, and
/// nothing is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_point_of_a_batch_leaves_all_of_it_or_nothing() {
    let Some(uri) = uri() else { return };
    let (mut all, mut nothing) = (0, 0);
    for commands in 0.. {
        let (store, settings) = prepared(uri.clone()).await;
        store.commands_left.store(commands, Ordering::SeqCst);
        let died = store.write(&scope(), writes()).await.is_err();
        // The next start, or another node that is up already.
        let next = if commands % 2 == 0 {
            MongoDocuments::open(settings, CONTRACT_COLLECTIONS).await.unwrap()
        } else {
            store.commands_left.store(i64::MAX, Ordering::SeqCst);
            store
        };
        let found = stands(&next).await;
        match found {
            AFTER => all += 1,
            BEFORE => nothing += 1,
            torn => panic!("torn after {commands} commands: {torn:?}"),
        }
        let changed = found[1].unwrap();
        let again = Write::Replace { collection: &THINGS, id: "changed".to_owned(), version: changed, body: body(3) };
        assert_eq!(next.write_one(&scope(), again).await.unwrap(), changed + 1, "after {commands} commands");
        let again = Write::Put { collection: &THINGS, id: "new".to_owned(), body: body(3) };
        assert_eq!(next.write_one(&scope(), again).await.unwrap(), if found == AFTER { 2 } else { 1 });
        if !died {
            assert_eq!(found, AFTER);
            break;
        }
    }
    assert!(all >= 4 && nothing >= 4, "{all} whole, {nothing} not at all");
}

/// A search meets no lock, so it would find the former state for as long as nobody else meets one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_and_not_carried_out_is_carried_out_without_anybody_meeting_it() {
    let Some(uri) = uri() else { return };
    let mut committed = 0;
    for commands in 0.. {
        let (store, _settings) = prepared(uri.clone()).await;
        store.commands_left.store(commands, Ordering::SeqCst);
        let died = store.write(&scope(), writes()).await.is_err();
        store.commands_left.store(i64::MAX, Ordering::SeqCst);
        let happened = store.collection("batches").find_one(mongodb::bson::doc! { "state": "committed" }).await.unwrap().is_some();
        let documents: Arc<dyn Documents> = store.clone();
        documents.recover().await.unwrap();
        assert_eq!(store.collection("batches").find_one(mongodb::bson::doc! {}).await.unwrap(), None, "after {commands} commands");
        let found = documents.find(&scope(), &THINGS, Query::first(10)).await.unwrap().documents;
        if happened {
            committed += 1;
            let versions: Vec<_> = found.iter().map(|document| (document.id.as_str(), document.version)).collect();
            assert_eq!(versions, [("changed", 2), ("new", 1)], "after {commands} commands");
        }
        if !died {
            break;
        }
    }
    assert!(committed >= 3, "{committed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_over_the_same_documents_in_any_order_end_and_lose_nothing() {
    let Some(uri) = uri() else { return };
    let (store, _) = prepared(uri).await;
    let put = |id: &str| Write::Put { collection: &THINGS, id: id.to_owned(), body: body(1) };
    let batches = (0..12).map(|n| {
        let (store, mut writes) = (store.clone(), vec![put("a"), put("b"), put("c")]);
        writes.rotate_left(n % 3);
        tokio::spawn(async move {
            loop {
                match store.write(&scope(), writes.clone()).await {
                    // Taken for dead by another, since here everybody is at once.
                    Err(StoreError::Busy) => {}
                    outcome => return outcome,
                }
            }
        })
    });
    for outcome in futures_util::future::join_all(batches).await {
        outcome.unwrap().unwrap();
    }
    for id in ["a", "b", "c"] {
        assert_eq!(store.get(&scope(), &THINGS, id).await.unwrap().unwrap().version, 12, "{id}");
    }
}
