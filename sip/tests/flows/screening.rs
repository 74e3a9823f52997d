//! RFC 5359 §2.11, §2.13, §2.14, §2.18: calls that are not wanted.

use std::sync::Arc;

use sip::auth::Algorithm;
use sip::endpoint::{Admission, Event, Gate};
use sip::header::StatusCode;
use sip::message::Request;
use sip::transport::Flow;

use crate::world::World;

/// Lets nobody in.
struct Closed;

impl Gate for Closed {
    fn admit(&self, _: Flow, _: &Request) -> Admission {
        Admission::Refuse(StatusCode::FORBIDDEN)
    }

    fn password(&self, _: &str, _: Algorithm) -> Option<Box<str>> {
        None
    }

    fn may_register(&self, _: &str) -> bool {
        false
    }
}

#[test]
fn section_2_13_an_unwanted_caller_is_refused_and_leaves_nothing_behind() {
    let mut world = World::of(&["alice", "bob"]);
    world.act("bob", |endpoint, now| endpoint.set_gate(now, Arc::new(Closed)));
    world.call("alice", "bob");
    assert_eq!(world.ladder(), ["alice > bob: INVITE", "bob > alice: 403 INVITE", "alice > bob: ACK"]);
    assert_eq!(world.events("bob"), Vec::<String>::new());
    assert!(matches!(world.event("alice"), Event::Refused { status: StatusCode::FORBIDDEN, .. }));
    world.events("alice");
    world.assert_over();
}

#[test]
fn section_2_14_a_call_that_our_proxy_does_not_let_out_is_refused() {
    let mut world = World::of(&["alice"]).with_proxy("proxy", |proxy, _| proxy.policy = Some(Box::new(|_| Some((403, String::new())))));
    let call = world.call_by("alice", "bob", &["proxy"]);
    world.place("alice", call);
    assert!(matches!(world.event("alice"), Event::Refused { status: StatusCode::FORBIDDEN, .. }));
    assert_eq!(world.events("alice"), ["Ended"]);
    world.assert_over();
}

/// A request that no telephone of ours makes.
fn foreign(method: &str, headers: &str) -> String {
    format!(
        "{method} sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@192.0.2.1>;tag=a\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: x\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:alice@192.0.2.1:5060>\r\n{headers}Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn section_2_18_nobody_dials_by_clicking_without_a_call() {
    let mut world = World::of(&["alice", "bob"]);
    world.say("alice", "bob", foreign("REFER", "Refer-To: <sip:carol@192.0.2.3>\r\n"));
    assert_eq!(world.ladder(), ["alice > bob: REFER", "bob > alice: 403 REFER"]);
    assert_eq!(world.events("bob"), Vec::<String>::new());
    world.assert_over();
}

#[test]
fn section_2_11_who_requires_to_join_a_call_is_told_that_we_cannot() {
    let mut world = World::of(&["alice", "bob"]);
    world.say("alice", "bob", foreign("INVITE", "Require: join\r\nJoin: x@y;to-tag=1;from-tag=2\r\n"));
    assert_eq!(world.ladder(), ["alice > bob: INVITE", "bob > alice: 420 INVITE"]);
    assert!(world.wire.last().is_some_and(|response| response.contains("Unsupported: join")));
    world.assert_over();
}

#[test]
fn section_2_17_who_wants_to_be_told_of_our_calls_is_not() {
    let mut world = World::of(&["alice", "bob"]);
    world.say("alice", "bob", foreign("SUBSCRIBE", "Event: dialog\r\nExpires: 600\r\n"));
    assert_eq!(world.ladder(), ["alice > bob: SUBSCRIBE", "bob > alice: 405 SUBSCRIBE"]);
    world.assert_over();
}
