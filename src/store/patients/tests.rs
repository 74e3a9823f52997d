use chrono::{TimeDelta, TimeZone};
use serde_json::json;

use super::*;
use crate::domain::patient::PatientInput;
use crate::store::sealed::tests::sealed_store;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap()
}

fn scope(name: &str) -> OrgScope {
    OrgScope::new(format!("org_{name}").parse().unwrap())
}

fn patient(name: &str, email: Option<&str>, phone: Option<&str>, at: DateTime<Utc>) -> Patient {
    let input: PatientInput =
        serde_json::from_value(json!({ "name": name, "email": email, "phone": phone, "notes": "Likes tea." })).unwrap();
    Patient::new("org_a".parse().unwrap(), input.check(None, at.date_naive()).unwrap(), at)
}

async fn names(patients: &Patients, text: &str) -> Vec<String> {
    let found = patients.search(&scope("a"), text, None, 10).await.unwrap();
    found.records.iter().map(|found| found.record.details.name.expose().clone()).collect()
}

#[tokio::test]
async fn a_patient_is_read_as_written_and_no_file_shows_them() {
    let (documents, directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    let ada = patient("Ada Planted", Some("ada@planted.org"), Some("+1 555-010-0199"), now());
    patients.insert(&a, &ada).await.unwrap();
    assert_eq!(patients.get(&a, &ada.id).await.unwrap(), Some(Versioned { record: ada.clone(), version: 1 }));
    assert_eq!(patients.get(&scope("b"), &ada.id).await.unwrap(), None);
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for word in ["Planted", "planted.org", "555-010", "5550100199", "Likes tea"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
        }
    }
}

#[tokio::test]
async fn callers_are_told_by_their_number() {
    let (documents, _directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    let couple = ["Ada", "Bob"].map(|name| patient(name, None, Some("+1 555-010-0199"), now()));
    patients.insert_all(&a, &couple).await.unwrap();
    assert_eq!(patients.find_by_phone(&a, &"+15550100199".parse().unwrap()).await.unwrap().len(), 2);
    assert!(patients.find_by_phone(&scope("b"), &"+15550100199".parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_address_belongs_to_one_patient_of_an_organisation() {
    let (documents, _directory) = sealed_store();
    let (patients, a, b) = (Patients::new(documents), scope("a"), scope("b"));
    let ada = patient("Ada", Some("ada@example.org"), None, now());
    patients.insert(&a, &ada).await.unwrap();
    let twin = patient("Twin", Some("ADA@example.org"), None, now());
    let refused = patients.insert(&a, &twin).await;
    assert!(matches!(&refused, Err(StoreError::Taken { id, field: "email", .. }) if *id == twin.id.to_string()), "{refused:?}");
    assert_eq!(patients.get(&a, &twin.id).await.unwrap(), None);
    patients.insert(&b, &twin).await.unwrap();
    // Nor by a change.
    let bob = patient("Bob", None, None, now());
    patients.insert(&a, &bob).await.unwrap();
    let mut stealing = bob.clone();
    stealing.details.email = ada.details.email.clone();
    assert!(matches!(patients.update(&a, &stealing, 1).await, Err(StoreError::Taken { .. })));
    // Given up, it is free.
    let mut changed = ada.clone();
    changed.details.email = None;
    assert_eq!(patients.update(&a, &changed, 1).await.unwrap(), 2);
    assert_eq!(patients.update(&a, &stealing, 1).await.unwrap(), 2);
    assert_eq!(patients.find_by_email(&a, &"ada@example.org".parse().unwrap()).await.unwrap().unwrap().record.id, bob.id);
}

#[tokio::test]
async fn many_are_added_together_or_not_at_all() {
    let (documents, _directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    let many = [patient("Ada", Some("a@example.org"), None, now()), patient("Bob", Some("a@example.org"), None, now())];
    let refused = patients.insert_all(&a, &many).await;
    assert!(matches!(&refused, Err(StoreError::Taken { id, .. }) if *id == many[1].id.to_string()), "{refused:?}");
    assert_eq!(patients.list(&a, PatientFilter::Present, None, 10).await.unwrap().records, []);
}

#[tokio::test]
async fn a_removed_patient_is_out_of_sight_gives_up_the_address_and_can_come_back() {
    let (documents, _directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    let ada = patient("Ada", Some("ada@example.org"), Some("+1 555 010 0199"), now());
    patients.insert(&a, &ada).await.unwrap();
    let stands = |version| {
        let (patients, a, id) = (patients.clone(), a.clone(), ada.id.clone());
        async move {
            let found = patients.get(&a, &id).await.unwrap().unwrap();
            assert_eq!(found.version, version);
            found
        }
    };
    assert_eq!(patients.remove(&a, stands(1).await, now()).await.unwrap(), 2);
    assert_eq!(patients.remove(&a, stands(2).await, now()).await.unwrap(), 2);
    assert!(patients.list(&a, PatientFilter::Present, None, 10).await.unwrap().records.is_empty());
    assert!(patients.find_by_phone(&a, &"+15550100199".parse().unwrap()).await.unwrap().is_empty());
    assert_eq!(patients.list(&a, PatientFilter::Removed, None, 10).await.unwrap().records.len(), 1);
    let twin = patient("Twin", Some("ada@example.org"), None, now());
    patients.insert(&a, &twin).await.unwrap();
    assert!(matches!(patients.restore(&a, stands(2).await, now()).await, Err(StoreError::Taken { .. })));
    let twin = patients.get(&a, &twin.id).await.unwrap().unwrap();
    patients.remove(&a, twin, now()).await.unwrap();
    assert_eq!(patients.restore(&a, stands(2).await, now()).await.unwrap(), 3);
    assert_eq!(patients.list(&a, PatientFilter::Present, None, 10).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn patients_are_searched_by_any_part_and_special_characters_mean_themselves() {
    let (documents, _directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    for (n, (name, email)) in [("Ada Park", Some("ada@example.org")), ("Bob .* %_", None), ("Ünal Öz", None)].into_iter().enumerate() {
        let at = now() + TimeDelta::seconds(i64::try_from(n).unwrap());
        patients.insert(&a, &patient(name, email, Some("+1 555 010 0199"), at)).await.unwrap();
    }
    assert_eq!(names(&patients, "PARK").await, ["Ada Park"]);
    assert_eq!(names(&patients, "ünal").await, ["Ünal Öz"]);
    assert_eq!(names(&patients, "@example").await, ["Ada Park"]);
    assert_eq!(names(&patients, ".*").await, ["Bob .* %_"]);
    assert_eq!(names(&patients, "%").await, ["Bob .* %_"]);
    assert_eq!(names(&patients, "5550100199").await.len(), 3);
}

#[tokio::test]
async fn pages_of_a_search_neither_repeat_nor_miss() {
    let (documents, _directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    let many: Vec<_> = (0..450)
        .map(|n| patient(&format!("{} {n}", if n % 3 == 0 { "Ada" } else { "Bob" }), None, None, now() + TimeDelta::seconds(n)))
        .collect();
    patients.insert_all(&a, &many).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = patients.search(&a, "ada", after, 7).await.unwrap();
        seen.extend(page.records.into_iter().map(|found| found.record.details.name.into_inner()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..450).rev().filter(|n| n % 3 == 0).map(|n| format!("Ada {n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_at_one_time_leave_the_store_room_for_others() {
    let (documents, _directory) = sealed_store();
    let (patients, a) = (Patients::new(documents), scope("a"));
    let many: Vec<_> = (0..300).map(|n| patient(&format!("Ada {n}"), None, None, now() + TimeDelta::seconds(n))).collect();
    patients.insert_all(&a, &many).await.unwrap();
    let searches = (0..16).map(|_| {
        let (patients, a) = (patients.clone(), a.clone());
        tokio::spawn(async move { patients.search(&a, "ada", None, 200).await })
    });
    for found in futures_util::future::join_all(searches).await {
        assert_eq!(found.unwrap().unwrap().records.len(), 200);
    }
}
