//! Re-INVITE (RFC 3261 §14.2).

use std::time::Duration;

use bytes::Bytes;
use sip::header::{HeaderName, StatusCode};

use crate::scripted_peer::{ScriptedPeer, request};

fn reinvite(branch: &str, cseq: u32, tag: &str) -> String {
    request("INVITE", branch, cseq, tag, "application/sdp", "new offer")
}

#[test]
fn a_new_offer_is_answered_and_confirmed() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag));
    assert_eq!((peer.statuses(), peer.event_names()), (vec![100], vec!["Offered".to_owned()]));
    peer.accept_offer(id, b"new answer");
    let response = peer.response();
    assert_eq!((response.status().code(), response.body()), (200, Bytes::from_static(b"new answer")));
    assert_eq!(response.headers().value(HeaderName::Contact), Some("<sip:1000@192.0.2.2:5060>"));
    peer.send(&request("ACK", "ack2", 2, &tag, "", ""));
    assert_eq!(peer.event_names(), ["Confirmed"]);
}

#[test]
fn a_refused_offer_leaves_the_call_as_it_was() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag));
    peer.reject_offer(id);
    assert_eq!(peer.statuses(), [100, 488]);
    peer.send(&request("ACK", "re", 2, &tag, "", ""));
    peer.send(&request("BYE", "bye", 3, &tag, "", ""));
    assert_eq!(peer.event_names(), ["Offered", "HungUp", "Ended"]);
}

#[test]
fn a_second_offer_waits_for_the_first() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag));
    peer.statuses();
    peer.send(&reinvite("re2", 3, &tag));
    let response = peer.response();
    assert_eq!(response.status().code(), 500);
    assert!(response.headers().value(HeaderName::RetryAfter).is_some());
}

#[test]
fn a_withdrawn_offer_is_terminated_and_its_answer_ignored() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag));
    peer.send(&request("CANCEL", "re", 2, &tag, "", ""));
    assert_eq!(peer.statuses(), [100, 200, 487]);
    peer.accept_offer(id, b"late");
    assert!(peer.received.is_empty());
}

#[test]
fn an_answer_to_a_withdrawn_offer_is_not_taken_for_that_to_the_next_one() {
    for refuses in [true, false] {
        let mut peer = ScriptedPeer::new();
        let (id, tag) = peer.established();
        peer.send(&reinvite("re", 2, &tag));
        let withdrawn = peer.offered.expect("an offer");
        peer.send(&request("CANCEL", "re", 2, &tag, "", ""));
        peer.send(&request("ACK", "re", 2, &tag, "", ""));
        peer.send(&reinvite("re2", 3, &tag));
        assert_eq!(peer.statuses(), [100, 200, 487, 100]);
        peer.act(|endpoint, now| match refuses {
            true => endpoint.reject_offer(now, id, withdrawn, StatusCode::NOT_ACCEPTABLE_HERE),
            false => endpoint.accept_offer(now, id, withdrawn, Bytes::from_static(b"late")),
        });
        assert!(peer.received.is_empty());
        peer.accept_offer(id, b"to the second");
        assert_eq!(peer.response().body(), Bytes::from_static(b"to the second"));
    }
}

#[test]
fn bye_terminates_an_open_offer() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag));
    peer.send(&request("BYE", "bye", 3, &tag, "", ""));
    assert_eq!(peer.statuses(), [100, 200, 487]);
    assert_eq!(peer.event_names(), ["Offered", "HungUp", "Ended"]);
}

#[test]
fn an_accepted_offer_moves_the_remote_target() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag).replace("Contact: <sip:bob@192.0.2.9:5060>", "Contact: <sip:bob@192.0.2.77:5099>"));
    peer.accept_offer(id, b"new answer");
    peer.send(&request("ACK", "ack2", 2, &tag, "", ""));
    peer.received.clear();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    assert_eq!(peer.received[0].flow.remote.to_string(), "192.0.2.77:5099");
    assert_eq!(peer.requests()[0].uri_text(), "sip:bob@192.0.2.77:5099");
}

#[test]
fn an_unacknowledged_reoffer_ends_the_call() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&reinvite("re", 2, &tag));
    peer.accept_offer(id, b"new answer");
    peer.run(Duration::from_secs(33));
    assert_eq!(peer.event_names(), ["Offered", "Unacknowledged"]);
}
