//! By which way requests within a dialog go (RFC 3261 §12.2.1.1), and callers of older habits.

use bytes::Bytes;
use sip::endpoint::Event;
use sip::header::{HeaderName, StatusCode};
use sip::message::Request;

use crate::scripted_peer::{OURS, PEER, ScriptedPeer, request, respond};
use crate::support::{callee_contact, outgoing};

/// The BYE of a callee that was called so, and whither it went.
fn bye_after(invite: &str) -> (Request, String) {
    let mut peer = ScriptedPeer::new();
    peer.send(invite);
    let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    peer.received.clear();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).unwrap();
    peer.send(&request("ACK", "ack", 1, &tag, "", ""));
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let remote = peer.received[0].flow.remote.to_string();
    (peer.requests().remove(0), remote)
}

fn invite() -> String {
    request("INVITE", "a", 1, "", "application/sdp", "offer")
}

#[test]
fn a_request_goes_to_the_contact_of_the_far_end() {
    let (bye, remote) = bye_after(&invite().replace("Contact: <sip:bob@192.0.2.9:5060>", "Contact: <sip:bob@192.0.2.10:5066>"));
    assert_eq!((bye.uri_text(), remote.as_str()), ("sip:bob@192.0.2.10:5066", "192.0.2.10:5066"));
}

#[test]
fn a_request_goes_by_the_recorded_route() {
    let (bye, remote) = bye_after(&invite().replace("Contact:", "Record-Route: <sip:192.0.2.50:5070;lr>, <sip:192.0.2.51;lr>\r\nContact:"));
    let routes: Vec<_> = bye.headers().elements(HeaderName::Route).collect();
    assert_eq!(routes, ["<sip:192.0.2.50:5070;lr>", "<sip:192.0.2.51;lr>"]);
    assert_eq!((bye.uri_text(), remote.as_str()), ("sip:bob@192.0.2.9:5060", "192.0.2.50:5070"));
}

#[test]
fn a_caller_behind_a_translator_is_reached_by_the_way_it_came() {
    let hidden = invite().replace("192.0.2.9:5060", "10.0.0.9:5060");
    let (bye, remote) = bye_after(&hidden);
    assert_eq!((bye.uri_text(), remote), ("sip:bob@10.0.0.9:5060", PEER.to_string()));
}

#[test]
fn a_caller_that_sends_from_another_port_than_it_listens_at_is_reached_where_it_listens() {
    for (rport, reached) in [("", "192.0.2.9:5060"), (";rport", "192.0.2.9:51234")] {
        let mut peer = ScriptedPeer::new();
        peer.flow.remote.set_port(51234);
        let asking = |text: String| text.replace(";rport", rport);
        peer.send(&asking(invite()));
        let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
        peer.received.clear();
        peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
        let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).unwrap();
        peer.send(&asking(request("ACK", "ack", 1, &tag, "", "")));
        peer.act(|endpoint, now| endpoint.hang_up(now, id));
        assert_eq!(peer.received[0].flow.remote.to_string(), reached, "{rport:?}");
    }
}

#[test]
fn a_caller_behind_a_translator_that_has_another_port_now_is_reached_there() {
    for method in ["INVITE", "UPDATE"] {
        let hidden = |text: String| text.replace("192.0.2.9:5060", "10.0.0.9:5060");
        let mut peer = ScriptedPeer::new();
        peer.send(&hidden(invite()));
        let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
        peer.received.clear();
        peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
        let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).unwrap();
        peer.send(&hidden(request("ACK", "ack", 1, &tag, "", "")));
        peer.flow.remote.set_port(40_777);
        peer.send(&hidden(request(method, "again", 2, &tag, "application/sdp", "offer")));
        peer.accept_offer(id, b"answer");
        if method == "INVITE" {
            peer.send(&hidden(request("ACK", "ack2", 2, &tag, "", "")));
        }
        peer.received.clear();
        peer.act(|endpoint, now| endpoint.hang_up(now, id));
        assert_eq!(peer.received[0].flow.remote, peer.flow.remote, "{method}");
    }
}

#[test]
fn who_has_registered_is_reached_by_the_way_it_did_whatever_its_contact_says() {
    for (registered, reached) in [(true, "203.0.113.9:40000"), (false, "192.168.1.10:5060")] {
        let mut peer = ScriptedPeer::new();
        peer.flow.remote = "203.0.113.9:40000".parse().unwrap();
        let (id, invite) = peer.calling(|call| call.registered = registered);
        peer.send(&respond(&invite, StatusCode::OK, "phone", "answer").replace("192.0.2.9:5060", "192.168.1.10:5060"));
        peer.act(|endpoint, now| endpoint.hang_up(now, id));
        let ways: Vec<_> = peer.received.iter().map(|transmit| transmit.flow.remote.to_string()).collect();
        assert_eq!(ways, [reached, reached], "ACK and BYE");
    }
}

#[test]
fn a_contact_that_is_a_name_is_reached_by_the_way_the_call_came() {
    let (bye, remote) = bye_after(&invite().replace("Contact: <sip:bob@192.0.2.9:5060>", "Contact: <sip:bob@phone.example.com>"));
    assert_eq!((bye.uri_text(), remote), ("sip:bob@phone.example.com", PEER.to_string()));
}

#[test]
fn the_answer_repeats_the_recorded_route_and_names_our_contact() {
    let mut peer = ScriptedPeer::new();
    peer.send(&invite().replace("Contact:", "Record-Route: <sip:192.0.2.50;lr>\r\nContact:"));
    let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    peer.received.clear();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    let response = peer.response();
    assert_eq!(response.headers().value(HeaderName::RecordRoute), Some("<sip:192.0.2.50;lr>"));
    assert_eq!(response.headers().value(HeaderName::Contact), Some("<sip:1000@192.0.2.2:5060>"));
}

#[test]
fn the_body_of_the_ack_reaches_the_application() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("INVITE", "a", 1, "", "", ""));
    let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    peer.received.clear();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"our offer")));
    let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).unwrap();
    peer.send(&request("ACK", "ack", 1, &tag, "application/sdp", "their answer"));
    assert!(matches!(peer.events.pop(), Some(Event::Confirmed { sdp, .. }) if sdp == "their answer"));
}

#[test]
fn a_caller_without_branches_is_understood() {
    let old =
        |text: String| text.replace(";branch=z9hG4bKa", "").replace(";rport", "").replace("Contact: <sip:bob@192.0.2.9:5060>\r\n", "");
    let mut peer = ScriptedPeer::new();
    peer.send(&old(invite()));
    let Some(Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    peer.send(&old(invite()));
    assert_eq!(peer.statuses(), [100, 100]);
    peer.act(|endpoint, now| endpoint.reject(now, id, StatusCode::BUSY_HERE, None));
    peer.send(&old(request("ACK", "a", 1, "any", "", "")));
    peer.run(std::time::Duration::from_secs(10));
    assert_eq!(peer.statuses(), [486]);
    assert!(peer.endpoint.is_idle());
}

#[test]
fn a_callee_that_hangs_up_before_its_answer_arrives_ends_the_call() {
    let mut peer = ScriptedPeer::new();
    let mut call = outgoing();
    call.flow = sip::transport::Flow::udp(OURS, PEER);
    peer.act(|endpoint, now| endpoint.invite(now, call)).unwrap();
    let invite = peer.requests().remove(0);
    peer.send(&respond(&invite, StatusCode::RINGING, "one", ""));
    let value = |name| invite.headers().value(name).unwrap().to_owned();
    let bye = request("BYE", "bye", 1, "", "", "")
        .replace("From: <sip:bob@192.0.2.9>;tag=peer", &format!("From: {};tag=one", value(HeaderName::To)))
        .replace("To: <sip:1000@192.0.2.2>", &format!("To: {}", value(HeaderName::From)))
        .replace("Call-ID: call", &format!("Call-ID: {}", value(HeaderName::CallId)));
    peer.send(&bye);
    assert_eq!(peer.statuses(), [200]);
    peer.run(std::time::Duration::from_secs(33));
    assert_eq!(peer.event_names(), ["Ringing", "HungUp", "Ended"]);
    assert!(peer.endpoint.is_idle());
}
