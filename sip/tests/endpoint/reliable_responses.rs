//! Reliable provisional responses (RFC 3262) in both roles, and what they carry.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Event, InviteId};
use sip::header::{HeaderName, Method, StatusCode};
use sip::message::Response;

use crate::scripted_peer::{ScriptedPeer, request_with, respond_with};
use crate::support::callee_contact;

const SUPPORTED: &str = "Supported: 100rel\r\nAllow: INVITE, UPDATE, PRACK\r\n";

/// A caller with this header; our call.
fn invited_by(headers: &str, offer: &str) -> (ScriptedPeer, InviteId) {
    let mut peer = ScriptedPeer::new();
    peer.send(&request_with("INVITE", "a", 1, "", headers, offer));
    peer.statuses();
    let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    (peer, id)
}

fn tag_of(response: &Response) -> String {
    response.headers().to().and_then(|to| to.tag()).expect("a tag").to_owned()
}

fn rseq_of(response: &Response) -> u32 {
    response.headers().rseq().expect("a number")
}

fn prack(branch: &str, cseq: u32, tag: &str, rseq: u32, body: &str) -> String {
    request_with("PRACK", branch, cseq, tag, &format!("RAck: {rseq} 1 INVITE\r\n"), body)
}

fn progress(peer: &mut ScriptedPeer, id: InviteId) -> Response {
    peer.act(|endpoint, now| endpoint.progress(now, id, Bytes::from_static(b"early")));
    peer.response()
}

#[test]
fn an_answer_before_the_answer_is_reliable_where_the_caller_can_acknowledge_it() {
    let (mut peer, id) = invited_by(SUPPORTED, "offer");
    let response = progress(&mut peer, id);
    assert_eq!((response.status().code(), response.body()), (183, Bytes::from_static(b"early")));
    assert_eq!(response.headers().value(HeaderName::Require), Some("100rel"));
    let (tag, rseq) = (tag_of(&response), rseq_of(&response));
    peer.send(&prack("p", 2, &tag, rseq, ""));
    assert_eq!(peer.statuses(), [200]);
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"early")));
    let answer = peer.response();
    assert_eq!((answer.status().code(), answer.body().len()), (200, 0), "offer and answer have met");
}

#[test]
fn a_caller_that_cannot_acknowledge_gets_a_foretaste_and_the_answer_again() {
    let (mut peer, id) = invited_by("", "offer");
    let response = progress(&mut peer, id);
    assert_eq!((response.headers().rseq(), response.body()), (None, Bytes::from_static(b"early")));
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"early")));
    assert_eq!(peer.response().body(), Bytes::from_static(b"early"));
}

#[test]
fn a_caller_that_requires_it_gets_even_its_ringing_reliably() {
    let (mut peer, id) = invited_by("Require: 100rel\r\n", "offer");
    peer.act(|endpoint, now| endpoint.ring(now, id));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().rseq().is_some()), (180, true));
}

#[test]
fn an_unacknowledged_response_is_repeated_and_then_the_call_is_refused() {
    let (mut peer, id) = invited_by(SUPPORTED, "offer");
    progress(&mut peer, id);
    peer.run(Duration::from_millis(15_600));
    // At 0.5, 1.5, 3.5, 7.5 and 15.5 s: without a ceiling.
    assert_eq!(peer.statuses(), [183; 5]);
    peer.run(Duration::from_secs(17));
    assert_eq!(peer.statuses().get(..2), Some(&[183, 504][..]));
    assert_eq!(peer.event_names(), ["Unacknowledged", "Ended"]);
}

#[test]
fn the_next_response_and_the_answer_wait_for_the_prack() {
    let (mut peer, id) = invited_by("Require: 100rel\r\n", "offer");
    let first = progress(&mut peer, id);
    peer.act(|endpoint, now| {
        endpoint.ring(now, id);
        endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"early"));
    });
    assert!(peer.received.is_empty());
    let tag = tag_of(&first);
    peer.send(&prack("p", 2, &tag, rseq_of(&first), ""));
    // What waits without a session description does not hold back the answer.
    assert_eq!(peer.statuses(), [200, 180, 200]);
    peer.send(&prack("p2", 3, &tag, rseq_of(&first) + 1, ""));
    assert_eq!(peer.statuses(), [200], "a late PRACK is answered");
}

#[test]
fn a_prack_of_nothing_does_not_exist() {
    let (mut peer, id) = invited_by(SUPPORTED, "offer");
    let response = progress(&mut peer, id);
    let (tag, rseq) = (tag_of(&response), rseq_of(&response));
    peer.send(&prack("p", 2, &tag, rseq + 1, ""));
    peer.send(&prack("q", 3, &tag, rseq, "").replace("1 INVITE", "7 INVITE"));
    peer.send(&prack("r", 4, &tag, rseq, ""));
    peer.send(&prack("s", 5, &tag, rseq, ""));
    assert_eq!(peer.statuses(), [481, 481, 200, 481]);
}

#[test]
fn a_prack_may_bring_a_new_offer() {
    let (mut peer, id) = invited_by(SUPPORTED, "offer");
    let response = progress(&mut peer, id);
    peer.send(&prack("p", 2, &tag_of(&response), rseq_of(&response), "second offer"));
    assert_eq!((peer.statuses(), peer.event_names()), (vec![], vec!["Offered".to_owned()]));
    peer.accept_offer(id, b"second answer");
    let response = peer.response();
    assert_eq!((response.status().code(), response.body()), (200, Bytes::from_static(b"second answer")));
}

#[test]
fn an_offer_of_ours_before_the_answer_is_answered_by_the_prack() {
    let (mut peer, id) = invited_by(SUPPORTED, "");
    let response = progress(&mut peer, id);
    peer.send(&prack("p", 2, &tag_of(&response), rseq_of(&response), "their answer"));
    assert_eq!(peer.statuses(), [200]);
    assert!(matches!(peer.events.pop(), Some(Event::OfferAccepted { sdp, .. }) if sdp == "their answer"));
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"unused")));
    assert_eq!(peer.response().body().len(), 0);
}

#[test]
fn an_offer_of_ours_cannot_go_unreliably_before_the_answer() {
    let (mut peer, id) = invited_by("", "");
    assert_eq!(progress(&mut peer, id).body().len(), 0);
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"our offer")));
    let response = peer.response();
    assert_eq!(response.body(), Bytes::from_static(b"our offer"));
    peer.send(&request_with("ACK", "ack", 1, &tag_of(&response), "", "their answer"));
    assert!(matches!(peer.events.pop(), Some(Event::Confirmed { sdp, .. }) if sdp == "their answer"));
}

#[test]
fn a_cancelled_call_repeats_nothing() {
    let (mut peer, id) = invited_by(SUPPORTED, "offer");
    progress(&mut peer, id);
    peer.send(&request_with("CANCEL", "a", 1, "", "", ""));
    peer.send(&request_with("ACK", "a", 1, "", "", ""));
    assert_eq!(peer.statuses(), [200, 487]);
    peer.run(Duration::from_secs(40));
    assert_eq!((peer.statuses(), peer.event_names()), (vec![], vec!["Cancelled".to_owned(), "Ended".to_owned()]));
    assert!(peer.endpoint.is_idle());
}

fn reliable(rseq: u32) -> String {
    format!("Require: 100rel\r\nRSeq: {rseq}\r\n")
}

#[test]
fn what_the_callee_says_reliably_is_acknowledged_once_and_in_order() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 183, "peer", &reliable(9), "early answer"));
    let prack = peer.request();
    assert_eq!((prack.method(), prack.headers().rack().map(|rack| rack.rseq)), (Method::Prack, Some(9)));
    assert_eq!(prack.headers().cseq().map(|cseq| cseq.number), Some(2));
    assert_eq!(peer.event_names(), ["EarlyMedia"]);
    // A copy, and one before which another is missing.
    peer.send(&respond_with(&invite, 183, "peer", &reliable(9), "early answer"));
    peer.send(&respond_with(&invite, 180, "peer", &reliable(11), ""));
    assert!(peer.received.is_empty() && peer.events.is_empty());
    peer.send(&respond_with(&invite, 180, "peer", &reliable(10), ""));
    assert_eq!(peer.request().headers().rack().map(|rack| rack.rseq), Some(10));
    peer.send(&respond_with(&invite, 200, "peer", "", ""));
    assert!(matches!(peer.events.pop(), Some(Event::Answered { sdp, .. }) if sdp == "early answer"), "the 200 need not say it again");
}

#[test]
fn an_early_offer_is_answered_by_the_prack() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|call| call.body = Bytes::new());
    peer.send(&respond_with(&invite, 183, "peer", &reliable(1), "their offer"));
    assert!(peer.received.is_empty(), "the PRACK waits for the answer");
    assert_eq!(peer.event_names(), ["Offered"]);
    peer.accept_offer(id, b"our answer");
    let prack = peer.request();
    assert_eq!((prack.method(), prack.body()), (Method::Prack, Bytes::from_static(b"our answer")));
    peer.send(&respond_with(&invite, 200, "peer", "", ""));
    assert_eq!(peer.event_names(), ["Answered"]);
    assert_eq!(peer.request().method(), Method::Ack);
}

#[test]
fn every_branch_of_a_fork_is_acknowledged_and_one_is_answered() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|call| call.options.reliable = true);
    assert_eq!(invite.headers().value(HeaderName::Require), Some("100rel"));
    peer.send(&respond_with(&invite, 183, "one", &reliable(5), "first"));
    peer.send(&respond_with(&invite, 183, "two", &reliable(5), "second"));
    let tags: Vec<_> = peer.requests().iter().map(|request| request.headers().to().unwrap().tag().unwrap().to_owned()).collect();
    assert_eq!(tags, ["one", "two"]);
    peer.send(&respond_with(&invite, 200, "two", "", ""));
    let answered = peer.events.pop();
    assert!(matches!(answered, Some(Event::Answered { sdp, .. }) if sdp == "second"));
    assert_eq!(peer.event_names(), ["EarlyMedia", "EarlyMedia"]);
}

#[test]
fn a_refused_prack_does_not_end_the_call() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 180, "peer", &reliable(1), ""));
    let prack = peer.request();
    peer.send(&crate::scripted_peer::respond(&prack, StatusCode::SERVER_INTERNAL_ERROR, "", ""));
    peer.send(&respond_with(&invite, 200, "peer", "", "answer"));
    assert_eq!(peer.event_names(), ["Ringing", "Answered"]);
}
