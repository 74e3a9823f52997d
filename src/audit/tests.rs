use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::{CallId, OrgId, RequestId};

fn org(name: &str) -> OrgId {
    format!("org_{name}").parse().unwrap()
}

fn event(reason: &str) -> AuditEvent {
    AuditEvent {
        actor: Actor::Admin,
        session: None,
        ip: Some("192.0.2.7".parse().unwrap()),
        action: AuditAction::View,
        resource: AuditResource::Call,
        object: Some(CallId::random().to_string()),
        outcome: Outcome::Success,
        reason: Some(reason.to_owned()),
        request_id: Some(RequestId::random()),
    }
}

/// A closed log of `count` entries, turn by turn of two organisations.
async fn written(count: u32) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let log = AuditLog::open(directory.path()).unwrap();
    for n in 0..count {
        let org = org(if n % 2 == 0 { "a" } else { "b" });
        log.append(&org, event(&n.to_string())).await.unwrap();
    }
    directory
}

fn segment_path(directory: &Path) -> PathBuf {
    directory.join(segment::name(1))
}

fn bytes(directory: &TempDir) -> Vec<u8> {
    std::fs::read(segment_path(directory.path())).unwrap()
}

/// A directory with one segment of this content, in memory where there is such a place: it is written thousands of times.
fn with_content(content: &[u8]) -> TempDir {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    std::fs::write(segment_path(directory.path()), content).unwrap();
    directory
}

fn lines(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn breach_of(content: &[u8]) -> Option<Breach> {
    verify(with_content(content).path()).unwrap().breach
}

#[tokio::test]
async fn an_entry_has_every_agreed_field_and_its_predecessors_hash() {
    let directory = tempfile::tempdir().unwrap();
    let log = AuditLog::open(directory.path()).unwrap();
    let first = log.append(&org("a"), event("one")).await.unwrap();
    let second = log.append(&org("a"), event("two")).await.unwrap();
    assert_eq!((first.seq, second.seq), (1, 2));
    let content = bytes(&directory);
    let line: serde_json::Value = serde_json::from_slice(&lines(&content)[1]).unwrap();
    let entry = line["entry"].as_object().unwrap();
    let fields: Vec<_> = entry.keys().map(String::as_str).collect();
    let expected =
        "action actor actor_type ip mono object org outcome patient_ref prev_hash reason request_id resource schema seq session ts_utc";
    assert_eq!(fields, expected.split(' ').collect::<Vec<_>>());
    assert_eq!(entry["prev_hash"], first.hash.to_string());
    assert_eq!(line["hash"], second.hash.to_string());
    assert_eq!((entry["ip"].as_str(), entry["actor_type"].as_str()), (Some("192.0.2.7"), Some("admin")));
}

#[tokio::test]
async fn a_reopened_log_goes_on_where_it_stopped() {
    let directory = written(6).await;
    let log = AuditLog::open(directory.path()).unwrap();
    assert_eq!(log.append(&org("a"), event("x")).await.unwrap().seq, 4);
    assert_eq!(log.append(&org("c"), event("x")).await.unwrap().seq, 1);
    drop(log);
    let report = verify(directory.path()).unwrap();
    assert_eq!((report.entries, report.breach, report.torn_bytes), (8, None, 0));
    assert_eq!(
        report.heads.iter().map(|(org, head)| (org.as_str(), head.seq)).collect::<Vec<_>>(),
        [("org_a", 4), ("org_b", 3), ("org_c", 1)]
    );
}

#[tokio::test]
async fn any_flipped_bit_is_located() {
    let content = bytes(&written(5).await);
    let directory = with_content(&content);
    for place in 0..content.len() {
        let mut damaged = content.clone();
        damaged[place] ^= 1 << (place % 8);
        std::fs::write(segment_path(directory.path()), &damaged).unwrap();
        let report = verify(directory.path()).unwrap();
        let line = content[..place].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        match report.breach {
            Some(breach) => assert_eq!(breach.line, line, "byte {place}: {breach}"),
            // The very last line feed: indistinguishable from an entry that was being written.
            None => assert!(place == content.len() - 1 && report.torn_bytes > 0, "byte {place} went unseen"),
        }
    }
}

#[tokio::test]
async fn a_changed_log_is_not_opened() {
    let mut content = bytes(&written(5).await);
    content[100] ^= 1;
    let directory = with_content(&content);
    assert!(matches!(AuditLog::open(directory.path()), Err(AuditError::Broken(Breach { line: 1, .. }))));
}

#[tokio::test]
async fn removed_reordered_repeated_and_foreign_entries_are_caught() {
    let content = bytes(&written(8).await);
    let entries = lines(&content);
    let of = |order: &[usize]| breach_of(&order.iter().flat_map(|index| entries[*index].clone()).collect::<Vec<_>>());
    assert_eq!(of(&[0, 1, 2, 3, 4, 5, 6, 7]), None);
    let removed = of(&[0, 1, 3, 4, 5, 6, 7]).unwrap();
    assert_eq!((removed.line, removed.kind), (4, BreachKind::WrongSequence { expected: 2, found: 3 }));
    assert_eq!(of(&[0, 1, 4, 3, 2, 5, 6, 7]).unwrap().line, 3);
    assert_eq!(of(&[0, 1, 2, 2, 3, 4, 5, 6, 7]).unwrap().line, 4);
    let other = lines(&bytes(&written(8).await));
    let mut spliced = entries.clone();
    spliced[4].clone_from(&other[4]);
    assert_eq!(breach_of(&spliced.concat()).map(|breach| breach.kind), Some(BreachKind::WrongPredecessor));
}

#[tokio::test]
async fn cut_at_any_byte_of_the_last_entries_the_log_opens_with_all_that_is_whole() {
    let content = bytes(&written(8).await);
    let entries = lines(&content);
    let begin = entries[..5].concat().len();
    for cut in begin..=content.len() {
        let directory = with_content(&content[..cut]);
        let whole = content[..cut].iter().filter(|byte| **byte == b'\n').count() as u64;
        let log = AuditLog::open(directory.path()).unwrap();
        log.append(&org("a"), event("after")).await.unwrap();
        drop(log);
        let report = verify(directory.path()).unwrap();
        assert_eq!((report.entries, report.breach, report.torn_bytes), (whole + 1, None, 0), "cut at {cut}");
        assert!(bytes(&directory).starts_with(&entries[..usize::try_from(whole).unwrap()].concat()), "cut at {cut}");
    }
}

#[tokio::test]
async fn segments_follow_each_other_and_a_missing_one_is_caught() {
    let directory = tempfile::tempdir().unwrap();
    let log = AuditLog::open_with(directory.path(), 2_000).unwrap();
    for n in 0..30 {
        log.append(&org("a"), event(&n.to_string())).await.unwrap();
    }
    drop(log);
    let segments = segment::list(directory.path()).unwrap();
    assert!(segments.len() > 3);
    assert_eq!(verify(directory.path()).unwrap().entries, 30);
    assert_eq!(AuditLog::open(directory.path()).unwrap().append(&org("a"), event("x")).await.unwrap().seq, 31);
    let (_, second) = &segments[1];
    let kept = std::fs::read(second).unwrap();
    std::fs::write(second, &kept[..kept.len() - 1]).unwrap();
    assert_eq!(verify(directory.path()).unwrap().breach.map(|breach| breach.kind), Some(BreachKind::Unfinished));
    std::fs::remove_file(second).unwrap();
    assert_eq!(verify(directory.path()).unwrap().breach.map(|breach| breach.kind), Some(BreachKind::MissingSegment));
}

#[tokio::test]
async fn a_disk_that_fails_refuses_entries_and_the_chain_goes_on_once_it_works_again() {
    let directory = tempfile::tempdir().unwrap();
    // Every group wants a new segment, and a directory stands where the next one should be.
    let log = AuditLog::open_with(directory.path(), 1).unwrap();
    log.append(&org("a"), event("before")).await.unwrap();
    let obstacle = directory.path().join(segment::name(2));
    std::fs::create_dir(&obstacle).unwrap();
    for _ in 0..3 {
        assert!(matches!(log.append(&org("a"), event("lost")).await, Err(AuditError::Unavailable(_))));
    }
    std::fs::remove_dir(&obstacle).unwrap();
    assert_eq!(log.append(&org("a"), event("after")).await.unwrap().seq, 2);
    drop(log);
    assert_eq!(verify(directory.path()).unwrap().entries, 2);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _log = AuditLog::open(directory.path()).unwrap();
    assert!(matches!(AuditLog::open(directory.path()), Err(AuditError::Locked)));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_what_it_took_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let log = AuditLog::open(directory.path()).unwrap();
    let target = org("a");
    let outcomes = futures_util::future::join_all((0..20_000).map(|_| log.append(&target, event("x")))).await;
    let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(AuditError::Busy))).count();
    assert!(taken >= 4_096 && busy > 0 && taken + busy == 20_000, "{taken} taken, {busy} refused");
    drop(log);
    assert_eq!(verify(directory.path()).unwrap().entries, taken as u64);
}

#[tokio::test]
async fn an_entry_handed_over_is_written_though_nobody_waits() {
    let directory = tempfile::tempdir().unwrap();
    let log = AuditLog::open(directory.path()).unwrap();
    for n in 0..100 {
        let target = org("a");
        let appended = log.append(&target, event(&n.to_string()));
        let _ = tokio::time::timeout(Duration::ZERO, appended).await;
    }
    drop(log);
    assert_eq!(verify(directory.path()).unwrap().entries, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_entries_are_all_there_once_and_five_thousand_a_second_go_through() {
    let directory = tempfile::tempdir().unwrap();
    let log = AuditLog::open(directory.path()).unwrap();
    let begun = Instant::now();
    let writers = (0..200).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            let target = org(if writer % 2 == 0 { "a" } else { "b" });
            for _ in 0..50 {
                let asked = Instant::now();
                log.append(&target, event("x")).await.unwrap();
                slowest = slowest.max(asked.elapsed());
            }
            slowest
        })
    });
    let slowest = futures_util::future::join_all(writers).await.into_iter().map(Result::unwrap).max().unwrap();
    let rate = 10_000.0 / begun.elapsed().as_secs_f64();
    println!("{rate:.0} durable entries a second, slowest {slowest:?}");
    drop(log);
    let report = verify(directory.path()).unwrap();
    assert_eq!((report.entries, report.breach), (10_000, None));
    assert!(report.heads.values().all(|head| head.seq == 5_000));
}
