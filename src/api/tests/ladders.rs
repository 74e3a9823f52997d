//! The signalling of calls through the interface.

use chrono::{TimeDelta, Utc};
use sip::transport::Flow;

use super::cast::{FOREIGNER, STAFF};
use super::house::House;
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::ladder::{Ladder, Way};
use crate::signalling::ladder::Tap;
use crate::telemetry::metrics::Metrics;

const INVITE: &[u8] =
    b"INVITE sip:1000@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\nFrom: <sip:+15550100@h>;tag=1\r\n\
    To: <sip:1000@h>\r\nCall-ID: ours\r\nCSeq: 1 INVITE\r\nContact: <sip:h>\r\nAuthorization: Digest response=\"s3cret\"\r\n\
    Content-Length: 0\r\n\r\n";

/// A call that runs and has been asked for.
async fn running(house: &House) -> (CallId, Tap) {
    let (sender, _receiver) = tokio::sync::mpsc::channel(1);
    let tap = Tap::default().with_ladders(house.state.running_ladders.clone(), sender, Metrics::new());
    let call = house.recorded(&OrgId::default_org(), SessionStatus::Running, Utc::now()).await;
    tap.see(Way::Received, Flow::udp("192.0.2.1:5060".parse().unwrap(), "192.0.2.9:5062".parse().unwrap()), INVITE);
    tap.begin(&call.id, &call.org_id, Some("ours"));
    (call.id, tap)
}

#[tokio::test]
async fn a_running_calls_signalling_is_shown_in_three_forms_and_every_look_is_written_down() {
    let house = House::new();
    let (id, _tap) = running(&house).await;
    let path = format!("/v1/calls/{id}/ladder");
    let json = house.ask("GET", &path).await.json();
    assert_eq!((json["id"].as_str(), &json["running"], &json["left_out"]), (Some(id.as_str()), &true.into(), &0.into()));
    let message = &json["messages"][0];
    for (key, value) in [("method", "INVITE"), ("from", "192.0.2.9:5062"), ("to", "192.0.2.1:5060"), ("direction", "received")] {
        assert_eq!(message[key], value, "{key}");
    }
    assert_eq!((message["from_uri"].as_str(), message["cseq"].as_u64()), (Some("sip:+15550100@h"), Some(1)));
    let text = house.ask("GET", &format!("{path}?format=text")).await;
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    for shown in [&text.text, message["text"].as_str().unwrap()] {
        assert!(shown.contains("response=\"xxxxxx\"") && !shown.contains("s3cret"), "{shown}");
    }
    let pcap = house.ask("GET", &format!("{path}?format=pcap")).await;
    assert_eq!(pcap.headers["content-type"], "application/vnd.tcpdump.pcap");
    assert_eq!(pcap.headers["content-disposition"].to_str().unwrap(), format!("attachment; filename=\"{id}.pcap\""));
    assert_eq!(house.ask("GET", &format!("{path}?format=png")).await.error().0, 422);
    let audited: Vec<_> = house.audited().iter().map(|entry| format!("{} {}", entry["action"], entry["resource"])).collect();
    assert_eq!(audited, ["\"view\" \"ladder\""; 3]);
}

#[tokio::test]
async fn what_is_over_comes_from_the_store_and_a_call_without_signalling_has_none() {
    let house = House::new();
    let kept = Ladder::empty(CallId::random(), Utc::now() - TimeDelta::seconds(60));
    house.state.ladders.put(&kept).await.unwrap();
    let json = house.ask("GET", &format!("/v1/calls/{}/ladder", kept.id)).await.json();
    assert_eq!((&json["running"], json["messages"].as_array().map(Vec::len)), (&false.into(), Some(0)));
    let call = house.recorded(&OrgId::default_org(), SessionStatus::Completed, Utc::now()).await;
    assert_eq!(house.ask("GET", &format!("/v1/calls/{}/ladder", call.id)).await.error(), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn numbers_and_addresses_are_for_administrators_of_the_own_organisation_alone() {
    let house = House::new();
    let (id, _tap) = running(&house).await;
    let path = format!("/v1/calls/{id}/ladder");
    assert_eq!(house.ask_as(Some(STAFF), "GET", &path, None).await.error().0, 403);
    assert_eq!(house.ask_as(Some(FOREIGNER), "GET", &path, None).await.error().0, 404);
}
