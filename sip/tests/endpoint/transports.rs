//! What is different over connections (RFC 3261 §17, §18): nothing is repeated, and everything stays on its connection while that is open.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{EndpointConfig, OutgoingInvite};
use sip::header::{HeaderName, StatusCode};
use sip::transport::{ConnectionId, Flow, Transport};

use crate::scripted_peer::{OURS, PEER, ScriptedPeer, request, respond, respond_with};
use crate::support::{callee_contact, outgoing};

const TCP: Flow = Flow { transport: Transport::Tcp, local: OURS, remote: EPHEMERAL, connection: Some(ConnectionId(7)) };
const EPHEMERAL: std::net::SocketAddr = std::net::SocketAddr::new(PEER.ip(), 40_001);

fn peer(flow: Flow) -> ScriptedPeer {
    let config = EndpointConfig { seed: [7; 32], tcp: Some(OURS), ..EndpointConfig::default() };
    ScriptedPeer { flow, ..ScriptedPeer::with(config) }
}

fn call(flow: Flow) -> OutgoingInvite {
    OutgoingInvite { flow, ..outgoing() }
}

/// An offer that makes its INVITE longer than a datagram should be.
fn long() -> Bytes {
    Bytes::from(vec![b'x'; 1_300])
}

#[test]
fn nothing_is_repeated_over_a_connection_but_the_answer_until_its_ack() {
    let mut peer = peer(TCP);
    let id = peer.act(|endpoint, now| endpoint.invite(now, call(TCP))).unwrap();
    peer.run(Duration::from_secs(20));
    assert_eq!(peer.received.len(), 1);
    peer.run(Duration::from_secs(20));
    assert_eq!(peer.event_names(), ["TimedOut", "Ended"]);
    peer.received.clear();

    let incoming = peer.invited();
    assert_ne!(incoming, id);
    peer.act(|endpoint, now| endpoint.reject(now, incoming, StatusCode::BUSY_HERE, None));
    peer.run(Duration::from_secs(20));
    assert_eq!(peer.statuses(), [486]);
    peer.run(Duration::from_secs(20));
    peer.event_names();

    peer.send(&request("INVITE", "b", 2, "", "application/sdp", "offer").replace("Call-ID: call", "Call-ID: other"));
    let Some(sip::endpoint::Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no call") };
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    peer.run(Duration::from_secs(4));
    // Another hop may be UDP (§13.3.1.4).
    assert_eq!(peer.statuses(), [100, 200, 200, 200, 200]);
}

#[test]
fn a_finished_transaction_leaves_at_once_where_no_copies_can_come() {
    let mut peer = peer(TCP);
    let id = peer.act(|endpoint, now| endpoint.invite(now, call(TCP))).unwrap();
    let invite = peer.requests().remove(0);
    peer.send(&respond(&invite, StatusCode::BUSY_HERE, "callee", ""));
    peer.run(Duration::ZERO);
    assert_eq!(peer.requests()[0].method_text(), "ACK");
    assert!(peer.events.iter().all(|event| event.id() == id) && peer.endpoint.is_idle());
}

#[test]
fn a_response_takes_the_connection_of_its_request_and_otherwise_the_port_of_via() {
    let mut peer = peer(TCP);
    peer.send(&request("OPTIONS", "o", 1, "", "", "").replace("SIP/2.0/UDP 192.0.2.9:5060", "SIP/2.0/TCP 192.0.2.9"));
    let sent = peer.received.remove(0);
    assert_eq!(sent.flow, Flow { remote: "192.0.2.9:5060".parse().unwrap(), ..TCP });
    let text = String::from_utf8(sent.bytes.to_vec()).unwrap();
    assert!(text.contains("received=192.0.2.9;rport=40001"), "{text}");
}

#[test]
fn a_call_stays_on_the_connection_that_it_came_by() {
    for (contact, expected) in [
        ("sip:bob@192.0.2.9:5060;transport=tcp", Flow { remote: "192.0.2.9:5060".parse().unwrap(), ..TCP }),
        ("sip:bob@192.0.2.9", Flow { remote: "192.0.2.9:5060".parse().unwrap(), ..TCP }),
        // Another transport, or another host, is somewhere else.
        ("sip:bob@192.0.2.9;transport=udp", Flow::udp(OURS, "192.0.2.9:5060".parse().unwrap())),
        ("sips:bob@192.0.2.9", Flow { transport: Transport::Tls, connection: None, remote: "192.0.2.9:5061".parse().unwrap(), ..TCP }),
        ("sip:bob@192.0.2.8:5070;transport=tcp", Flow { connection: None, remote: "192.0.2.8:5070".parse().unwrap(), ..TCP }),
        ("sip:bob@phone.example.com", TCP),
    ] {
        let mut peer = peer(TCP);
        let invite = request("INVITE", "a", 1, "", "application/sdp", "offer").replace("sip:bob@192.0.2.9:5060", contact);
        peer.send(&invite.replace("SIP/2.0/UDP", "SIP/2.0/TCP"));
        let Some(sip::endpoint::Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no call") };
        peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
        let answer = peer.received.pop().unwrap();
        let tag = crate::scripted_peer::parsed_response(&answer).unwrap().headers().to().unwrap().tag().unwrap().to_owned();
        peer.send(&request("ACK", "ack", 1, &tag, "", ""));
        peer.act(|endpoint, now| endpoint.hang_up(now, id));
        let bye = peer.received.last().unwrap();
        assert_eq!(bye.flow, expected, "{contact}");
        let via = format!("Via: SIP/2.0/{} ", expected.transport.via_name());
        assert!(String::from_utf8_lossy(&bye.bytes).contains(&via), "{contact}");
    }
}

#[test]
fn behind_a_translator_only_the_connection_is_left() {
    let mut peer = peer(Flow { remote: "198.51.100.7:40001".parse().unwrap(), ..TCP });
    let (id, _) = peer.established();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    assert_eq!(peer.received.last().unwrap().flow, peer.flow);
}

#[test]
fn a_browser_is_answered_and_called_back_on_its_connection() {
    let flow = Flow { transport: Transport::Wss, ..TCP };
    let mut peer = peer(flow);
    peer.send(
        &request("INVITE", "a", 1, "", "application/sdp", "offer")
            .replace("SIP/2.0/UDP 192.0.2.9:5060", "SIP/2.0/WSS df7jal23ls0d.invalid")
            .replace("sip:bob@192.0.2.9:5060", "sip:bob@df7jal23ls0d.invalid;transport=ws")
            .replace("Content-Length: 5\r\n", ""),
    );
    let Some(sip::endpoint::Event::Incoming { id, invite }) = peer.events.pop() else { panic!("no call") };
    assert_eq!(&invite.sdp[..], b"offer");
    peer.act(|endpoint, now| endpoint.ring(now, id));
    let ringing = crate::scripted_peer::parsed_response(peer.received.last().unwrap()).unwrap();
    assert_eq!(ringing.headers().value(HeaderName::Contact), Some("<sip:192.0.2.2:5060;transport=ws>"));
    assert!(peer.received.iter().all(|sent| sent.flow.connection == flow.connection));
}

#[test]
fn a_stream_without_content_length_is_answered_with_400() {
    let mut peer = peer(TCP);
    peer.send(&request("OPTIONS", "o", 1, "", "", "").replace("Content-Length: 0\r\n", ""));
    assert_eq!(peer.statuses(), [400]);
}

#[test]
fn a_request_too_long_for_a_datagram_goes_by_tcp_and_by_udp_when_that_fails() {
    let udp = Flow::udp(OURS, PEER);
    let mut peer = peer(udp);
    peer.act(|endpoint, now| endpoint.invite(now, OutgoingInvite { body: long(), ..call(udp) })).unwrap();
    let sent = peer.received.remove(0);
    assert_eq!((sent.flow.transport, sent.flow.remote), (Transport::Tcp, PEER));
    assert!(sent.bytes.windows(17).any(|window| window == b"Via: SIP/2.0/TCP "));
    peer.act(|endpoint, now| endpoint.handle_unsent(now, &sent));
    let again = peer.requests().remove(0);
    assert!(again.headers().value(HeaderName::Via).unwrap().starts_with("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK"));
    peer.send(&respond(&again, StatusCode::RINGING, "callee", ""));
    assert_eq!(peer.event_names(), ["Ringing"]);
}

#[test]
fn cancel_and_ack_take_the_way_and_branch_of_their_invite() {
    let udp = Flow::udp(OURS, PEER);
    let mut peer = peer(udp);
    let id = peer.act(|endpoint, now| endpoint.invite(now, OutgoingInvite { body: long(), ..call(udp) })).unwrap();
    let sent = peer.received.remove(0);
    peer.act(|endpoint, now| endpoint.handle_unsent(now, &sent));
    let invite = peer.requests().remove(0);
    let via = invite.headers().value(HeaderName::Via).unwrap().to_owned();
    peer.send(&respond(&invite, StatusCode::RINGING, "callee", ""));
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let cancel = peer.requests().remove(0);
    assert_eq!((cancel.method_text(), cancel.headers().value(HeaderName::Via)), ("CANCEL", Some(&*via)));
    peer.send(&respond(&cancel, StatusCode::OK, "callee", ""));
    peer.send(&respond(&invite, StatusCode::REQUEST_TERMINATED, "callee", ""));
    let ack = peer.requests().remove(0);
    assert_eq!((ack.method_text(), ack.headers().value(HeaderName::Via)), ("ACK", Some(&*via)));
    assert_eq!(peer.event_names(), ["Ringing", "Ended"]);
}

#[test]
fn the_next_server_is_asked_when_one_is_silent_refuses_for_load_or_cannot_be_reached() {
    let server = |last: u8| Flow { connection: None, remote: ([192, 0, 2, last], 5060).into(), ..TCP };
    let mut peer = peer(server(11));
    let invite = OutgoingInvite { alternatives: vec![Flow::udp(OURS, server(12).remote), server(13), server(14)], ..call(server(11)) };
    peer.act(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let first = peer.received.remove(0);
    peer.act(|endpoint, now| endpoint.handle_unsent(now, &first));
    assert_eq!(peer.received.remove(0).flow.remote, server(12).remote);
    peer.run(Duration::from_secs(5));
    let third = peer.received.pop().unwrap();
    assert_eq!(third.flow, server(13));
    let Ok(sip::message::Message::Request(third)) = sip::message::Message::parse(third.bytes) else { panic!("no request") };
    peer.received.clear();
    peer.send(&respond(&third, StatusCode::SERVICE_UNAVAILABLE, "callee", ""));
    let sent = peer.requests();
    assert_eq!(sent.iter().map(sip::message::Request::method_text).collect::<Vec<_>>(), ["ACK", "INVITE"]);
    assert_eq!(sent[0].headers().value(HeaderName::Via), third.headers().value(HeaderName::Via));
    assert_ne!(sent[1].headers().value(HeaderName::Via), third.headers().value(HeaderName::Via));
    peer.send(&respond(&sent[1], StatusCode::OK, "callee", "answer"));
    assert_eq!(peer.event_names(), ["Answered"]);
    assert_eq!(peer.received.remove(0).flow.remote, "192.0.2.9:5060".parse().unwrap(), "the ACK follows Contact");
}

/// A call that the first of two servers was too busy for, and the INVITE to the second.
fn refused_by_the_first() -> (ScriptedPeer, sip::endpoint::InviteId, Flow, sip::message::Request) {
    let server = |last: u8| Flow::udp(OURS, ([192, 0, 2, last], 5060).into());
    let mut peer = peer(server(11));
    let invite = OutgoingInvite { alternatives: vec![server(12)], ..call(server(11)) };
    let id = peer.act(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let first = peer.requests().remove(0);
    peer.send(&respond(&first, StatusCode::SERVICE_UNAVAILABLE, "busy", ""));
    let sent = peer.received.pop().unwrap();
    assert_eq!(sent.flow, server(12));
    let Ok(sip::message::Message::Request(second)) = sip::message::Message::parse(sent.bytes) else { panic!("no request") };
    peer.received.clear();
    peer.flow = server(12);
    (peer, id, server(12), second)
}

#[test]
fn a_call_that_was_refused_by_one_server_is_cancelled_at_the_next() {
    let (mut peer, id, way, invite) = refused_by_the_first();
    peer.send(&respond(&invite, StatusCode::RINGING, "callee", ""));
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    assert_eq!(peer.received[0].flow, way);
    let cancel = peer.request();
    assert_eq!((cancel.method_text(), cancel.headers().value(HeaderName::Via)), ("CANCEL", invite.headers().value(HeaderName::Via)));
    peer.send(&respond(&cancel, StatusCode::OK, "callee", ""));
    peer.send(&respond(&invite, StatusCode::REQUEST_TERMINATED, "callee", ""));
    assert_eq!(peer.request().method_text(), "ACK");
    assert_eq!(peer.event_names(), ["Ringing", "Ended"]);
}

#[test]
fn a_server_that_wants_a_longer_session_is_the_one_that_is_asked_again() {
    let (mut peer, _, way, invite) = refused_by_the_first();
    peer.send(&respond_with(&invite, 422, "callee", "Min-SE: 3600\r\n", ""));
    let again = peer.received.pop().unwrap();
    assert_eq!(again.flow, way);
    let Ok(sip::message::Message::Request(again)) = sip::message::Message::parse(again.bytes) else { panic!("no request") };
    assert_eq!((again.method_text(), again.headers().value(HeaderName::MinSe)), ("INVITE", Some("3600")));
}

#[test]
fn a_call_that_nobody_can_be_reached_for_ends_so() {
    let mut peer = peer(TCP);
    peer.act(|endpoint, now| endpoint.invite(now, call(TCP))).unwrap();
    let sent = peer.received.remove(0);
    peer.act(|endpoint, now| endpoint.handle_unsent(now, &sent));
    assert_eq!(peer.event_names(), ["Unreachable", "Ended"]);
    peer.act(|endpoint, now| endpoint.invite(now, call(TCP))).unwrap();
    peer.act(|endpoint, now| endpoint.handle_closed(now, ConnectionId(7)));
    assert_eq!(peer.event_names(), ["Unreachable", "Ended"]);
    assert!(peer.endpoint.is_idle());
}
