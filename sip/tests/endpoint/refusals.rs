//! Requests that never reach the application (RFC 3261 §8.2).

use sip::header::HeaderName;

use crate::scripted_peer::{ScriptedPeer, request};

fn status_of(text: &str) -> Vec<u16> {
    let mut peer = ScriptedPeer::new();
    peer.send(text);
    assert!(peer.events.is_empty());
    peer.statuses()
}

fn invite() -> String {
    request("INVITE", "a", 1, "", "application/sdp", "offer")
}

#[test]
fn options_is_answered_with_what_we_can_do() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("OPTIONS", "a", 1, "", "", ""));
    let response = peer.response();
    assert_eq!(response.status().code(), 200);
    assert_eq!(response.headers().value(HeaderName::Allow), Some("INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"));
    assert_eq!(response.headers().value(HeaderName::Accept), Some("application/sdp"));
    assert_eq!(response.headers().value(HeaderName::Supported), Some("100rel, timer, replaces, norefersub"));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn a_method_of_others_is_not_allowed() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("REGISTER", "a", 1, "", "", ""));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::Allow).is_some()), (405, true));
}

#[test]
fn a_method_of_nobody_is_not_implemented() {
    assert_eq!(status_of(&request("DANCE", "a", 1, "", "", "")), [501]);
}

#[test]
fn an_unknown_scheme_is_unsupported() {
    assert_eq!(status_of(&invite().replace("INVITE sip:1000@192.0.2.2", "INVITE isbn:1000")), [416]);
}

#[test]
fn a_required_extension_is_named_back() {
    let mut peer = ScriptedPeer::new();
    peer.send(&invite().replace("Max-Forwards", "Require: 100rel, x, tdialog\r\nMax-Forwards"));
    let response = peer.response();
    assert_eq!(response.status().code(), 420);
    assert_eq!(response.headers().elements(HeaderName::Unsupported).collect::<Vec<_>>(), ["x", "tdialog"]);
}

#[test]
fn a_body_that_is_not_sdp_is_unsupported() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("INVITE", "a", 1, "", "text/plain", "hello"));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::Accept)), (415, Some("application/sdp")));
}

#[test]
fn a_caller_that_takes_no_sdp_is_not_acceptable() {
    assert_eq!(status_of(&invite().replace("Max-Forwards", "Accept: text/plain\r\nMax-Forwards")), [406]);
    let mut peer = ScriptedPeer::new();
    peer.send(&invite().replace("Max-Forwards", "Accept: text/plain, application/*\r\nMax-Forwards"));
    assert_eq!(peer.event_names(), ["Incoming"]);
}

#[test]
fn an_invite_without_contact_is_bad() {
    assert_eq!(status_of(&invite().replace("Contact: <sip:bob@192.0.2.9:5060>\r\n", "")), [400]);
}

#[test]
fn a_malformed_request_is_answered_with_its_fault() {
    let mut peer = ScriptedPeer::new();
    peer.send(&invite().replace("Call-ID: call\r\n", ""));
    let text = String::from_utf8_lossy(&peer.received[0].bytes).into_owned();
    assert!(text.starts_with("SIP/2.0 400 Missing Call-ID header field\r\n"), "{text}");
}

#[test]
fn requests_of_no_dialog_do_not_exist() {
    for method in ["BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "NOTIFY"] {
        assert_eq!(status_of(&request(method, "a", 1, "", "", "")), [481], "{method}");
    }
    for method in ["BYE", "INVITE", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY"] {
        assert_eq!(status_of(&request(method, "a", 1, "unknown", "", "")), [481], "{method}");
    }
}

#[test]
fn an_ack_is_never_answered() {
    for text in [
        request("ACK", "a", 1, "", "", ""),
        request("ACK", "a", 1, "unknown", "", ""),
        request("ACK", "a", 1, "", "", "").replace("CSeq: 1 ACK", "CSeq: 1 BYE"),
    ] {
        assert_eq!(status_of(&text), Vec::<u16>::new());
    }
}

#[test]
fn a_stray_response_is_dropped() {
    assert_eq!(
        status_of(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"
        ),
        Vec::<u16>::new()
    );
}

#[test]
fn copies_that_come_by_two_ways_are_merged() {
    let mut peer = ScriptedPeer::new();
    peer.invited();
    peer.send(&request("INVITE", "other-way", 1, "", "application/sdp", "offer"));
    assert_eq!(peer.statuses(), [482]);
    assert!(peer.events.is_empty());
}

#[test]
fn the_last_hop_takes_max_forwards_zero() {
    let mut peer = ScriptedPeer::new();
    peer.send(&invite().replace("Max-Forwards: 70", "Max-Forwards: 0"));
    assert_eq!(peer.event_names(), ["Incoming"]);
}

#[test]
fn an_invite_without_an_offer_reaches_the_application() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("INVITE", "a", 1, "", "", ""));
    assert!(matches!(peer.events.pop(), Some(sip::endpoint::Event::Incoming { invite, .. }) if invite.sdp.is_empty()));
}

#[test]
fn a_refusal_keeps_no_state_and_repeats_its_tag() {
    let mut peer = ScriptedPeer::new();
    let tag = |peer: &mut ScriptedPeer| {
        peer.send(&request("REGISTER", "a", 1, "", "", ""));
        peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned))
    };
    let first = tag(&mut peer);
    assert!(first.is_some());
    assert_eq!(first, tag(&mut peer));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn nobody_outside_a_call_may_ask_for_one() {
    assert_eq!(status_of(&request("REFER", "a", 1, "", "", "").replace("Max-Forwards", "Refer-To: <sip:x@y>\r\nMax-Forwards")), [403]);
}

#[test]
fn whoever_asks_a_closing_endpoint_is_told_so_and_its_calls_go_on() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&request("OPTIONS", "before", 2, "", "", ""));
    assert_eq!(peer.statuses(), [200]);
    peer.act(|endpoint, _| endpoint.close());
    peer.send(&request("OPTIONS", "asked", 3, "", "", ""));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::RetryAfter)), (503, Some("30")));
    peer.send(&request("OPTIONS", "within", 4, &tag, "", ""));
    assert_eq!(peer.statuses(), [200]);
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    assert_eq!(peer.request().method_text(), "BYE");
}
