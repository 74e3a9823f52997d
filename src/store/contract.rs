//! What every store must prove. Each test is a function over any [`Documents`]; `contract!` makes tests of them for one
//! store, given a function that opens a fresh one and returns it with whatever must stay alive beside it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;

use super::*;

const RANK: Field = Field("place.rank");
const KIND: Field = Field("kind");

pub(super) static THINGS: Collection = Collection {
    name: "things",
    fields: &[RANK, KIND],
    indexes: &[&[RANK], &[KIND], &[KIND, RANK]],
    sealed: &[Field("z"), Field("a")],
    lookups: &[],
};
static OTHERS: Collection = Collection { name: "others", fields: &[], indexes: &[], sealed: &[], lookups: &[] };
pub(super) const CONTRACT_COLLECTIONS: &[&Collection] = &[&THINGS, &OTHERS, &sealed::ORG_KEYS];

macro_rules! contract {
    ($open:expr) => {
        crate::store::contract::contract!(
            $open,
            a_document_is_read_as_it_was_written,
            a_second_insert_is_refused,
            what_is_restored_has_the_version_that_it_had,
            a_write_on_an_old_version_is_refused_and_says_what_stands,
            of_many_writers_on_one_version_exactly_one_wins,
            concurrent_increments_lose_nothing,
            a_batch_happens_whole_or_not_at_all,
            another_organisation_sees_nothing,
            a_collection_knows_nothing_of_another,
            filters_and_ranges_name_the_right_documents,
            equal_sort_values_are_parted_by_identifier,
            pages_neither_repeat_nor_miss_what_stood_throughout,
            heads_are_those_of_the_documents_that_the_query_finds,
            a_cursor_of_another_query_is_refused,
            an_undeclared_field_is_refused,
            hostile_text_is_data,
            scopes_name_each_organisation_once,
            a_sum_is_of_one_organisations_documents,
        );
    };
    ($open:expr, $($name:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (documents, _alive) = $open;
            crate::store::contract::$name(documents).await;
        })+
    };
}
pub(super) use contract;

type Store = Arc<dyn Documents>;

fn scope(name: &str) -> OrgScope {
    OrgScope::new(format!("org_{name}").parse().unwrap())
}

fn thing(rank: i64, kind: &str) -> serde_json::Value {
    json!({ "place": { "rank": rank }, "kind": kind })
}

fn insert(id: &str, body: serde_json::Value) -> Write {
    Write::Insert { collection: &THINGS, id: id.to_owned(), body }
}

fn replace(id: &str, version: u64, body: serde_json::Value) -> Write {
    Write::Replace { collection: &THINGS, id: id.to_owned(), version, body }
}

fn put(id: &str, body: serde_json::Value) -> Write {
    Write::Put { collection: &THINGS, id: id.to_owned(), body }
}

fn delete(id: &str, version: u64) -> Write {
    Write::Delete { collection: &THINGS, id: id.to_owned(), version }
}

async fn ids(store: &Store, scope: &OrgScope, query: Query) -> Vec<String> {
    store.find(scope, &THINGS, query).await.unwrap().documents.into_iter().map(|document| document.id).collect()
}

pub(super) async fn a_document_is_read_as_it_was_written(store: Store) {
    let a = scope("a");
    let body = json!({ "z": [1, 2.5, null, true], "a": { "ü": "\u{1F600}\"\\\n" }, "place": { "rank": -1 }, "kind": "" });
    assert_eq!(store.write_one(&a, insert("x", body.clone())).await.unwrap(), 1);
    assert_eq!(store.get(&a, &THINGS, "x").await.unwrap(), Some(Document { id: "x".to_owned(), version: 1, body }));
    assert_eq!(store.write_one(&a, put("x", thing(2, "k"))).await.unwrap(), 2);
    assert_eq!(store.write_one(&a, put("y", thing(2, "k"))).await.unwrap(), 1);
    assert_eq!(store.write_one(&a, delete("x", 2)).await.unwrap(), 0);
    assert_eq!(store.get(&a, &THINGS, "x").await.unwrap(), None);
}

pub(super) async fn heads_are_those_of_the_documents_that_the_query_finds(store: Store) {
    let a = scope("a");
    for n in 0..7 {
        store.write_one(&a, insert(&format!("t{n}"), thing(n / 2, "k"))).await.unwrap();
    }
    store.write_one(&a, replace("t3", 1, thing(1, "k"))).await.unwrap();
    let kind = Condition::Equals(Scalar::Text("k".to_owned()));
    for query in [Query::first(3), Query::first(3).filter(KIND, kind).sort(RANK, Direction::Descending)] {
        let mut after = None;
        loop {
            let found = store.find(&a, &THINGS, query.clone().after(after.clone())).await.unwrap();
            let heads = store.heads(&a, &THINGS, query.clone().after(after)).await.unwrap();
            let of_found: Vec<_> = found.documents.iter().map(|document| (&document.id, document.version)).collect();
            assert_eq!(heads.heads.iter().map(|head| (&head.id, head.version)).collect::<Vec<_>>(), of_found);
            assert_eq!(heads.next, found.next);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
    }
    let undeclared = store.heads(&a, &THINGS, Query::first(1).sort(Field("z"), Direction::Ascending)).await;
    assert!(matches!(undeclared, Err(StoreError::UndeclaredField { .. })), "{undeclared:?}");
}

pub(super) async fn a_second_insert_is_refused(store: Store) {
    let a = scope("a");
    store.write_one(&a, insert("x", thing(1, "k"))).await.unwrap();
    let refused = store.write_one(&a, insert("x", thing(2, "k"))).await;
    assert!(matches!(refused, Err(StoreError::Exists { collection: "things", ref id }) if id == "x"), "{refused:?}");
    assert_eq!(store.get(&a, &THINGS, "x").await.unwrap().unwrap().body, thing(1, "k"));
}

pub(super) async fn what_is_restored_has_the_version_that_it_had(store: Store) {
    let a = scope("a");
    let restore = |id: &str, version| Write::Restore { collection: &THINGS, id: id.to_owned(), version, body: thing(1, "k") };
    assert_eq!(store.write_one(&a, restore("x", 7)).await.unwrap(), 7);
    assert_eq!(store.write(&a, vec![restore("y", 3), restore("z", 1)]).await.unwrap(), [3, 1]);
    assert_eq!(store.get(&a, &THINGS, "y").await.unwrap().map(|document| document.version), Some(3));
    assert_eq!(store.write_one(&a, replace("x", 7, thing(2, "k"))).await.unwrap(), 8);
    for refused in [store.write(&a, vec![restore("x", 9)]).await, store.write(&a, vec![restore("w", 1), restore("x", 9)]).await] {
        assert!(matches!(refused, Err(StoreError::Exists { ref id, .. }) if id == "x"), "{refused:?}");
    }
    assert_eq!(store.get(&a, &THINGS, "w").await.unwrap(), None);
}

pub(super) async fn a_write_on_an_old_version_is_refused_and_says_what_stands(store: Store) {
    let a = scope("a");
    store.write_one(&a, insert("x", thing(1, "k"))).await.unwrap();
    store.write_one(&a, replace("x", 1, thing(2, "k"))).await.unwrap();
    for write in [replace("x", 1, thing(3, "k")), delete("x", 1)] {
        let refused = store.write_one(&a, write).await;
        assert!(matches!(refused, Err(StoreError::Conflict { expected: 1, found: Some(2), .. })), "{refused:?}");
    }
    let gone = store.write_one(&a, replace("y", 1, thing(3, "k"))).await;
    assert!(matches!(gone, Err(StoreError::Conflict { expected: 1, found: None, .. })), "{gone:?}");
}

pub(super) async fn of_many_writers_on_one_version_exactly_one_wins(store: Store) {
    let a = scope("a");
    store.write_one(&a, insert("x", thing(0, "k"))).await.unwrap();
    for version in 1..=10 {
        let attempts = (0..16).map(|writer| {
            let (store, a) = (store.clone(), a.clone());
            tokio::spawn(async move { store.write_one(&a, replace("x", version, thing(writer, "k"))).await })
        });
        let outcomes = futures_util::future::join_all(attempts).await;
        let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Ok(_)))).count();
        let lost = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Err(StoreError::Conflict { .. })))).count();
        assert_eq!((won, lost), (1, 15));
    }
}

pub(super) async fn concurrent_increments_lose_nothing(store: Store) {
    let a = scope("a");
    store.write_one(&a, insert("x", thing(0, "k"))).await.unwrap();
    let writers = (0..8).map(|_| {
        let (store, a) = (store.clone(), a.clone());
        tokio::spawn(async move {
            let mut done = 0;
            while done < 25 {
                let found = store.get(&a, &THINGS, "x").await.unwrap().unwrap();
                let rank = found.body["place"]["rank"].as_i64().unwrap();
                match store.write_one(&a, replace("x", found.version, thing(rank + 1, "k"))).await {
                    Ok(_) => done += 1,
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    futures_util::future::join_all(writers).await.into_iter().for_each(|outcome| outcome.unwrap());
    let last = store.get(&a, &THINGS, "x").await.unwrap().unwrap();
    assert_eq!((last.body["place"]["rank"].as_i64(), last.version), (Some(200), 201));
}

pub(super) async fn a_batch_happens_whole_or_not_at_all(store: Store) {
    let a = scope("a");
    store.write_one(&a, insert("x", thing(1, "k"))).await.unwrap();
    let refused = store.write(&a, vec![insert("y", thing(1, "k")), put("x", thing(2, "k")), replace("x", 7, thing(3, "k"))]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { expected: 7, found: Some(2), .. })), "{refused:?}");
    assert_eq!(store.get(&a, &THINGS, "y").await.unwrap(), None);
    assert_eq!(store.get(&a, &THINGS, "x").await.unwrap().unwrap().version, 1);
    let both = store.write(&a, vec![insert("y", thing(1, "k")), put("x", thing(2, "k")), delete("y", 1)]).await;
    assert_eq!(both.unwrap(), [1, 2, 0]);
}

pub(super) async fn another_organisation_sees_nothing(store: Store) {
    let (a, b) = (scope("a"), scope("b"));
    store.write_one(&a, insert("x", thing(1, "a"))).await.unwrap();
    assert_eq!(store.get(&b, &THINGS, "x").await.unwrap(), None);
    assert!(ids(&store, &b, Query::first(10)).await.is_empty());
    assert!(matches!(store.write_one(&b, delete("x", 1)).await, Err(StoreError::Conflict { found: None, .. })));
    assert_eq!(store.write_one(&b, insert("x", thing(2, "b"))).await.unwrap(), 1);
    assert_eq!(store.get(&a, &THINGS, "x").await.unwrap().unwrap().body, thing(1, "a"));
}

pub(super) async fn a_collection_knows_nothing_of_another(store: Store) {
    let a = scope("a");
    store.write_one(&a, insert("x", thing(1, "a"))).await.unwrap();
    assert_eq!(store.get(&a, &OTHERS, "x").await.unwrap(), None);
}

pub(super) async fn filters_and_ranges_name_the_right_documents(store: Store) {
    let a = scope("a");
    let writes = (0..10).map(|n| insert(&format!("t{n}"), thing(n, if n % 2 == 0 { "even" } else { "odd" }))).collect();
    store.write(&a, writes).await.unwrap();
    let even = Query::first(10).filter(KIND, Condition::Equals(Scalar::Text("even".to_owned()))).sort(RANK, Direction::Descending);
    assert_eq!(ids(&store, &a, even.clone()).await, ["t8", "t6", "t4", "t2", "t0"]);
    let some = even.filter(RANK, Condition::AtLeast(Scalar::Integer(2))).filter(RANK, Condition::Below(Scalar::Integer(8)));
    assert_eq!(ids(&store, &a, some).await, ["t6", "t4", "t2"]);
}

pub(super) async fn equal_sort_values_are_parted_by_identifier(store: Store) {
    let a = scope("a");
    let writes = ["c", "a", "e", "b", "d"].iter().map(|id| insert(id, thing(7, "k"))).collect();
    store.write(&a, writes).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.find(&a, &THINGS, Query::first(2).sort(RANK, Direction::Descending).after(after)).await.unwrap();
        seen.extend(page.documents.into_iter().map(|document| document.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);
}

pub(super) async fn pages_neither_repeat_nor_miss_what_stood_throughout(store: Store) {
    let a = scope("a");
    store.write(&a, (0..100).map(|n| insert(&format!("old{n:03}"), thing(n * 10, "k"))).collect()).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    let mut round = 0;
    loop {
        let query = Query::first(7).sort(RANK, Direction::Descending).after(after);
        let page = store.find(&a, &THINGS, query).await.unwrap();
        seen.extend(page.documents.into_iter().map(|document| document.id));
        // Newer ones at the head, others between, and one already seen removed.
        store.write_one(&a, insert(&format!("new{round}"), thing(2_000 + round, "k"))).await.unwrap();
        store.write_one(&a, insert(&format!("mid{round}"), thing(round * 60 + 5, "k"))).await.unwrap();
        store.write_one(&a, delete(&seen[usize::try_from(round).unwrap()], 1)).await.unwrap();
        round += 1;
        // Through its text, as a client would carry it.
        let Some(next) = page.next else { break };
        after = Some(Cursor::decode(&next.encode()).unwrap());
    }
    let old: Vec<_> = seen.iter().filter(|id| id.starts_with("old")).cloned().collect();
    let expected: Vec<_> = (0..100).rev().map(|n| format!("old{n:03}")).collect();
    assert_eq!(old, expected);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
}

pub(super) async fn a_cursor_of_another_query_is_refused(store: Store) {
    let a = scope("a");
    store.write(&a, (0..3).map(|n| insert(&format!("t{n}"), thing(n, "k"))).collect()).await.unwrap();
    let next = store.find(&a, &THINGS, Query::first(1)).await.unwrap().next;
    assert!(next.is_some());
    let sorted = store.find(&a, &THINGS, Query::first(1).sort(RANK, Direction::Ascending).after(next)).await;
    assert!(matches!(sorted, Err(StoreError::InvalidCursor)), "{sorted:?}");
}

pub(super) async fn an_undeclared_field_is_refused(store: Store) {
    let query = Query::first(1).filter(Field("secret"), Condition::Equals(Scalar::Integer(1)));
    let refused = store.find(&scope("a"), &THINGS, query).await;
    assert!(matches!(refused, Err(StoreError::UndeclaredField { field: "secret", .. })), "{refused:?}");
}

pub(super) async fn hostile_text_is_data(store: Store) {
    let a = scope("a");
    for text in ["'; DROP TABLE things; --", "\" OR 1=1", "{\"$gt\":\"\"}", "\u{0}\u{202e}", "%_*"] {
        store.write_one(&a, put(text, thing(1, text))).await.unwrap();
        assert!(store.get(&a, &THINGS, text).await.unwrap().is_some());
        let same = Query::first(10).filter(KIND, Condition::Equals(Scalar::Text(text.to_owned())));
        assert_eq!(ids(&store, &a, same).await, [text]);
    }
}

pub(super) async fn scopes_name_each_organisation_once(store: Store) {
    for (org, id) in [("b", "x"), ("a", "x"), ("a", "y")] {
        store.write_one(&scope(org), insert(id, thing(1, "k"))).await.unwrap();
    }
    let scopes: BTreeSet<_> = store.scopes(&THINGS).await.unwrap().into_iter().collect();
    assert_eq!(scopes, BTreeSet::from([scope("a"), scope("b")]));
}

pub(super) async fn a_sum_is_of_one_organisations_documents(store: Store) {
    let (a, b) = (scope("a"), scope("b"));
    assert_eq!(store.sum(&a, &THINGS, RANK).await.unwrap(), 0);
    store
        .write(&a, vec![insert("x", thing(5_000_000_000, "k")), insert("y", thing(-2, "k")), insert("z", json!({ "kind": "k" }))])
        .await
        .unwrap();
    store.write_one(&b, insert("x", thing(100, "k"))).await.unwrap();
    assert_eq!(store.sum(&a, &THINGS, RANK).await.unwrap(), 4_999_999_998);
    store.write_one(&a, delete("x", 1)).await.unwrap();
    assert_eq!((store.sum(&a, &THINGS, RANK).await.unwrap(), store.sum(&b, &THINGS, RANK).await.unwrap()), (-2, 100));
    assert!(matches!(store.sum(&a, &THINGS, Field("secret")).await, Err(StoreError::UndeclaredField { .. })));
}

/// Not part of the list above, since stores take different numbers of documents in the same time: `many` documents, written
/// `together` at a time. How long a page takes, as a rule.
pub(super) async fn among_many_documents_pages_are_found_in_order(store: Store, many: i64, together: i64) -> Duration {
    let a = scope("a");
    let batches = (0..many / together).map(|batch| {
        let document = |n: i64| insert(&format!("t{n:06}"), thing(n, "k"));
        store.write(&a, (batch * together..(batch + 1) * together).map(document).collect())
    });
    let written = futures_util::stream::iter(batches).buffer_unordered(8);
    written.for_each(|outcome| async move { assert!(outcome.unwrap().iter().all(|version| *version == 1)) }).await;
    let kind = Condition::Equals(Scalar::Text("k".to_owned()));
    let mut took = Vec::new();
    for share in 1..10 {
        let first = many * share / 10;
        let query = Query::first(50).filter(KIND, kind.clone()).filter(RANK, Condition::AtLeast(Scalar::Integer(first)));
        let query = query.sort(RANK, Direction::Ascending);
        let asked = Instant::now();
        let page = store.find(&a, &THINGS, query.clone()).await.unwrap();
        took.push(asked.elapsed());
        let next = store.find(&a, &THINGS, query.after(page.next.clone())).await.unwrap();
        let ranks: Vec<_> =
            page.documents.iter().chain(&next.documents).map(|found| found.body["place"]["rank"].as_i64().unwrap()).collect();
        assert_eq!(ranks, (first..first + 100).collect::<Vec<_>>());
    }
    took.sort_unstable();
    took[took.len() / 2]
}

/// Over the product's own collections: each takes documents, refuses a second and an old one, and answers every question that it has
/// an index for, one organisation at a time.
pub(super) async fn every_collection_of_the_product_answers_what_it_is_indexed_for(store: Store) {
    let (a, b) = (scope("a"), scope("b"));
    for collection in COLLECTIONS.iter().copied() {
        let document = |rank: i64| collection.fields.iter().fold(json!({}), |body, field| with(body, field.0, value_of(*field, rank)));
        let write = |id: &str, rank: i64| Write::Insert { collection, id: id.to_owned(), body: document(rank) };
        store.write(&a, vec![write("one", 1), write("two", 2)]).await.unwrap();
        store.write_one(&b, write("one", 1)).await.unwrap();
        let again = store.write_one(&a, write("one", 3)).await;
        assert!(matches!(again, Err(StoreError::Exists { .. })), "{}: {again:?}", collection.name);
        assert_eq!(store.get(&a, collection, "two").await.unwrap().unwrap().body, document(2), "{}", collection.name);
        for index in collection.indexes {
            let (last, firsts) = index.split_last().unwrap();
            let filtered = firsts.iter().fold(Query::first(10), |query, field| query.filter(*field, equal_to(*field, 2)));
            for query in [filtered.clone().filter(*last, equal_to(*last, 2)), filtered.sort(*last, Direction::Descending)] {
                let found = store.find(&a, collection, query.clone()).await.unwrap().documents;
                assert_eq!(found.first().map(|found| found.id.as_str()), Some("two"), "{} {query:?}", collection.name);
            }
        }
        let change = Write::Replace { collection, id: "one".to_owned(), version: 1, body: document(5) };
        assert_eq!(store.write_one(&a, change.clone()).await.unwrap(), 2, "{}", collection.name);
        assert!(matches!(store.write_one(&a, change).await, Err(StoreError::Conflict { .. })), "{}", collection.name);
        assert_eq!(store.write_one(&a, Write::Delete { collection, id: "one".to_owned(), version: 2 }).await.unwrap(), 0);
        assert!(store.get(&b, collection, "one").await.unwrap().is_some(), "{}", collection.name);
    }
}

/// Times and numbers are compared as numbers, all else as text.
fn value_of(field: Field, rank: i64) -> serde_json::Value {
    if field.0.ends_with("_us") { json!(rank) } else { json!(format!("text {rank}")) }
}

fn equal_to(field: Field, rank: i64) -> Condition {
    Condition::Equals(if field.0.ends_with("_us") { Scalar::Integer(rank) } else { Scalar::Text(format!("text {rank}")) })
}

/// With a value at a path of keys joined by dots.
fn with(mut body: serde_json::Value, path: &str, value: serde_json::Value) -> serde_json::Value {
    let mut place = &mut body;
    for key in path.split('.') {
        place = place.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({}));
    }
    *place = value;
    body
}
