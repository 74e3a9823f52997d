//! Transfers: ours, blind and attended (RFC 3515, RFC 5589), and those that a far end asks of us.

use serde_json::json;

use crate::flow::{Flow, call_that, has_header, id_of, moments, record, sdp};
use crate::support::gateway::Gateway;
use crate::support::http::Answer;

fn transfer(gateway: &Gateway, id: &str, body: &serde_json::Value) -> Answer {
    gateway.send("POST", &format!("/v1/calls/{id}/transfer"), &body.to_string())
}

/// What the far end tells of the call that it was asked to make.
fn notify(flow: Flow, line: &str, state: &str) -> Flow {
    let headers = format!("Event: refer\nSubscription-State: {state}\n");
    flow.send("NOTIFY", "message/sipfrag", line, &headers).expect("200", false, "")
}

fn referred(checks: &str) -> Flow {
    let flow = Flow::up().request("REFER", checks).reply("202 Accepted", "", "");
    notify(flow, "SIP/2.0 100 Trying", "active;expires=60")
}

#[test]
fn a_caller_is_sent_elsewhere_and_the_call_ends_as_transferred() {
    let gateway = Gateway::start("echo");
    let checks = has_header("Refer-To", "sip:reception@127.0.0.1:5099") + &has_header("Referred-By", "sip:");
    let flow = notify(referred(&checks), "SIP/2.0 200 OK", "terminated;reason=noresource").hung_up();
    let Some(sipp) = flow.start("blind", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    let answer = transfer(&gateway, &id, &json!({ "to": "sip:reception@127.0.0.1:5099" }));
    assert_eq!(answer.status, 202, "{}", answer.body);
    sipp.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert_eq!(record["termination"], json!({ "class": "us", "area": "sip", "reason": "transferred" }));
    assert_eq!(moments(&record, "transfer_ended")[0]["outcome"], "succeeded");
}

#[test]
fn a_caller_whose_new_call_fails_stays_with_the_agent_who_is_told() {
    let gateway = Gateway::start("echo");
    let flow = notify(referred(""), "SIP/2.0 486 Busy Here", "terminated;reason=noresource").pause(500).bye();
    let Some(sipp) = flow.start("blind_fails", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    assert_eq!(transfer(&gateway, &id, &json!({ "to": "sip:reception@127.0.0.1:5099" })).status, 202);
    sipp.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert_eq!(record["termination"]["reason"], "hung_up");
    assert_eq!(moments(&record, "transfer_ended")[0]["outcome"], "failed");
    let received = std::fs::read_to_string(gateway.received_by_agent()).expect("what the agent received");
    assert!(received.contains("The caller was not transferred"), "{received}");
}

#[test]
fn a_caller_that_takes_no_refer_stays_with_the_agent() {
    let gateway = Gateway::start("echo");
    let flow = Flow::up().request("REFER", "").reply("603 Decline", "", "").pause(500).bye();
    let Some(sipp) = flow.start("refuses_refer", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    assert_eq!(transfer(&gateway, &id, &json!({ "to": "sip:reception@127.0.0.1:5099" })).status, 202);
    sipp.finish(&gateway);
    assert_eq!(moments(&call_that(&gateway, "completed"), "transfer_ended")[0]["outcome"], "refused");
}

#[test]
fn nobody_is_sent_where_the_organisation_may_not_call() {
    let gateway = Gateway::start("echo");
    let Some(sipp) = Flow::up().pause(15_000).bye().start("not_allowed", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    let refused = [
        (json!({ "to": "+4930901820" }), 403),
        (json!({ "to": "112" }), 403),
        (json!({ "to": "sip:mallory@192.0.2.7" }), 403),
        (json!({ "to": "sip:00900123456@127.0.0.1" }), 422),
        (json!({}), 422),
        (json!({ "kind": "attended", "to": "sip:reception@127.0.0.1" }), 422),
        (json!({ "kind": "attended", "to": id }), 409),
    ];
    for (body, status) in refused {
        let answer = transfer(&gateway, &id, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    sipp.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert!(moments(&record, "transfer_ended").iter().all(|entry| entry["outcome"] == "not_allowed"), "{record:#}");
}

/// Two calls of ours, whose far ends are joined: the first is told to take our place in the second, which then ends.
#[test]
fn two_far_ends_are_joined_and_both_calls_end_as_transferred() {
    let gateway = Gateway::start("echo");
    let consulted = Flow::called().pause(3_000).bye();
    let checks = has_header("Refer-To", "Replaces=.*to-tag.*from-tag");
    let flow = notify(referred(&checks).pause(3_500), "SIP/2.0 200 OK", "terminated;reason=noresource").hung_up();
    let Some(first) = flow.start("attended", &gateway, "1000") else { return };
    let Some(second) = consulted.start("consulted", &gateway, "1000") else { return };
    let id = id_of(&call_that(&gateway, "running"));
    let body = json!({ "to": format!("sip:consulted@127.0.0.1:{}", second.port), "agent": "linear" });
    let other = gateway.send("POST", "/v1/calls", &body.to_string());
    assert_eq!(other.status, 201, "{}", other.body);
    let other = id_of(&other.json);
    gateway.wait_for_calls("both up", |calls| calls.len() == 2 && calls.iter().all(|call| call["session_status"] == "running"));
    let answer = transfer(&gateway, &id, &json!({ "kind": "attended", "to": other }));
    assert_eq!(answer.status, 202, "{}", answer.body);
    second.finish(&gateway);
    first.finish(&gateway);
    gateway.wait_for_calls("both over", |calls| calls.iter().all(|call| call["session_status"] == "completed"));
    for id in [id, other] {
        assert_eq!(record(&gateway, &id)["termination"]["reason"], "transferred");
    }
}

#[test]
fn a_far_end_that_wants_us_to_call_somebody_is_refused() {
    let gateway = Gateway::start("echo");
    let refer = "Refer-To: <sip:+19005550100@127.0.0.1>\n";
    let flow = Flow::up().pause(300).send("REFER", "", "", refer).expect("603", false, "").pause(200).bye();
    let Some(sipp) = flow.start("refers_us", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    call_that(&gateway, "completed");
}

/// A trunk at this machine that may send us elsewhere.
const PBX: &str = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\nrefer = \"local\"\n[outbound]\nenabled = true\n";

/// Three parties: the first sends us to the second, in the place of a dialog of its own, and the conversation goes on there.
#[test]
fn a_far_end_that_may_sends_us_elsewhere_and_the_conversation_goes_on_there() {
    let gateway = Gateway::start_over("echo", "", PBX, "");
    let replaces = "Replaces=one%40two%3Bto-tag%3Da%3Bfrom-tag%3Db";
    let second = Flow::called_with(&has_header("Replaces", "one@two;to-tag=a;from-tag=b")).pause(1_500).bye();
    let Some(second) = second.start("referred_to", &gateway, "1000") else { return };
    let refer = format!("Refer-To: <sip:sipp@127.0.0.1:{}?{replaces}>\nReferred-By: <sip:sipp@127.0.0.1>\n", second.port);
    let flow = Flow::up().pause(300).send("REFER", "", "", &refer).expect("202", false, "");
    let heard = |flow: Flow| flow.request("NOTIFY", "").reply("200 OK", "", "");
    let flow = heard(heard(heard(flow))).hung_up();
    let Some(first) = flow.start("refers", &gateway, "1000") else { return };
    first.finish(&gateway);
    second.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert_eq!(moments(&record, "far_end_replaced").len(), 1, "{record:#}");
    assert_eq!(record["termination"]["reason"], "hung_up");
}

#[test]
fn a_far_end_that_may_send_us_elsewhere_may_not_send_us_where_nobody_may_call() {
    let gateway = Gateway::start_over("echo", "", PBX, "");
    let mut flow = Flow::up().pause(300);
    for target in ["sip:+19005550100@127.0.0.1", "tel:+4930901820", "sip:112@127.0.0.1", "sip:bob@192.0.2.7", "sip:bob@elsewhere.invalid"] {
        flow = flow.send("REFER", "", "", &format!("Refer-To: <{target}>\n")).expect("603", false, "");
    }
    let Some(sipp) = flow.bye().start("refers_out", &gateway, "1000") else { return };
    sipp.finish(&gateway);
    call_that(&gateway, "completed");
}

/// The dialog that is replaced is known by the tags of its messages, which the first far end reads to the second.
#[test]
fn a_far_end_is_replaced_by_another_of_the_same_trunk_and_the_call_goes_on() {
    let gateway = Gateway::start("echo");
    let Some(first) = Flow::up().hung_up().start("replaced", &gateway, "1000") else { return };
    call_that(&gateway, "running");
    let (call_id, ours) = first.dialog(&gateway);
    let invite = |tag: &str| format!("Replaces: {call_id};to-tag={tag};from-tag=1f\n");
    let wrong = Flow::calling(&sdp("sendrecv", 1), &invite("nobody")).expect("100", true, "").expect("481", false, "").ack_refusal();
    let Some(wrong) = wrong.start("replaces_nobody", &gateway, "1000") else { return };
    wrong.finish(&gateway);
    let second = Flow::calling(&sdp("sendrecv", 1), &invite(&ours)).expect("100", true, "").answered("").ack("").pause(700).bye();
    let Some(second) = second.start("replaces", &gateway, "1000") else { return };
    first.finish(&gateway);
    second.finish(&gateway);
    let record = call_that(&gateway, "completed");
    assert_eq!(moments(&record, "far_end_replaced").len(), 1, "{record:#}");
}
