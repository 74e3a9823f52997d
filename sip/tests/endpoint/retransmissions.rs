//! Copies of requests are answered by their transactions (RFC 3261 §17.2) and not seen twice.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{EndpointConfig, Event};
use sip::header::StatusCode;

use crate::scripted_peer::{ScriptedPeer, request};
use crate::support::callee_contact;

#[test]
fn a_copy_of_an_invite_gets_the_last_provisional_response() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    let copy = request("INVITE", "a", 1, "", "application/sdp", "offer");
    peer.send(&copy);
    assert_eq!(peer.statuses(), [100]);
    peer.act(|endpoint, now| endpoint.ring(now, id));
    peer.send(&copy);
    assert_eq!(peer.statuses(), [180, 180]);
    assert!(peer.events.is_empty());
}

#[test]
fn an_invite_is_told_100_only_where_its_answer_takes_time_and_a_copy_of_it_at_once() {
    let invite = request("INVITE", "a", 1, "", "application/sdp", "offer");
    let invited = || {
        let mut peer = ScriptedPeer::punctual(EndpointConfig { seed: [7; 32], ..EndpointConfig::default() });
        peer.send(&invite);
        assert_eq!(peer.statuses(), [0; 0]);
        let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
        (peer, id)
    };
    let (mut slow, _) = invited();
    slow.run(Duration::from_millis(99));
    assert_eq!(slow.statuses(), [0; 0]);
    slow.run(Duration::from_millis(1));
    assert_eq!(slow.statuses(), [100]);
    slow.run(Duration::from_secs(10));
    assert_eq!(slow.statuses(), [0; 0], "once");
    let (mut quick, id) = invited();
    quick.act(|endpoint, now| endpoint.ring(now, id));
    quick.run(Duration::from_secs(1));
    assert_eq!(quick.statuses(), [180]);
    let (mut repeated, _) = invited();
    repeated.send(&invite);
    assert_eq!(repeated.statuses(), [100]);
}

#[test]
fn a_copy_of_an_accepted_invite_is_absorbed() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    assert_eq!(peer.statuses(), [200]);
    peer.send(&request("INVITE", "a", 1, "", "application/sdp", "offer"));
    assert!(peer.received.is_empty() && peer.events.is_empty());
}

#[test]
fn a_refusal_is_repeated_until_its_ack() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.reject(now, id, StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_secs(9))));
    peer.run(Duration::from_millis(1600));
    assert_eq!(peer.statuses(), [503, 503, 503]);
    peer.send(&request("ACK", "a", 1, "any", "", ""));
    peer.run(Duration::from_secs(60));
    assert!(peer.received.is_empty());
    assert!(peer.endpoint.is_idle());
}

#[test]
fn a_refusal_without_ack_is_given_up() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.reject(now, id, StatusCode::BUSY_HERE, None));
    peer.run(Duration::from_secs(33));
    assert_eq!(peer.statuses().len(), 11);
    assert!(peer.endpoint.is_idle());
}

#[test]
fn a_copy_of_a_bye_gets_its_200_again() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    let bye = request("BYE", "bye", 2, &tag, "", "");
    peer.send(&bye);
    peer.send(&bye);
    assert_eq!(peer.statuses(), [200, 200]);
    assert_eq!(peer.event_names(), ["HungUp", "Ended"]);
}

#[test]
fn a_callers_early_bye_cancels_the_call() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.ring(now, id));
    let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).unwrap();
    peer.send(&request("BYE", "bye", 2, &tag, "", ""));
    assert_eq!(peer.statuses(), [200, 487]);
    assert_eq!(peer.event_names(), ["Cancelled", "Ended"]);
}

#[test]
fn cancel_is_answered_with_the_tag_of_the_call() {
    let mut peer = ScriptedPeer::new();
    peer.invited();
    peer.send(&request("CANCEL", "a", 1, "", "", ""));
    let tags: Vec<_> = peer
        .received
        .iter()
        .filter_map(crate::scripted_peer::parsed_response)
        .map(|response| response.headers().to().unwrap().tag().unwrap().to_owned())
        .collect();
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[0], tags[1]);
    assert_eq!(peer.statuses(), [200, 487]);
}

#[test]
fn a_request_with_a_lower_number_is_refused() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&request("OPTIONS", "o1", 7, &tag, "", ""));
    peer.send(&request("OPTIONS", "o2", 6, &tag, "", ""));
    assert_eq!(peer.statuses(), [200, 500]);
}

#[test]
fn a_foreign_tag_is_not_of_the_dialog() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&request("BYE", "bye", 2, &tag, "", "").replace("tag=peer", "tag=other"));
    peer.send(&request("BYE", "bye2", 2, &tag, "", "").replace("Call-ID: call", "Call-ID: other"));
    assert_eq!(peer.statuses(), [481, 481]);
    assert!(peer.events.is_empty());
}
