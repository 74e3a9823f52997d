//! Several 2xx to one INVITE (RFC 3261 §13.2.2.4).

use std::time::Duration;

use sip::endpoint::InviteId;
use sip::header::{Method, StatusCode};
use sip::message::Request;

use crate::scripted_peer::{OURS, PEER, ScriptedPeer, respond};
use crate::support::outgoing;

fn calling() -> (ScriptedPeer, InviteId, Request) {
    let mut peer = ScriptedPeer::new();
    let mut call = outgoing();
    call.flow = sip::transport::Flow::udp(OURS, PEER);
    let id = peer.act(|endpoint, now| endpoint.invite(now, call)).unwrap();
    let invite = peer.requests().remove(0);
    (peer, id, invite)
}

fn methods(requests: &[Request]) -> Vec<Method> {
    requests.iter().map(Request::method).collect()
}

#[test]
fn the_second_callee_is_acknowledged_and_hung_up() {
    let (mut peer, _, invite) = calling();
    peer.send(&respond(&invite, StatusCode::OK, "one", "answer"));
    assert_eq!(methods(&peer.requests()), [Method::Ack]);
    peer.send(&respond(&invite, StatusCode::OK, "two", "answer"));
    let requests = peer.requests();
    assert_eq!(methods(&requests), [Method::Ack, Method::Bye]);
    assert!(requests.iter().all(|request| request.uri_text() == "sip:two@192.0.2.9:5060"));
    assert_eq!(peer.event_names(), ["Answered"]);
}

#[test]
fn a_copy_of_a_200_is_acknowledged_again() {
    let (mut peer, _, invite) = calling();
    let answer = respond(&invite, StatusCode::OK, "one", "answer");
    peer.send(&answer);
    peer.send(&answer);
    let requests = peer.requests();
    assert_eq!(methods(&requests), [Method::Ack, Method::Ack]);
    assert_eq!(requests[0].headers().call_id(), requests[1].headers().call_id());
    assert_eq!(peer.event_names(), ["Answered"]);
}

#[test]
fn a_late_callee_is_hung_up_even_when_the_call_is_over() {
    let (mut peer, id, invite) = calling();
    peer.send(&respond(&invite, StatusCode::OK, "one", "answer"));
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let bye = peer.requests().remove(1);
    peer.send(&respond(&bye, StatusCode::OK, "", ""));
    assert_eq!(peer.event_names(), ["Answered", "Ended"]);
    peer.send(&respond(&invite, StatusCode::OK, "two", "answer"));
    assert_eq!(methods(&peer.requests()), [Method::Ack, Method::Bye]);
    peer.run(Duration::from_secs(100));
    assert!(peer.endpoint.is_idle());
    assert!(peer.events.is_empty());
}

#[test]
fn the_ack_of_a_refusal_has_the_branch_of_its_invite() {
    let (mut peer, _, invite) = calling();
    peer.send(&respond(&invite, StatusCode::BUSY_HERE, "one", ""));
    let ack = peer.requests().remove(0);
    assert_eq!(ack.method(), Method::Ack);
    assert_eq!(ack.headers().top_via().unwrap().unique_branch(), invite.headers().top_via().unwrap().unique_branch());
    assert_eq!(ack.headers().to().unwrap().tag(), Some("one"));
    assert_eq!(peer.event_names(), ["Refused", "Ended"]);
}

#[test]
fn record_routes_are_taken_in_reverse() {
    let (mut peer, _, invite) = calling();
    let answer = respond(&invite, StatusCode::OK, "one", "answer");
    peer.send(&answer.replace("Contact:", "Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.51:5071;lr>\r\nContact:"));
    assert_eq!(peer.received[0].flow.remote.to_string(), "192.0.2.51:5071");
    let ack = peer.requests().remove(0);
    let routes: Vec<_> = ack.headers().elements(sip::header::HeaderName::Route).collect();
    assert_eq!(routes, ["<sip:192.0.2.51:5071;lr>", "<sip:192.0.2.50;lr>"]);
}

#[test]
fn a_copy_of_a_refusal_is_acknowledged_again() {
    let (mut peer, _, invite) = calling();
    let refusal = respond(&invite, StatusCode::BUSY_HERE, "one", "");
    peer.send(&refusal);
    peer.send(&refusal);
    assert_eq!(methods(&peer.requests()), [Method::Ack, Method::Ack]);
    assert_eq!(peer.event_names(), ["Refused", "Ended"]);
    peer.run(Duration::from_secs(33));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn an_answer_under_another_tag_of_ours_is_ignored() {
    let (mut peer, _, invite) = calling();
    let tag = invite.headers().from().unwrap().tag().unwrap().to_owned();
    peer.send(&respond(&invite, StatusCode::OK, "one", "answer").replace(&tag, "forged"));
    assert!(peer.received.is_empty() && peer.events.is_empty());
}

#[test]
fn a_provisional_response_stops_the_copies_of_the_invite() {
    let (mut peer, _, invite) = calling();
    peer.send(&respond(&invite, StatusCode::TRYING, "", ""));
    peer.run(Duration::from_secs(20));
    assert!(peer.received.is_empty());
}

#[test]
fn a_provisional_response_slows_the_copies_of_a_bye() {
    let (mut peer, id, invite) = calling();
    peer.send(&respond(&invite, StatusCode::OK, "one", "answer"));
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let bye = peer.requests().remove(1);
    peer.send(&respond(&bye, StatusCode::TRYING, "", ""));
    // The copy that was due at 0.5 s, then every T2.
    peer.run(Duration::from_secs(13));
    assert_eq!(peer.received.len(), 4);
}
