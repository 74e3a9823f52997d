//! Offers of ours and of the far end within a dialog: re-INVITE (RFC 3261 §14), UPDATE (RFC 3311), and what happens when they cross.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Event, InviteId};
use sip::header::{HeaderName, Method, StatusCode};

use crate::scripted_peer::{ALLOW_ALL, ScriptedPeer, request, request_with, respond, respond_with, within};
use crate::support::callee_contact;

fn offer(peer: &mut ScriptedPeer, id: InviteId) {
    peer.act(|endpoint, now| endpoint.offer(now, id, Bytes::from_static(b"our offer")));
}

#[test]
fn an_offer_within_the_call_goes_by_reinvite_and_its_answer_is_acknowledged() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    assert_eq!((reinvite.method(), reinvite.body()), (Method::Invite, Bytes::from_static(b"our offer")));
    assert_eq!(reinvite.headers().to().and_then(|to| to.tag()), Some("peer"));
    let answer = respond(&reinvite, StatusCode::OK, "", "their answer");
    peer.send(&answer);
    assert_eq!(peer.request().method(), Method::Ack);
    assert!(matches!(peer.events.pop(), Some(Event::OfferAccepted { sdp, .. }) if sdp == "their answer"));
    peer.send(&answer);
    assert_eq!(peer.request().method(), Method::Ack, "a copy is acknowledged again");
    assert!(peer.events.is_empty());
}

#[test]
fn a_refused_offer_is_acknowledged_and_the_call_goes_on() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond(&reinvite, StatusCode::NOT_ACCEPTABLE_HERE, "", ""));
    let ack = peer.request();
    let branch = |request: &sip::message::Request| request.headers().top_via().unwrap().unique_branch().unwrap().to_owned();
    assert_eq!((ack.method(), branch(&ack)), (Method::Ack, branch(&reinvite)));
    assert_eq!(peer.event_names(), ["OfferRefused"]);
    offer(&mut peer, id);
    assert_eq!(peer.request().method(), Method::Invite);
}

#[test]
fn after_glare_the_application_is_asked_when_chance_lets_it() {
    // Whose Call-ID it is waits 2.1–4 s, the other at most 2 s.
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&within(&invite, "INVITE", 1, "", "crossing"));
    assert_eq!(peer.statuses(), [491]);
    peer.send(&respond(&reinvite, StatusCode::REQUEST_PENDING, "", ""));
    peer.run(Duration::from_millis(2_090));
    assert!(peer.events.is_empty());
    peer.run(Duration::from_millis(1_920));
    assert_eq!(peer.event_names(), ["OfferDue"]);

    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.established();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond(&reinvite, StatusCode::REQUEST_PENDING, "", ""));
    peer.run(Duration::from_millis(2_010));
    assert_eq!(peer.event_names(), ["OfferDue"]);
}

#[test]
fn an_offer_that_cannot_go_now_is_asked_for_once_it_can() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&request_with("INVITE", "re", 2, &tag, "", "theirs"));
    peer.event_names();
    peer.statuses();
    offer(&mut peer, id);
    assert!(peer.received.is_empty() && peer.events.is_empty());
    peer.accept_offer(id, b"answer");
    assert!(peer.events.is_empty(), "their ACK comes first");
    peer.send(&request_with("ACK", "ack2", 2, &tag, "", ""));
    assert_eq!(peer.event_names(), ["Confirmed", "OfferDue"]);
}

#[test]
fn a_far_end_that_asks_for_time_gets_it() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond_with(&reinvite, 500, "", "Retry-After: 7\r\n", ""));
    peer.run(Duration::from_millis(6_990));
    assert!(peer.events.is_empty());
    peer.run(Duration::from_millis(20));
    assert_eq!(peer.event_names(), ["OfferDue"]);
}

#[test]
fn a_far_end_that_asks_for_no_time_gets_a_moment() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond_with(&reinvite, 503, "", "Retry-After: 0\r\n", ""));
    peer.run(Duration::from_millis(990));
    assert!(peer.events.is_empty());
    peer.run(Duration::from_millis(20));
    assert_eq!(peer.event_names(), ["OfferDue"]);
}

#[test]
fn what_becomes_of_an_offer_is_told_though_the_refusal_says_nothing_of_what_it_wants() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.send(&respond_with(&reinvite, 422, "", "", ""));
    assert_eq!(peer.event_names(), ["OfferRefused"]);
}

#[test]
fn a_far_end_that_does_not_know_the_call_any_more_ends_it() {
    for status in [StatusCode::CALL_DOES_NOT_EXIST, StatusCode::REQUEST_TIMEOUT] {
        let mut peer = ScriptedPeer::new();
        let (id, _) = peer.called();
        offer(&mut peer, id);
        let reinvite = peer.request();
        peer.send(&respond(&reinvite, status, "", ""));
        let methods: Vec<_> = peer.requests().iter().map(sip::message::Request::method).collect();
        assert_eq!((methods, peer.event_names()), (vec![Method::Ack, Method::Bye], vec!["TimedOut".to_owned()]));
    }
}

#[test]
fn a_call_whose_offer_nobody_hears_ends() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    peer.run(Duration::from_secs(33));
    assert_eq!(peer.event_names(), ["TimedOut"]);
    assert_eq!(peer.requests().last().map(sip::message::Request::method), Some(Method::Bye));
    peer.run(Duration::from_secs(40));
    assert_eq!(peer.event_names(), ["Ended"]);
    assert!(peer.endpoint.is_idle());
}

#[test]
fn a_hang_up_overtakes_an_offer() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.called();
    offer(&mut peer, id);
    let reinvite = peer.request();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let bye = peer.request();
    peer.send(&respond(&bye, StatusCode::OK, "", ""));
    peer.send(&respond(&reinvite, StatusCode::REQUEST_TERMINATED, "", ""));
    assert_eq!(peer.request().method(), Method::Ack);
    assert_eq!(peer.event_names(), ["Ended"]);
    peer.run(Duration::from_secs(40));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn an_update_with_an_offer_is_answered_by_the_application() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    peer.send(&within(&invite, "UPDATE", 1, "", "new"));
    assert_eq!((peer.statuses(), peer.event_names()), (vec![], vec!["Offered".to_owned()]));
    // Copies wait for the same answer.
    peer.send(&within(&invite, "UPDATE", 1, "", "new"));
    assert!(peer.received.is_empty());
    peer.send(&within(&invite, "UPDATE", 2, "", "newer"));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::RetryAfter).is_some()), (500, true));
    peer.accept_offer(id, b"agreed");
    let response = peer.response();
    assert_eq!((response.status().code(), response.body()), (200, Bytes::from_static(b"agreed")));
    assert!(response.headers().contact().is_some());
}

#[test]
fn an_update_that_is_refused_leaves_the_call() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    peer.send(&within(&invite, "UPDATE", 1, "", "new"));
    peer.reject_offer(id);
    assert_eq!(peer.statuses(), [488]);
    peer.send(&within(&invite, "UPDATE", 2, "", ""));
    assert_eq!(peer.statuses(), [200], "one without an offer needs nobody");
}

#[test]
fn a_copy_of_a_refused_reinvite_is_told_the_same_though_it_could_be_taken_by_now() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    offer(&mut peer, id);
    let ours = peer.request();
    let crossing = within(&invite, "INVITE", 1, "", "crossing");
    peer.send(&crossing);
    assert_eq!(peer.statuses(), [491]);
    peer.send(&respond(&ours, StatusCode::OK, "", "their answer"));
    peer.received.clear();
    peer.send(&crossing);
    assert_eq!(peer.statuses(), [491]);
    assert_eq!(peer.event_names(), ["OfferAccepted"]);
}

#[test]
fn a_late_answer_to_our_reinvite_is_acknowledged_though_the_call_is_over() {
    for ends_by_us in [true, false] {
        let mut peer = ScriptedPeer::new();
        let (id, invite) = peer.called();
        offer(&mut peer, id);
        let reinvite = peer.request();
        if ends_by_us {
            peer.act(|endpoint, now| endpoint.hang_up(now, id));
        } else {
            peer.send(&within(&invite, "BYE", 1, "", ""));
        }
        peer.received.clear();
        peer.send(&respond(&reinvite, StatusCode::TRYING, "", ""));
        assert!(peer.received.is_empty(), "nothing to acknowledge yet");
        for _ in 0..2 {
            peer.send(&respond(&reinvite, StatusCode::OK, "", "too late"));
            let ack = peer.request();
            assert_eq!(ack.method(), Method::Ack);
            assert_eq!(ack.headers().cseq().map(|cseq| cseq.number), reinvite.headers().cseq().map(|cseq| cseq.number));
        }
        assert!(!peer.event_names().contains(&"OfferAccepted".to_owned()));
    }
}

#[test]
fn an_update_that_crosses_an_offer_of_ours_is_glare() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    offer(&mut peer, id);
    peer.received.clear();
    peer.send(&within(&invite, "UPDATE", 1, "", "crossing"));
    assert_eq!(peer.statuses(), [491]);
}

#[test]
fn while_it_rings_offers_go_by_update_once_the_first_is_answered() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 183, "peer", &format!("{ALLOW_ALL}Require: 100rel\r\nRSeq: 1\r\n"), "early"));
    peer.received.clear();
    offer(&mut peer, id);
    let update = peer.request();
    assert_eq!((update.method(), update.body()), (Method::Update, Bytes::from_static(b"our offer")));
    peer.send(&respond(&update, StatusCode::OK, "", "their answer"));
    assert_eq!(peer.event_names(), ["EarlyMedia", "OfferAccepted"]);
    // And theirs, by the way back.
    peer.send(&within(&invite, "UPDATE", 1, "", "theirs"));
    assert_eq!(peer.event_names(), ["Offered"]);
    peer.accept_offer(id, b"ours");
    assert_eq!(peer.statuses(), [200]);
}

#[test]
fn a_caller_may_update_before_our_answer_but_not_before_its_own_is_answered() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request_with("INVITE", "a", 1, "", ALLOW_ALL, "offer"));
    let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    peer.received.clear();
    peer.act(|endpoint, now| endpoint.ring(now, id));
    let tag = peer.response().headers().to().unwrap().tag().unwrap().to_owned();
    peer.send(&request_with("UPDATE", "u", 2, &tag, "", "too early"));
    assert_eq!(peer.statuses(), [500]);
    peer.act(|endpoint, now| endpoint.progress(now, id, Bytes::from_static(b"early")));
    let rseq = peer.response().headers().rseq().unwrap();
    peer.send(&request_with("PRACK", "p", 3, &tag, &format!("RAck: {rseq} 1 INVITE\r\n"), ""));
    peer.send(&request_with("UPDATE", "v", 4, &tag, "", "in time"));
    assert_eq!((peer.statuses(), peer.event_names()), (vec![200], vec!["Offered".to_owned()]));
    peer.send(&request_with("CANCEL", "a", 1, "", "", ""));
    assert_eq!(peer.statuses(), [200, 487, 487], "the end answers whoever waits");
}

#[test]
fn an_offer_in_the_answer_is_answered_in_the_ack() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|call| call.body = Bytes::new());
    assert_eq!((invite.body().len(), invite.headers().content_type().is_none()), (0, true));
    let answer = respond(&invite, StatusCode::OK, "peer", "their offer");
    peer.send(&answer);
    peer.send(&answer);
    assert!(peer.received.is_empty(), "the ACK waits for the answer");
    assert_eq!(peer.event_names(), ["Answered", "Offered"]);
    peer.accept_offer(id, b"our answer");
    let ack = peer.request();
    assert_eq!((ack.method(), ack.body()), (Method::Ack, Bytes::from_static(b"our answer")));
    peer.send(&answer);
    assert_eq!(peer.request().body(), Bytes::from_static(b"our answer"));
}

#[test]
fn a_hang_up_does_not_leave_an_offer_in_the_answer_unacknowledged() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|call| call.body = Bytes::new());
    peer.send(&respond(&invite, StatusCode::OK, "peer", "their offer"));
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    assert_eq!(peer.requests().iter().map(sip::message::Request::method).collect::<Vec<_>>(), [Method::Ack, Method::Bye]);
}

#[test]
fn a_reinvite_without_an_offer_is_answered_with_ours() {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&request_with("INVITE", "re", 2, &tag, "", ""));
    assert!(matches!(peer.events.pop(), Some(Event::Offered { sdp, .. }) if sdp.is_empty()));
    peer.received.clear();
    peer.accept_offer(id, b"our offer");
    assert_eq!(peer.response().body(), Bytes::from_static(b"our offer"));
    // Until it is answered, no other offer may come.
    peer.send(&request_with("UPDATE", "u", 3, &tag, "", "crossing"));
    assert_eq!(peer.statuses(), [491]);
    peer.send(&request_with("ACK", "ack2", 2, &tag, "", "their answer"));
    assert!(matches!(peer.events.pop(), Some(Event::Confirmed { sdp, .. }) if sdp == "their answer"));
}

#[test]
fn a_body_of_another_kind_is_told_what_would_do() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.called();
    peer.send(&within(&invite, "UPDATE", 1, "", "x").replace("application/sdp", "text/plain"));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::Accept)), (415, Some("application/sdp")));
}

#[test]
fn the_first_answer_may_be_followed_by_an_offer_only_after_its_ack() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    peer.received.clear();
    offer(&mut peer, id);
    assert!(peer.requests().is_empty());
}

const MIXED: &str = "multipart/mixed;boundary=b";

/// `sdp` beside what a telephone network says.
fn beside(sdp: &str) -> String {
    format!("--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b--\r\n")
}

#[test]
fn an_offer_or_answer_beside_other_bodies_is_found() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("INVITE", "a", 1, "", MIXED, &beside("offer")));
    assert!(matches!(peer.events.pop(), Some(Event::Incoming { invite, .. }) if invite.sdp == "offer"));

    let mixed = |text: String| text.replace("application/sdp\r\nContent-Length", &format!("{MIXED}\r\nContent-Length"));
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|_| {});
    peer.send(&mixed(respond_with(&invite, 183, "peer", ALLOW_ALL, &beside("early"))));
    assert!(
        matches!(peer.events.iter().find(|event| matches!(event, Event::EarlyMedia { .. })), Some(Event::EarlyMedia { sdp, .. }) if sdp == "early")
    );
    peer.send(&mixed(respond_with(&invite, 200, "peer", ALLOW_ALL, &beside("answer"))));
    assert!(matches!(peer.events.pop(), Some(Event::Answered { sdp, .. }) if sdp == "answer"));
    peer.received.clear();
    offer(&mut peer, id);
    let again = peer.request();
    peer.send(&mixed(respond_with(&again, 200, "", "", &beside("other answer"))));
    assert!(matches!(peer.events.pop(), Some(Event::OfferAccepted { sdp, .. }) if sdp == "other answer"));
}

#[test]
fn a_body_of_another_kind_is_no_answer() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 183, "peer", "", "busy").replace("application/sdp", "text/plain"));
    assert!(peer.events.is_empty());
    peer.send(&respond_with(&invite, 200, "peer", "", "hello").replace("application/sdp", "text/plain"));
    assert!(matches!(peer.events.pop(), Some(Event::Answered { sdp, .. }) if sdp.is_empty()));
}

#[test]
fn a_body_that_need_not_be_understood_refuses_no_call() {
    let mut peer = ScriptedPeer::new();
    let invite = request("INVITE", "a", 1, "", "text/plain", "hello");
    peer.send(&invite.replace("Contact:", "Content-Disposition: render;handling=optional\r\nContact:"));
    assert!(matches!(peer.events.pop(), Some(Event::Incoming { invite, .. }) if invite.sdp.is_empty()));
}
