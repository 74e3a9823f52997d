//! REFER, its NOTIFYs (RFC 3515, 4488) and Replaces (RFC 3891, 5589) in both roles.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Event, InviteId, OutgoingRefer, ReferOutcome};
use sip::header::{HeaderName, Method, StatusCode};
use sip::message::Request;

use crate::scripted_peer::{ScriptedPeer, request_with, respond, respond_with, within};
use crate::support::{callee_contact, uri};

fn refer() -> OutgoingRefer {
    OutgoingRefer { target: uri("sip:carol@192.0.2.50"), referred_by: Some(uri("sip:alice@192.0.2.1").into()), silent: false }
}

fn notify(invite: &Request, cseq: u32, state: &str, status: &str) -> String {
    let headers = format!("Event: refer\r\nSubscription-State: {state}\r\n");
    within(invite, "NOTIFY", cseq, &headers, status).replace("application/sdp", "message/sipfrag;version=2.0")
}

/// A call of ours whose far end took our REFER.
fn referred() -> (ScriptedPeer, InviteId, Request) {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.called();
    peer.act(|endpoint, now| endpoint.refer(now, id, &refer()));
    let request = peer.request();
    assert_eq!(request.method(), Method::Refer);
    assert_eq!(request.headers().refer_to().map(|target| target.uri.to_string()), Some("sip:carol@192.0.2.50".to_owned()));
    assert!(request.headers().value(HeaderName::ReferredBy).is_some() && request.headers().contact().is_some());
    peer.send(&respond(&request, StatusCode::ACCEPTED, "", ""));
    (peer, id, invite)
}

fn outcome(peer: &mut ScriptedPeer) -> Option<ReferOutcome> {
    match peer.events.pop() {
        Some(Event::ReferEnded { outcome, .. }) => Some(outcome),
        _ => None,
    }
}

#[test]
fn the_far_end_tells_what_became_of_the_call_that_we_asked_for() {
    let (mut peer, _, invite) = referred();
    peer.send(&notify(&invite, 1, "active;expires=60", "SIP/2.0 100 Trying"));
    peer.send(&notify(&invite, 2, "active;expires=60", "SIP/2.0 180 Ringing"));
    assert_eq!((peer.statuses(), peer.event_names()), (vec![200, 200], vec!["ReferProgress".to_owned(); 2]));
    peer.send(&notify(&invite, 3, "terminated;reason=noresource", "SIP/2.0 200 OK"));
    assert_eq!(outcome(&mut peer), Some(ReferOutcome::Succeeded));
    peer.send(&notify(&invite, 4, "active", "SIP/2.0 200 OK"));
    assert_eq!(peer.statuses(), [200, 481], "the subscription is over");
}

#[test]
fn what_fails_is_told_by_its_status_and_silence_by_time() {
    let (mut peer, _, invite) = referred();
    peer.send(&notify(&invite, 1, "terminated;reason=noresource", "SIP/2.0 486 Busy Here"));
    assert_eq!(outcome(&mut peer), Some(ReferOutcome::Failed(StatusCode::BUSY_HERE)));
    let (mut peer, _, _) = referred();
    peer.run(Duration::from_secs(201));
    assert_eq!(outcome(&mut peer), Some(ReferOutcome::Unknown));
    let (mut peer, _, invite) = referred();
    peer.send(&notify(&invite, 1, "terminated;reason=timeout", ""));
    assert_eq!(outcome(&mut peer), Some(ReferOutcome::Unknown));
}

#[test]
fn a_far_end_may_refuse_or_promise_nothing() {
    for (status, headers, expected) in [
        (603, "", ReferOutcome::Refused(StatusCode::DECLINE)),
        (405, "", ReferOutcome::Refused(StatusCode::METHOD_NOT_ALLOWED)),
        (200, "Refer-Sub: false\r\n", ReferOutcome::Unknown),
    ] {
        let mut peer = ScriptedPeer::new();
        let (id, _) = peer.called();
        peer.act(|endpoint, now| endpoint.refer(now, id, &refer()));
        let request = peer.request();
        peer.send(&respond_with(&request, status, "", headers, ""));
        assert_eq!(outcome(&mut peer), Some(expected));
    }
}

#[test]
fn a_notify_of_another_package_is_a_bad_event() {
    let (mut peer, _, invite) = referred();
    peer.send(&notify(&invite, 1, "active", "x").replace("Event: refer", "Event: presence"));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::AllowEvents)), (489, Some("refer")));
}

#[test]
fn an_attended_transfer_names_the_call_to_take_over() {
    let mut peer = ScriptedPeer::new();
    let (first, _) = peer.called();
    let (second, consultation) = peer.called();
    let named = peer.act(|endpoint, now| endpoint.refer_to_call(now, first, second, &refer()));
    assert!(named);
    let target = peer.request().headers().refer_to().unwrap();
    assert_eq!(target.uri.as_str(), "sip:peer@192.0.2.9:5060", "where the far end of the consultation is");
    let replaces = target.replaces.unwrap();
    let ours = consultation.headers().from().unwrap().tag().unwrap().to_owned();
    assert_eq!(Some(&*replaces.call_id), consultation.headers().call_id());
    assert_eq!((&*replaces.to_tag, &*replaces.from_tag), ("peer", ours.as_str()));
}

const REFER_TO: &str = "Refer-To: <sip:carol@192.0.2.50>\r\nReferred-By: <sip:bob@192.0.2.9>\r\n";

/// A call that is up, whose far end has asked us to call somebody.
fn asked(headers: &str) -> (ScriptedPeer, InviteId) {
    let mut peer = ScriptedPeer::new();
    let (id, tag) = peer.established();
    peer.send(&request_with("REFER", "r", 2, &tag, headers, ""));
    (peer, id)
}

#[test]
fn a_wish_that_is_taken_up_is_reported_on_to_its_end() {
    let (mut peer, id) = asked(REFER_TO);
    let Some(Event::Referred { refer, .. }) = peer.events.pop() else { panic!("nobody asked") };
    assert_eq!((refer.target.uri.as_str(), refer.wants_progress), ("sip:carol@192.0.2.50", true));
    assert_eq!(refer.referred_by.as_ref().map(sip::header::Uri::as_str), Some("sip:bob@192.0.2.9"));
    assert!(peer.received.is_empty(), "nothing is done before the application decides");
    peer.act(|endpoint, now| {
        endpoint.accept_refer(now, id);
        endpoint.refer_progress(now, id, StatusCode::RINGING);
        endpoint.refer_progress(now, id, StatusCode::OK);
        endpoint.refer_progress(now, id, StatusCode::OK);
    });
    assert_eq!(std::str::from_utf8(&peer.received[0].bytes[..20]).unwrap(), "SIP/2.0 202 Accepted");
    let notifies = peer.requests();
    let said: Vec<_> = notifies.iter().map(|notify| String::from_utf8_lossy(&notify.body()).trim().to_owned()).collect();
    assert_eq!(said, ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"]);
    let states: Vec<_> = notifies.iter().map(|notify| notify.headers().subscription_state().unwrap().terminated).collect();
    assert_eq!(states, [false, false, true]);
    assert!(notifies.iter().all(|notify| notify.headers().event().is_some_and(|event| event.is_refer() && event.id == Some("2"))));
}

#[test]
fn who_wants_to_hear_nothing_hears_nothing() {
    let (mut peer, id) = asked(&format!("{REFER_TO}Refer-Sub: false\r\n"));
    peer.act(|endpoint, now| {
        endpoint.accept_refer(now, id);
        endpoint.refer_progress(now, id, StatusCode::OK);
    });
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::ReferSub)), (200, Some("false")));
}

#[test]
fn wishes_that_nobody_can_grant_are_refused() {
    for (headers, status) in [
        ("", 400),
        ("Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>\r\n", 400),
        ("Refer-To: <http://example.com>\r\n", 400),
        ("Refer-To: <sip:a@b;method=BYE>\r\n", 400),
    ] {
        let (mut peer, _) = asked(headers);
        assert_eq!((peer.statuses(), peer.event_names()), (vec![status], vec![]), "{headers}");
    }
    let (mut peer, id) = asked(REFER_TO);
    peer.act(|endpoint, now| endpoint.reject_refer(now, id, StatusCode::DECLINE));
    assert_eq!(peer.statuses(), [603]);
}

#[test]
fn one_wish_at_a_time() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&request_with("REFER", "r", 2, &tag, REFER_TO, ""));
    peer.send(&request_with("REFER", "s", 3, &tag, REFER_TO, ""));
    assert_eq!(peer.statuses(), [491]);
    peer.send(&request_with("BYE", "b", 4, &tag, "", ""));
    assert_eq!(peer.statuses(), [200, 487], "the end answers whoever waits");
}

fn replacing(replaces: &str) -> String {
    request_with("INVITE", "new", 1, "", &format!("Require: replaces\r\nReplaces: {replaces}\r\n"), "offer")
        .replace("Call-ID: call", "Call-ID: other")
        .replace(">;tag=peer", ">;tag=third")
}

#[test]
fn a_call_that_takes_the_place_of_another_ends_it_once_it_is_answered() {
    let mut peer = ScriptedPeer::new();
    let (old, tag) = peer.established();
    peer.send(&replacing(&format!("call;to-tag={tag};from-tag=peer")));
    let Some(Event::Incoming { id, invite }) = peer.events.pop() else { panic!("no incoming call") };
    assert_eq!(invite.replaces, Some(old));
    peer.received.clear();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    assert!(matches!(peer.events.pop(), Some(Event::Replaced { id: ended, by }) if ended == old && by == id));
    let bye = peer.requests().remove(0);
    assert_eq!((bye.method(), bye.headers().call_id()), (Method::Bye, Some("call")));
}

#[test]
fn a_call_that_cannot_be_replaced_is_named_so() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    for (replaces, status) in [
        (format!("call;to-tag={tag};from-tag=other"), 481),
        (format!("other;to-tag={tag};from-tag=peer"), 481),
        ("call;to-tag=unknown;from-tag=peer".to_owned(), 481),
        (format!("call;to-tag={tag};from-tag=peer;early-only"), 486),
        ("call".to_owned(), 400),
    ] {
        peer.send(&replacing(&replaces));
        assert_eq!((peer.statuses(), peer.event_names()), (vec![status], vec![]), "{replaces}");
    }
}

#[test]
fn a_call_that_somebody_rings_us_for_is_nobody_elses_to_replace() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.ring(now, id));
    let tag = peer.response().headers().to().unwrap().tag().unwrap().to_owned();
    peer.send(&replacing(&format!("call;to-tag={tag};from-tag=peer")));
    assert_eq!(peer.statuses(), [481]);
}

#[test]
fn our_own_call_may_take_the_place_of_another() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|call| {
        call.options.replaces = request_with("INVITE", "x", 1, "", "Replaces: 7@a;to-tag=1;from-tag=2\r\n", "").parse_replaces();
    });
    assert_eq!(invite.headers().value(HeaderName::Replaces), Some("7@a;to-tag=1;from-tag=2"));
    assert_eq!(invite.headers().value(HeaderName::Require), Some("replaces"));
}

/// Reads Replaces as an application gets it: out of a message.
trait ParseReplaces {
    fn parse_replaces(&self) -> Option<sip::header::Replaces>;
}

impl ParseReplaces for String {
    fn parse_replaces(&self) -> Option<sip::header::Replaces> {
        match sip::message::Message::parse(Bytes::copy_from_slice(self.as_bytes())) {
            Ok(sip::message::Message::Request(request)) => request.headers().replaces(),
            _ => None,
        }
    }
}
