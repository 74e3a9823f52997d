use chrono::{TimeDelta, TimeZone};
use tempfile::TempDir;

use super::*;
use crate::domain::call_record::{Direction as Dialled, MediaStatistics};
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::store::COLLECTIONS;
use crate::store::sqlite::SqliteDocuments;

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap()
}

pub(in crate::store) fn record(org: &str, status: SessionStatus, started_at: DateTime<Utc>) -> CallRecord {
    CallRecord {
        id: CallId::random(),
        org_id: org.parse().unwrap(),
        patient_id: None,
        dial_in_call_id: None,
        direction: Dialled::Inbound,
        from: Redacted::new("+15550100".to_owned()),
        to: Redacted::new("1000".to_owned()),
        caller_verification: None,
        arrival: None,
        agent: "desk".to_owned(),
        agent_version: None,
        session_status: status,
        call_status: CallStatus::InProgress,
        started_at,
        answered_at: None,
        ended_at: None,
        termination: None,
        timeline: vec![TimelineEntry { at_ms: 0, moment: Moment::Invite }],
        media: MediaStatistics::default(),
        transcript: Vec::new(),
    }
}

fn fresh() -> (CallRecords, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let documents = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
    (CallRecords::new(documents), directory)
}

fn default_scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

#[tokio::test]
async fn a_record_is_read_as_it_was_written() {
    let (records, _directory) = fresh();
    let mut one = record("org_default", SessionStatus::Running, start());
    assert_eq!(records.insert(&one).await.unwrap(), 1);
    one.session_status = SessionStatus::Completed;
    assert_eq!(records.update(&one, 1).await.unwrap(), 2);
    assert!(matches!(records.update(&one, 1).await, Err(StoreError::Conflict { found: Some(2), .. })));
    assert_eq!(records.get(&default_scope(), &one.id).await.unwrap(), Some(Versioned { record: one, version: 2 }));
}

#[tokio::test]
async fn records_are_listed_newest_first_whatever_the_digits_of_their_times() {
    let (records, _directory) = fresh();
    let mut expected = Vec::new();
    for offset_us in [0, 1, 100_000, 123_000, 123_456, 500_000, 1_000_000] {
        let one = record("org_default", SessionStatus::Running, start() + TimeDelta::microseconds(offset_us));
        records.insert(&one).await.unwrap();
        expected.insert(0, one.id);
    }
    let first = records.list(&default_scope(), &CallFilter::default(), None, 4).await.unwrap();
    let rest = records.list(&default_scope(), &CallFilter::default(), first.next.clone(), 4).await.unwrap();
    let listed: Vec<_> = first.records.into_iter().chain(rest.records).map(|record| record.id).collect();
    assert_eq!((listed, rest.next), (expected, None));
}

#[tokio::test]
async fn a_list_can_be_kept_to_one_status() {
    let (records, _directory) = fresh();
    let running = record("org_default", SessionStatus::Running, start());
    let failed = record("org_default", SessionStatus::Failed, start());
    records.put(&default_scope(), [&running, &failed]).await.unwrap();
    let filter = CallFilter { session_status: Some(SessionStatus::Failed), ..CallFilter::default() };
    assert_eq!(records.list(&default_scope(), &filter, None, 10).await.unwrap().records, [failed]);
}

#[tokio::test]
async fn at_start_every_call_left_up_becomes_failed_and_interrupted() {
    let (records, _directory) = fresh();
    let now = start() + TimeDelta::seconds(60);
    let mut ended = record("org_default", SessionStatus::Completed, start());
    ended.ended_at = Some(start());
    records.insert(&ended).await.unwrap();
    let mut left = Vec::new();
    for n in 0..450 {
        let org = if n % 3 == 0 { "org_other" } else { "org_default" };
        let status = if n % 2 == 0 { SessionStatus::Starting } else { SessionStatus::Running };
        let one = record(org, status, start());
        records.insert(&one).await.unwrap();
        left.push(one);
    }
    assert_eq!(records.mark_interrupted(now, async |_| {}).await.unwrap(), 450);
    for one in left {
        let after = records.get(&OrgScope::new(one.org_id.clone()), &one.id).await.unwrap().unwrap().record;
        assert_eq!(after.session_status, SessionStatus::Failed);
        assert_eq!(after.call_status, CallStatus::Completed);
        assert_eq!(after.termination, Some(Termination::gateway(GatewayReason::Interrupted)));
        assert_eq!(after.ended_at, Some(now));
        assert_eq!(after.timeline.last(), Some(&TimelineEntry { at_ms: 60_000, moment: Moment::Ended }));
    }
    assert_eq!(records.get(&default_scope(), &ended.id).await.unwrap().unwrap().record, ended);
    assert_eq!(records.mark_interrupted(now, async |_| {}).await.unwrap(), 0);
}
