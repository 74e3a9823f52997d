//! Calls through the interface: listed, looked at, started, ended, and each of it in the audit log.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use media::dtmf::Digit;

use super::house::{House, post};
use crate::call::command::CallCommand;
use crate::call::registry::StartError;
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::media_statistics::CallQuality;

fn ours() -> OrgId {
    OrgId::default_org()
}

fn foreign() -> OrgId {
    "org_other".parse().unwrap()
}

#[tokio::test]
async fn a_list_goes_through_all_calls_newest_first_and_shows_neither_numbers_nor_words() {
    let house = House::new();
    let mut expected = Vec::new();
    for n in 0..7 {
        expected.insert(0, house.recorded(&ours(), SessionStatus::Running, Utc::now() + TimeDelta::seconds(n)).await.id.to_string());
    }
    house.recorded(&foreign(), SessionStatus::Running, Utc::now()).await;
    let mut seen = Vec::new();
    let mut path = "/v1/calls?limit=3".to_owned();
    loop {
        let answer = house.ask("GET", &path).await;
        for hidden in ["aspirin", "+15550100", "transcript", "org_other"] {
            assert!(!answer.text.contains(hidden), "{hidden}");
        }
        let page = answer.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/calls?limit=3&cursor={next}");
    }
    assert_eq!(seen, expected);
    assert_eq!(house.deeds(), ["view_list success -"; 3]);
}

#[tokio::test]
async fn a_list_can_be_kept_to_one_status() {
    let house = House::new();
    let failed = house.recorded(&ours(), SessionStatus::Failed, Utc::now()).await;
    house.recorded(&ours(), SessionStatus::Running, Utc::now()).await;
    let page = house.ask("GET", "/v1/calls?session_status=failed").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["id"], failed.id.as_str());
}

#[tokio::test]
async fn a_call_is_shown_whole_and_the_look_at_its_words_is_written_down() {
    let house = House::new();
    let record = house.recorded(&ours(), SessionStatus::Running, Utc::now()).await;
    let shown = house.ask("GET", &format!("/v1/calls/{}", record.id)).await;
    assert_eq!(shown.status.as_u16(), 200);
    assert_eq!(shown.json(), serde_json::to_value(&record).unwrap());
    assert_eq!(house.deeds(), ["view success -", "view_transcript success -"]);
    let entry = &house.audited()[1];
    assert_eq!((entry["object"].as_str(), entry["resource"].as_str()), (Some(record.id.as_str()), Some("transcript")));
    assert_eq!(entry["request_id"].as_str(), shown.headers["x-request-id"].to_str().ok());
    let whole: BTreeSet<_> = house.audited().iter().map(ToString::to_string).collect();
    assert!(whole.iter().all(|entry| !entry.contains("aspirin") && !entry.contains("15550100")));
}

#[tokio::test]
async fn a_call_that_runs_is_shown_as_the_call_itself_has_it() {
    let house = House::new();
    let stored = house.recorded(&ours(), SessionStatus::Running, Utc::now()).await;
    let mut inbox = house.running(&stored.id, &ours());
    let mut further = stored.clone();
    further.media.packets_received = 250;
    further.media.quality = Some(CallQuality { r_factor: 93.2, mos_listening: 4.41, mos_conversational: None });
    let shown = further.clone();
    tokio::spawn(async move {
        while let Some(CallCommand::Look(reply)) = inbox.recv().await {
            reply.show(Box::new(shown.clone()));
        }
    });
    let one = house.ask("GET", &format!("/v1/calls/{}", stored.id)).await;
    assert_eq!(one.json(), serde_json::to_value(&further).unwrap());
    assert_eq!(house.ask("GET", "/v1/calls").await.json()["items"][0]["quality"], 4.41);
    let stored_only = house.recorded(&ours(), SessionStatus::Running, Utc::now()).await;
    let other = house.ask("GET", &format!("/v1/calls/{}", stored_only.id)).await;
    assert_ne!(one.headers["etag"], other.headers["etag"], "it is not told that it has what has gone on meanwhile");
}

#[tokio::test]
async fn a_foreign_call_looks_exactly_like_a_missing_one() {
    let house = House::new();
    let record = house.recorded(&foreign(), SessionStatus::Running, Utc::now()).await;
    let _inbox = house.running(&record.id, &foreign());
    for method in ["GET", "DELETE"] {
        let [theirs, missing] = [&record.id, &CallId::random()].map(|id| format!("/v1/calls/{id}"));
        let (theirs, missing) = (house.ask(method, &theirs).await, house.ask(method, &missing).await);
        assert_eq!(theirs.error(), (404, "NOT_FOUND".to_owned()), "{method}");
        assert_eq!(theirs.json()["error"], missing.json()["error"], "{method}");
    }
    assert_eq!(
        house.deeds(),
        [
            "view failure not_found",
            "view failure not_found",
            "end_call intended -",
            "end_call failure not_found",
            "end_call intended -",
            "end_call failure not_found"
        ]
    );
}

#[tokio::test]
async fn a_call_is_started_and_where_to_find_it_is_told() {
    let mut house = House::new();
    let router = &house.router.clone();
    let id = CallId::random();
    let (answer, ()) = tokio::join!(post(router, r#"{"to":"sip:1000@127.0.0.1:5070","agent":"desk"}"#), async {
        let request = house.outbound.recv().await.unwrap();
        assert_eq!(
            (request.org, request.to.expose().as_str(), request.agent.as_deref()),
            (ours(), "sip:1000@127.0.0.1:5070", Some("desk"))
        );
        request.reply.send(Ok(id.clone())).unwrap();
    });
    assert_eq!(answer.status.as_u16(), 201);
    assert_eq!((answer.json()["id"].as_str(), answer.json()["session_status"].as_str()), (Some(id.as_str()), Some("starting")));
    assert_eq!(answer.headers["location"], format!("/v1/calls/{id}"));
    assert_eq!(house.deeds(), ["start_call success -"]);
    assert_eq!(house.audited()[0]["object"], id.as_str());
}

#[tokio::test]
async fn a_call_that_may_not_be_started_is_refused_with_the_reason() {
    let cases = [
        (StartError::NotAllowed, 403, "FORBIDDEN", "start_call denied target_not_allowed"),
        (StartError::InvalidTarget, 422, "VALIDATION_ERROR", "start_call failure invalid"),
        (StartError::UnknownAgent, 422, "VALIDATION_ERROR", "start_call failure invalid"),
        (StartError::Capacity, 503, "SERVICE_UNAVAILABLE", "start_call failure no_capacity"),
        (StartError::Unavailable, 503, "SERVICE_UNAVAILABLE", "start_call failure no_signalling"),
    ];
    for (cause, status, code, deed) in cases {
        let mut house = House::new();
        let router = &house.router.clone();
        let (answer, ()) = tokio::join!(post(router, r#"{"to":"sip:1000@203.0.113.1"}"#), async {
            house.outbound.recv().await.unwrap().reply.send(Err(cause)).unwrap();
        });
        assert_eq!(answer.error(), (status, code.to_owned()), "{cause}");
        assert_eq!(house.deeds(), [deed]);
        if cause == StartError::NotAllowed {
            assert_eq!(answer.json()["error"]["context"]["reason"], "target_not_allowed");
        }
    }
}

#[tokio::test]
async fn a_started_call_that_cannot_be_audited_is_hung_up() {
    let mut house = House::new();
    let router = &house.router.clone();
    house.ask("GET", "/v1/calls").await;
    house.break_audit();
    let id = CallId::random();
    let mut inbox = house.running(&id, &ours());
    let (answer, ()) = tokio::join!(post(router, r#"{"to":"sip:1000@127.0.0.1"}"#), async {
        house.outbound.recv().await.unwrap().reply.send(Ok(id.clone())).unwrap();
    });
    assert_eq!(answer.error(), (503, "SERVICE_UNAVAILABLE".to_owned()));
    assert_eq!(inbox.recv().await, Some(CallCommand::Hangup));
}

#[tokio::test]
async fn no_command_reaches_a_call_that_the_log_does_not_know_of() {
    let house = House::new();
    house.ask("GET", "/v1/calls").await;
    house.break_audit();
    let id = CallId::random();
    let mut inbox = house.running(&id, &ours());
    for (verb, body) in [("hold", ""), ("resume", ""), ("dtmf", r#"{"digits":"12"}"#), ("transfer", r#"{"to":"+4930901820"}"#), ("end", "")]
    {
        let answer = house.post_to(&format!("/v1/calls/{id}/{verb}"), body).await;
        assert_eq!(answer.error().0, 503, "{verb}: {}", answer.text);
        assert!(inbox.try_recv().is_err(), "{verb}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_call_unaudited() {
    let mut house = House::new();
    let router = &house.router.clone();
    let id = CallId::random();
    // It goes once the call has been asked for.
    let asked = tokio::select! {
        answer = post(router, r#"{"to":"sip:1000@127.0.0.1"}"#) => panic!("{:?} before anybody was asked", answer.status),
        asked = house.outbound.recv() => asked.unwrap(),
    };
    asked.reply.send(Ok(id)).unwrap();
    for _ in 0..1_000 {
        if !house.audited().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(house.deeds(), ["start_call success -"]);
}

#[tokio::test]
async fn a_running_call_is_ended_and_one_that_is_over_is_a_conflict() {
    let house = House::new();
    let up = house.recorded(&ours(), SessionStatus::Running, Utc::now()).await;
    let over = house.recorded(&ours(), SessionStatus::Completed, Utc::now()).await;
    let mut inbox = house.running(&up.id, &ours());
    assert_eq!(house.ask("DELETE", &format!("/v1/calls/{}", up.id)).await.status.as_u16(), 202);
    assert_eq!(inbox.recv().await, Some(CallCommand::Hangup));
    assert_eq!(house.ask("DELETE", &format!("/v1/calls/{}", over.id)).await.error(), (409, "CONFLICT".to_owned()));
    assert_eq!(house.deeds(), ["end_call intended -", "end_call success -", "end_call intended -", "end_call failure call_over"]);
}

#[tokio::test]
async fn keys_reach_a_running_call_and_no_log_says_which() {
    let house = House::new();
    let up = house.recorded(&ours(), SessionStatus::Running, Utc::now()).await;
    let mut inbox = house.running(&up.id, &ours());
    let path = format!("/v1/calls/{}/dtmf", up.id);
    let answer = house.post_to(&path, r#"{"digits":"8642#"}"#).await;
    assert_eq!(answer.status.as_u16(), 202);
    let digits = "8642#".chars().filter_map(Digit::new).collect();
    assert_eq!(inbox.recv().await, Some(CallCommand::SendDtmf { digits }));
    assert_eq!(house.deeds(), ["send_dtmf intended -", "send_dtmf success -"]);
    assert!(!format!("{:?}", house.audited()).contains("8642"));
    for wrong in [r#"{"digits":""}"#, r#"{"digits":"12E"}"#, r#"{"digits":"123456789012345678901234567890123"}"#, "{}"] {
        assert_eq!(house.post_to(&path, wrong).await.error().0, 422, "{wrong}");
    }
}
