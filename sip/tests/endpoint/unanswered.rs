//! Requests that wait for an answer which never comes, on either side: who waits is told, the call goes on, and nothing stays behind.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::InviteId;
use sip::header::{HeaderName, Method, StatusCode};
use sip::message::Request;

use crate::scripted_peer::{ALLOW_ALL, ScriptedPeer, respond, respond_with, within};

fn offer(peer: &mut ScriptedPeer, id: InviteId) {
    peer.act(|endpoint, now| endpoint.offer(now, id, Bytes::from_static(b"our offer")));
}

/// A callee that rings, has answered our offer and made one of its own.
fn ringing_with_an_offer() -> (ScriptedPeer, InviteId, Request) {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 183, "peer", &format!("{ALLOW_ALL}Require: 100rel\r\nRSeq: 1\r\n"), "early"));
    let prack = peer.request();
    peer.send(&respond(&prack, StatusCode::OK, "", ""));
    peer.send(&within(&invite, "UPDATE", 1, "", "theirs"));
    assert!(peer.received.is_empty());
    (peer, id, invite)
}

#[test]
fn an_update_that_waits_for_us_is_answered_when_its_callee_refuses_the_call() {
    let (mut peer, _, invite) = ringing_with_an_offer();
    peer.send(&respond(&invite, StatusCode::BUSY_HERE, "peer", ""));
    assert_eq!(peer.statuses(), [487]);
    assert_eq!(peer.event_names(), ["EarlyMedia", "Offered", "Refused", "Ended"]);
    peer.run(Duration::from_secs(33));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn an_update_that_waits_for_us_is_answered_when_another_branch_answers() {
    let (mut peer, id, invite) = ringing_with_an_offer();
    peer.send(&respond(&invite, StatusCode::OK, "other", "answer"));
    assert_eq!(peer.statuses(), [487]);
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let bye = peer.request();
    peer.send(&respond(&bye, StatusCode::OK, "", ""));
    peer.run(Duration::from_secs(33));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn an_update_that_waits_for_us_is_answered_when_the_call_goes_out_anew() {
    let (mut peer, _, invite) = ringing_with_an_offer();
    peer.send(&respond_with(&invite, 422, "peer", "Min-SE: 300\r\n", ""));
    assert_eq!(peer.statuses(), [487]);
}

#[test]
fn an_update_that_waits_for_us_is_answered_when_its_callee_answers_a_call_that_was_given_up() {
    let (mut peer, id, invite) = ringing_with_an_offer();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    assert_eq!(peer.statuses(), [487]);
    peer.send(&within(&invite, "UPDATE", 2, "", "theirs again"));
    peer.send(&respond(&invite, StatusCode::OK, "peer", "answer"));
    assert_eq!(peer.statuses(), [487]);
}

/// Its sender has given up by then, and 408 would be wrong (RFC 4320 §4.2).
#[test]
fn an_update_that_the_application_never_answers_is_not_kept_longer_than_its_sender_waits() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    peer.send(&within(&invite, "UPDATE", 1, "", "new"));
    peer.run(Duration::from_secs(33));
    peer.accept_offer(id, b"late");
    assert!(peer.received.is_empty());
    // The call goes on.
    offer(&mut peer, id);
    assert_eq!(peer.request().method(), Method::Invite);
}

#[test]
fn an_offer_that_is_worked_on_without_an_end_is_withdrawn() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    peer.send(&within(&invite, "UPDATE", 1, "", "").replace("Contact: <sip:bob@", "Contact: <sip:moved@"));
    peer.received.clear();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond(&reinvite, StatusCode::TRYING, "", ""));
    peer.run(Duration::from_millis(31_900));
    peer.send(&respond(&reinvite, StatusCode::RINGING, "", ""));
    peer.send(&within(&invite, "UPDATE", 2, "", ""));
    assert_eq!(peer.statuses(), [200]);
    peer.run(Duration::from_millis(200));
    let cancel = peer.request();
    assert_eq!((cancel.method(), cancel.uri_text()), (Method::Cancel, reinvite.uri_text()));
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId] {
        assert_eq!(cancel.headers().value(name), reinvite.headers().value(name));
    }
    assert_eq!(cancel.headers().cseq().map(|cseq| cseq.number), reinvite.headers().cseq().map(|cseq| cseq.number));
    peer.send(&respond(&cancel, StatusCode::OK, "", ""));
    peer.send(&respond(&reinvite, StatusCode::REQUEST_TERMINATED, "", ""));
    assert_eq!(peer.request().method(), Method::Ack);
    assert_eq!(peer.event_names(), ["OfferRefused"]);
    offer(&mut peer, id);
    assert_eq!(peer.request().method(), Method::Invite, "the next one goes");
}

#[test]
fn a_withdrawn_offer_that_is_never_answered_is_given_up() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond(&reinvite, StatusCode::TRYING, "", ""));
    peer.run(Duration::from_secs(63));
    assert!(peer.events.is_empty());
    peer.run(Duration::from_secs(2));
    assert_eq!(peer.event_names(), ["OfferRefused"]);
    peer.received.clear();
    // What comes all the same is acknowledged, and not told.
    peer.send(&respond(&reinvite, StatusCode::OK, "", "too late"));
    assert_eq!(peer.request().method(), Method::Ack);
    offer(&mut peer, id);
    assert_eq!(peer.request().method(), Method::Invite);
    assert!(peer.events.is_empty());
}

#[test]
fn an_offer_that_is_worked_on_when_the_call_ends_leaves_nothing() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond(&reinvite, StatusCode::TRYING, "", ""));
    peer.send(&within(&invite, "BYE", 1, "", ""));
    peer.run(Duration::from_secs(33));
    assert!(peer.endpoint.is_idle());
}
