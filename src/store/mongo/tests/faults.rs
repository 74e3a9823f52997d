use std::time::{Duration, Instant};

use serde_json::json;

use super::proxy::Proxy;
use super::server::file;
use super::*;
use crate::domain::ids::OrgId;
use crate::store::contract::{self, THINGS};

fn scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

fn insert(n: i64) -> Write {
    Write::Insert { collection: &THINGS, id: format!("t{n:06}"), body: json!({ "place": { "rank": n }, "kind": "k" }) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_and_comes_back_has_what_was_answered_and_is_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(0, &file(&directory)) else { return };
    let (port, settings) =
        (server.port(), MongoSettings { server_selection_timeout: Duration::from_secs(1), ..fresh_settings(server.uri()) });
    let store = MongoDocuments::open(settings, CONTRACT_COLLECTIONS).await.unwrap();
    for n in 0..20 {
        store.write_one(&scope(), insert(n)).await.unwrap();
    }
    drop(server);
    let asked = Instant::now();
    assert!(matches!(store.get(&scope(), &THINGS, "t000000").await, Err(StoreError::Database(_))));
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    // A write that is under way while the server comes back is done once.
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                match store.write_one(&scope(), insert(20)).await {
                    Err(StoreError::Database(_)) => {}
                    outcome => return outcome,
                }
            }
        })
    };
    let _server = Server::start(port, &file(&directory)).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    for n in 0..=20 {
        assert!(store.get(&scope(), &THINGS, &format!("t{n:06}")).await.unwrap().is_some(), "{n}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_come_five_seconds_late_are_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(0, &file(&directory)) else { return };
    let proxy = Proxy::before(server.port()).await;
    let store = MongoDocuments::open(fresh_settings(proxy.uri()), CONTRACT_COLLECTIONS).await.unwrap();
    proxy.delay(Duration::from_secs(5));
    let asked = Instant::now();
    assert_eq!(store.write_one(&scope(), insert(1)).await.unwrap(), 1);
    assert!(asked.elapsed() >= Duration::from_secs(5));
    proxy.delay(Duration::ZERO);
    assert!(store.get(&scope(), &THINGS, "t000001").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_later_than_a_command_may_take_is_an_error_and_the_write_is_done_once() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(0, &file(&directory)) else { return };
    let proxy = Proxy::before(server.port()).await;
    // What a server does once for a collection is done without a limit.
    let settings = fresh_settings(proxy.uri());
    let usual = MongoDocuments::open(settings.clone(), CONTRACT_COLLECTIONS).await.unwrap();
    usual.write_one(&scope(), insert(2)).await.unwrap();
    let settings = MongoSettings { command_timeout: Duration::from_secs(2), ..settings };
    let store = MongoDocuments::open(settings, CONTRACT_COLLECTIONS).await.unwrap();
    proxy.delay(Duration::from_secs(5));
    let refused = store.write_one(&scope(), insert(1)).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    proxy.delay(Duration::ZERO);
    // It had arrived all the same.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(store.get(&scope(), &THINGS, "t000001").await.unwrap().unwrap().version, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_connection_many_wait_and_too_many_are_refused_at_once() {
    let Some(uri) = uri() else { return };
    let settings = MongoSettings { max_pool_size: 1, ..fresh_settings(uri) };
    let store = MongoDocuments::open(settings, CONTRACT_COLLECTIONS).await.unwrap();
    let scope = scope();
    let outcomes = futures_util::future::join_all((0..600).map(|n| store.write_one(&scope, insert(n)))).await;
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Busy))).count();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(done >= 256 && done + busy == 600, "{done} done, {busy} refused");
}

/// 100,000 with `AURICLE_FULL=1`, 5,000 otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_many_documents_pages_are_found_in_order() {
    let Some((store, ())) = fresh().await else { return };
    let many = if std::env::var_os("AURICLE_FULL").is_some() { 100_000 } else { 5_000 };
    // The time is the server's affair.
    let _page = contract::among_many_documents_pages_are_found_in_order(store, many, 1).await;
}

/// The connection breaks when the answer is on its way, whichever answer it is: what was done is not done again, and is
/// told as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_with_its_connection_makes_no_second_write() {
    let directory = tempfile::tempdir().unwrap();
    let Some(server) = Server::start(0, &file(&directory)) else { return };
    let proxy = Proxy::before(server.port()).await;
    let (scope, collection, body) = (scope(), &THINGS, json!({ "place": { "rank": 1 }, "kind": "k" }));
    let id = |id: &str| id.to_owned();
    for answer in 1..=16 {
        proxy.cut_at_answer(NONE);
        let store = MongoDocuments::open(fresh_settings(proxy.uri()), CONTRACT_COLLECTIONS).await.unwrap();
        store.write(&scope, vec![insert(1), insert(2), insert(3), insert(4)]).await.unwrap();
        proxy.cut_at_answer(answer);
        let writes = [
            (vec![insert(5)], vec![1]),
            (vec![Write::Replace { collection, id: id("t000001"), version: 1, body: body.clone() }], vec![2]),
            (vec![Write::Put { collection, id: id("t000002"), body: body.clone() }], vec![2]),
            (vec![Write::Delete { collection, id: id("t000003"), version: 1 }], vec![0]),
            (
                vec![
                    Write::Put { collection, id: id("t000002"), body: body.clone() },
                    Write::Delete { collection, id: id("t000004"), version: 1 },
                ],
                vec![3, 0],
            ),
        ];
        for (write, versions) in writes {
            assert_eq!(store.write(&scope, write).await.unwrap(), versions, "answer {answer} was lost");
        }
        for (id, version) in [("t000001", Some(2)), ("t000002", Some(3)), ("t000003", None), ("t000004", None), ("t000005", Some(1))] {
            let found = store.get(&scope, &THINGS, id).await.unwrap().map(|document| document.version);
            assert_eq!(found, version, "{id}, answer {answer} was lost");
        }
    }
}

/// No answer is the one before the next.
const NONE: i64 = 0;
