use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::store::calls::CallRecords;
use crate::store::contract::{CONTRACT_COLLECTIONS, contract};
use crate::store::sqlite::SqliteDocuments;
use crate::store::{COLLECTIONS, migrations};

const WORD: Field = Field("word");
const NAME: Field = Field("person.name");
const NAME_HASH: Field = Field("blind.name");
static NOTES: Collection =
    Collection { name: "notes", fields: &[NAME_HASH], indexes: &[&[NAME_HASH]], sealed: &[WORD, NAME], lookups: &[(NAME, NAME_HASH)] };
const NOTE_COLLECTIONS: &[&Collection] = &[&NOTES, &ORG_KEYS];

fn secret(letter: char) -> Redacted<String> {
    Redacted::new(format!("{letter}8f1c0b7e6a5d4c3b2a190817f6e5d4c3"))
}

pub(in crate::store) fn master(current: char, former: &[char]) -> MasterKeys {
    MasterKeys::new(&secret(current), &former.iter().copied().map(secret).collect::<Vec<_>>()).unwrap()
}

/// A sealed store of all the product's collections, for the tests of its repositories.
pub(in crate::store) fn sealed_store() -> (Arc<SealedDocuments>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
    (SealedDocuments::new(documents, master('a', &[])), directory)
}

fn contract_store() -> (Arc<dyn Documents>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS).unwrap();
    (SealedDocuments::new(documents, master('a', &[])), directory)
}

contract!(contract_store());

fn notes() -> (Arc<SqliteDocuments>, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (SqliteDocuments::open(directory.path(), NOTE_COLLECTIONS).unwrap(), directory)
}

fn scope(name: &str) -> OrgScope {
    OrgScope::new(format!("org_{name}").parse().unwrap())
}

fn note(id: &str, name: &str) -> Write {
    let body = json!({ "open": 1, "word": ["planted", { "deep": true }], "person": { "name": name, "age": 7 } });
    Write::Insert { collection: &NOTES, id: id.to_owned(), body }
}

fn named(name: &str) -> Query {
    Query::first(10).filter(NAME, Condition::Equals(Scalar::Text(name.to_owned())))
}

async fn raw(store: &SqliteDocuments, id: &str) -> Document {
    store.get(&scope("a"), &NOTES, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn no_file_of_the_store_holds_a_sealed_word() {
    let (inner, directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    store.write_one(&scope("a"), note("x", "Planted Name")).await.unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for word in ["planted", "Planted Name"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
        }
    }
    let body = raw(&inner, "x").await.body;
    assert_eq!((&body["open"], &body["person"]), (&json!(1), &json!({ "age": 7 })));
    assert!(store.get(&scope("a"), &NOTES, "x").await.unwrap().unwrap().body["word"][1]["deep"].as_bool().unwrap());
}

#[tokio::test]
async fn a_sealed_field_is_found_by_equality_within_its_organisation_only() {
    let (inner, _directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    store.write(&scope("a"), vec![note("x", "Ada"), note("y", "Bob")]).await.unwrap();
    store.write_one(&scope("b"), note("x", "Ada")).await.unwrap();
    let found = store.find(&scope("a"), &NOTES, named("Ada")).await.unwrap().documents;
    assert_eq!(found.iter().map(|found| (found.id.as_str(), &found.body["person"]["name"])).collect::<Vec<_>>(), [("x", &json!("Ada"))]);
    // The same name has another hash in another organisation, and another for another purpose.
    let hash = |org: &str| {
        let org = scope(org);
        let inner = inner.clone();
        async move { inner.get(&org, &NOTES, "x").await.unwrap().unwrap().body["blind"]["name"].clone() }
    };
    assert_ne!(hash("a").await, hash("b").await);
    let print = |purpose: &'static str, text: &'static str| {
        let store = store.clone();
        async move { store.fingerprint(&scope("a"), purpose, text).await.unwrap() }
    };
    assert_ne!(print("ab", "c").await, print("a", "bc").await);
}

#[tokio::test]
async fn a_range_over_a_sealed_field_is_refused() {
    let (inner, _directory) = notes();
    let store = SealedDocuments::new(inner, master('a', &[]));
    let range = Query::first(1).filter(NAME, Condition::AtLeast(Scalar::Text("A".to_owned())));
    assert!(matches!(store.find(&scope("a"), &NOTES, range).await, Err(StoreError::UndeclaredField { .. })));
}

#[tokio::test]
async fn a_sealed_text_that_was_moved_or_changed_does_not_open() {
    let (inner, _directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    store.write(&scope("a"), vec![note("x", "Ada"), note("y", "Bob")]).await.unwrap();
    let moved = raw(&inner, "x").await.body;
    inner.write_one(&scope("a"), Write::Put { collection: &NOTES, id: "y".to_owned(), body: moved.clone() }).await.unwrap();
    assert!(matches!(store.get(&scope("a"), &NOTES, "y").await, Err(StoreError::Unopened { .. })));
    let text = moved["sealed"].as_str().unwrap();
    for at in [4, text.len() / 2, text.len() - 2] {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let mut body = moved.clone();
        body["sealed"] = json!(String::from_utf8(bytes).unwrap());
        inner.write_one(&scope("a"), Write::Put { collection: &NOTES, id: "x".to_owned(), body }).await.unwrap();
        assert!(matches!(store.get(&scope("a"), &NOTES, "x").await, Err(StoreError::Unopened { .. })), "{at}");
    }
}

#[tokio::test]
async fn after_a_rotation_old_and_new_open_and_resealing_leaves_the_new_key_alone() {
    let (inner, _directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    for n in 0..250 {
        store.write_one(&scope("a"), note(&format!("n{n:03}"), "Ada")).await.unwrap();
    }
    store.rotate(&scope("a")).await.unwrap();
    store.write_one(&scope("a"), note("new", "Ada")).await.unwrap();
    assert!(raw(&inner, "n000").await.body["sealed"].as_str().unwrap().starts_with("k1."));
    assert!(raw(&inner, "new").await.body["sealed"].as_str().unwrap().starts_with("k2."));
    assert_eq!(store.reseal(&scope("a"), &NOTES).await.unwrap(), 250);
    assert_eq!(store.reseal(&scope("a"), &NOTES).await.unwrap(), 0);
    assert!(raw(&inner, "n000").await.body["sealed"].as_str().unwrap().starts_with("k2."));
    // What is looked for by its hash is found as before.
    assert_eq!(store.find(&scope("a"), &NOTES, named("Ada")).await.unwrap().documents.len(), 10);
}

#[tokio::test]
async fn a_master_key_is_changed_by_wrapping_anew() {
    let (inner, _directory) = notes();
    SealedDocuments::new(inner.clone(), master('a', &[])).write_one(&scope("a"), note("x", "Ada")).await.unwrap();
    let without = SealedDocuments::new(inner.clone(), master('b', &[]));
    assert!(matches!(without.get(&scope("a"), &NOTES, "x").await, Err(StoreError::MasterKey(MasterKeyError::Unknown { .. }))));
    let both = SealedDocuments::new(inner.clone(), master('b', &['a']));
    assert!(both.get(&scope("a"), &NOTES, "x").await.unwrap().is_some());
    assert_eq!((both.rewrap().await.unwrap(), both.rewrap().await.unwrap()), (1, 0));
    assert!(SealedDocuments::new(inner, master('b', &[])).get(&scope("a"), &NOTES, "x").await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_erased_neither_opens_nor_takes_anything_new() {
    let (inner, _directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    for org in ["a", "b"] {
        store.write_one(&scope(org), note("x", "Ada")).await.unwrap();
    }
    store.erase(&scope("a")).await.unwrap();
    assert!(matches!(store.get(&scope("a"), &NOTES, "x").await, Err(StoreError::Erased)));
    assert!(matches!(store.write_one(&scope("a"), note("y", "Ada")).await, Err(StoreError::Erased)));
    assert!(store.get(&scope("b"), &NOTES, "x").await.unwrap().is_some());
}

#[tokio::test]
async fn a_rotation_of_all_leaves_out_who_was_erased_and_reaches_everybody_else() {
    let (inner, _directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    for org in ["a", "b", "c"] {
        store.write_one(&scope(org), note("x", "Ada")).await.unwrap();
    }
    store.erase(&scope("a")).await.unwrap();
    assert_eq!(store.rotate_all(NOTE_COLLECTIONS).await.unwrap(), 2);
    for org in ["b", "c"] {
        let stored = inner.get(&scope(org), &NOTES, "x").await.unwrap().unwrap();
        assert!(stored.body["sealed"].as_str().unwrap().starts_with("k2."), "{org}");
    }
    assert_eq!(store.reseal(&scope("a"), &NOTES).await.unwrap(), 0);
}

#[tokio::test]
async fn no_file_holds_a_key_that_was_erased() {
    let (inner, directory) = notes();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    store.write_one(&scope("a"), note("x", "Ada")).await.unwrap();
    let keys = inner.get(&scope("a"), &ORG_KEYS, "keys").await.unwrap().unwrap().body;
    let wrapped = keys["keys"][0]["wrapped"].as_str().unwrap().to_owned();
    let holds = || {
        let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        files.filter(|bytes| bytes.windows(wrapped.len()).any(|window| window == wrapped.as_bytes())).count()
    };
    // Also in the file itself, as after any restart.
    inner.scrub().await.unwrap();
    assert!(holds() > 0);
    store.erase(&scope("a")).await.unwrap();
    assert_eq!(holds(), 0);
}

#[tokio::test]
async fn many_first_writes_at_one_time_agree_on_one_key() {
    let (inner, _directory) = notes();
    let nodes: Vec<_> = (0..8).map(|_| SealedDocuments::new(inner.clone(), master('a', &[]))).collect();
    let writes = nodes.iter().enumerate().map(|(n, node)| async move { node.write_one(&scope("a"), note(&format!("n{n}"), "Ada")).await });
    futures_util::future::join_all(writes).await.into_iter().for_each(|outcome| assert_eq!(outcome.unwrap(), 1));
    for node in &nodes {
        assert_eq!(node.find(&scope("a"), &NOTES, named("Ada")).await.unwrap().documents.len(), 8);
    }
}

#[tokio::test]
async fn records_of_an_earlier_release_are_sealed_once_at_start() {
    let directory = tempfile::tempdir().unwrap();
    let inner = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    let one = crate::store::calls::tests::record("org_default", crate::domain::call_record::SessionStatus::Completed, chrono::Utc::now());
    CallRecords::new(inner.clone()).insert(&one).await.unwrap();
    assert_eq!((migrations::migrate(&store).await.unwrap(), migrations::migrate(&store).await.unwrap()), (1, 0));
    let scope = OrgScope::new(OrgId::default_org());
    let raw = inner.get(&scope, &crate::store::calls::CALLS, one.id.as_str()).await.unwrap().unwrap();
    assert!(!raw.body.to_string().contains("15550100"), "{}", raw.body);
    assert_eq!(CallRecords::new(store).get(&scope, &one.id).await.unwrap().unwrap().record, one);
}

#[tokio::test]
async fn a_rotation_seals_the_timelines_of_calls_anew_and_they_read_as_before() {
    use crate::domain::timeline::{Moment, TimelineEntry};
    let directory = tempfile::tempdir().unwrap();
    let inner = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
    let store = SealedDocuments::new(inner.clone(), master('a', &[]));
    let (records, scope) = (CallRecords::new(store.clone()), OrgScope::new(OrgId::default_org()));
    let mut one =
        crate::store::calls::tests::record("org_default", crate::domain::call_record::SessionStatus::Completed, chrono::Utc::now());
    one.timeline.push(TimelineEntry { at_ms: 7, moment: Moment::Warning { code: "planted_moment".to_owned() } });
    records.insert(&one).await.unwrap();
    let sealed = async || {
        let body = inner.get(&scope, &crate::store::calls::CALLS, one.id.as_str()).await.unwrap().unwrap().body;
        assert!(!body.to_string().contains("planted_moment") && body["record"].get("timeline").is_none(), "{body}");
        body["sealed"].as_str().unwrap().to_owned()
    };
    assert!(sealed().await.starts_with("k1."));
    // As the administrator's command does it: every collection that has something sealed.
    store.rotate(&scope).await.unwrap();
    for collection in COLLECTIONS.iter().filter(|collection| !collection.sealed.is_empty()) {
        store.reseal(&scope, collection).await.unwrap();
    }
    assert!(sealed().await.starts_with("k2."));
    assert_eq!(records.get(&scope, &one.id).await.unwrap().unwrap().record, one);
}
