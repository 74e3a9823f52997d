//! RFC 3665 §3.1–3.7: calls that come about.

use bytes::Bytes;
use sip::auth::Account;
use sip::endpoint::Event;
use std::time::Duration;

use crate::world::{World, header};

/// Alice and Bob, each behind a proxy of their own.
fn behind_two_proxies() -> World {
    World::of(&["alice", "bob"])
        .with_proxy("proxy2", |proxy, world| {
            proxy.users.insert("bob", vec![world.address("bob")]);
        })
        .with_proxy("proxy1", |proxy, world| proxy.next = Some(world.address("proxy2")))
}

#[test]
fn section_3_1_a_session_is_established_and_ended_directly() {
    let mut world = World::of(&["alice", "bob"]);
    world.call("alice", "bob");
    let incoming = world.incoming("bob");
    world.ring("bob", incoming);
    world.answer("bob", incoming);
    world.hang_up("bob", incoming);
    let expected = [
        "alice > bob: INVITE",
        "bob > alice: 100 INVITE",
        "bob > alice: 180 INVITE",
        "bob > alice: 200 INVITE",
        "alice > bob: ACK",
        "bob > alice: BYE",
        "alice > bob: 200 BYE",
    ];
    assert_eq!(world.ladder(), expected);
    assert_eq!(world.events("alice"), ["Ringing", "Answered", "HungUp", "Ended"]);
    assert_eq!(world.events("bob"), ["Confirmed", "Ended"]);
    world.assert_over();
}

#[test]
fn section_3_2_through_two_proxies_the_recorded_route_is_kept_both_ways() {
    let mut world = behind_two_proxies();
    let call = world.call_by("alice", "bob", &["proxy1"]);
    world.place("alice", call);
    let incoming = world.incoming("bob");
    world.answer("bob", incoming);
    world.ladder();
    world.hang_up("bob", incoming);
    let expected = [
        "bob > proxy2: BYE",
        "proxy2 > proxy1: BYE",
        "proxy1 > alice: BYE",
        "alice > proxy1: 200 BYE",
        "proxy1 > proxy2: 200 BYE",
        "proxy2 > bob: 200 BYE",
    ];
    assert_eq!(world.ladder(), expected);
    assert_eq!(world.events("alice"), ["Answered", "HungUp", "Ended"]);
    assert_eq!(world.events("bob"), ["Confirmed", "Ended"]);
    world.assert_over();
}

#[test]
fn section_3_2_the_ack_of_an_answer_takes_the_recorded_route() {
    let mut world = behind_two_proxies();
    let call = world.call_by("alice", "bob", &["proxy1"]);
    let id = world.place("alice", call);
    let incoming = world.incoming("bob");
    world.ladder();
    world.answer("bob", incoming);
    let expected = [
        "bob > proxy2: 200 INVITE",
        "proxy2 > proxy1: 200 INVITE",
        "proxy1 > alice: 200 INVITE",
        "alice > proxy1: ACK",
        "proxy1 > proxy2: ACK",
        "proxy2 > bob: ACK",
    ];
    assert_eq!(world.ladder(), expected);
    let ack = world.wire.iter().find(|message| message.starts_with("ACK")).unwrap().clone();
    assert!(ack.starts_with(&format!("ACK sip:bob@{}", world.address("bob"))), "{ack}");
    world.hang_up("alice", id);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

/// A proxy that asks for credentials of a realm, and takes any.
fn challenging(realm: &'static str) -> crate::proxy::Policy {
    Box::new(move |request: &str| {
        let has = request.lines().any(|line| line.starts_with("Proxy-Authorization:") && line.contains(&format!("realm=\"{realm}\"")));
        (!has).then(|| (407, format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\n")))
    })
}

#[test]
fn section_3_3_the_challenge_of_our_own_proxy_is_answered() {
    let mut world = behind_two_proxies();
    world.at_proxy("proxy1", |proxy| {
        proxy.policy = Some(challenging("atlanta"));
        Vec::new()
    });
    let mut call = world.call_by("alice", "bob", &["proxy1"]);
    call.account = Account::new("atlanta", "alice", "secret");
    let id = world.place("alice", call);
    let expected = ["alice > proxy1: INVITE", "proxy1 > alice: 407 INVITE", "alice > proxy1: ACK", "alice > proxy1: INVITE"];
    assert_eq!(world.ladder()[..4], expected);
    let incoming = world.incoming("bob");
    world.answer("bob", incoming);
    assert_eq!(world.events("alice"), ["Answered"]);
    world.hang_up("alice", id);
    world.run(Duration::from_secs(40));
    assert_eq!(world.events("alice"), ["Ended"]);
    assert_eq!(world.events("bob"), ["Confirmed", "HungUp", "Ended"]);
    world.assert_over();
}

#[test]
fn section_3_3_a_second_proxy_of_another_realm_learns_nothing() {
    let mut world = behind_two_proxies();
    world.at_proxy("proxy1", |proxy| {
        proxy.policy = Some(challenging("atlanta"));
        Vec::new()
    });
    world.at_proxy("proxy2", |proxy| {
        proxy.policy = Some(challenging("biloxi"));
        Vec::new()
    });
    let mut call = world.call_by("alice", "bob", &["proxy1"]);
    call.account = Account::new("atlanta", "alice", "secret");
    world.place("alice", call);
    assert!(!world.wire.iter().any(|message| message.contains("uthorization: Digest") && message.contains("biloxi")));
    assert_eq!(world.events("alice"), ["Refused", "Ended"]);
    world.assert_over();
}

#[test]
fn section_3_4_a_proxy_that_is_silent_gives_way_to_the_next() {
    let mut world = World::of(&["alice", "bob"]).with_silence("proxy1").with_proxy("proxy2", |proxy, world| {
        proxy.users.insert("bob", vec![world.address("bob")]);
    });
    let call = world.call_by("alice", "bob", &["proxy1", "proxy2"]);
    let id = world.place("alice", call);
    world.run(Duration::from_secs(10));
    let incoming = world.incoming("bob");
    world.answer("bob", incoming);
    assert_eq!(world.events("alice"), ["Answered"]);
    world.hang_up("alice", id);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_3_4_a_proxy_without_room_gives_way_to_the_next() {
    let mut world = World::of(&["alice", "bob"])
        .with_proxy("proxy1", |proxy, _| proxy.policy = Some(Box::new(|_| Some((503, String::new())))))
        .with_proxy("proxy2", |proxy, world| {
            proxy.users.insert("bob", vec![world.address("bob")]);
        });
    let call = world.call_by("alice", "bob", &["proxy1", "proxy2"]);
    let id = world.place("alice", call);
    let expected = ["alice > proxy1: INVITE", "proxy1 > alice: 503 INVITE", "alice > proxy1: ACK", "alice > proxy2: INVITE"];
    assert_eq!(world.ladder()[..4], expected);
    let incoming = world.incoming("bob");
    world.answer("bob", incoming);
    assert_eq!(world.events("alice"), ["Answered"]);
    world.hang_up("alice", id);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_3_6_a_redirection_is_a_refusal_that_dials_nobody() {
    let mut world = World::of(&["alice", "bob"]).with_proxy("redirect", |proxy, world| {
        let contact = format!("Contact: <{}>\r\n", world.contact("bob").as_str());
        proxy.policy = Some(Box::new(move |_| Some((302, contact.clone()))));
    });
    let call = world.call_by("alice", "bob", &["redirect"]);
    world.place("alice", call);
    assert_eq!(world.ladder(), ["alice > redirect: INVITE", "redirect > alice: 302 INVITE", "alice > redirect: ACK"]);
    assert!(matches!(world.event("alice"), Event::Refused { status, .. } if status.code() == 302));
    assert_eq!(world.events("alice"), ["Ended"]);
    assert_eq!(world.events("bob"), Vec::<String>::new());
    world.assert_over();
}

#[test]
fn section_3_6_an_offer_in_the_answer_is_answered_in_the_ack() {
    let mut world = behind_two_proxies();
    let mut call = world.call_by("alice", "bob", &["proxy1"]);
    call.body = Bytes::new();
    let id = world.place("alice", call);
    let incoming = world.incoming("bob");
    world.ladder();
    world.answer("bob", incoming);
    assert!(!world.ladder().contains(&"alice > proxy1: ACK".to_owned()), "the ACK waits for the answer");
    assert!(matches!(world.event("alice"), Event::Answered { sdp, .. } if sdp.is_empty()));
    assert!(matches!(world.event("alice"), Event::Offered { sdp, .. } if sdp == "answer of bob"));
    world.accept_offer("alice", id, b"at last");
    world.settle();
    assert!(matches!(world.event("bob"), Event::Confirmed { sdp, .. } if sdp == "at last"));
    world.hang_up("alice", id);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_3_7_a_new_address_is_told_by_reinvite() {
    let mut world = World::of(&["alice", "bob"]);
    let (call, incoming) = world.connected("alice", "bob");
    world.act("bob", |endpoint, now| endpoint.offer(now, incoming, Bytes::from_static(b"c=192.0.2.3")));
    world.settle();
    assert!(matches!(world.event("alice"), Event::Offered { sdp, .. } if sdp == "c=192.0.2.3"));
    world.accept_offer("alice", call, b"as before");
    world.settle();
    assert!(matches!(world.event("bob"), Event::OfferAccepted { sdp, .. } if sdp == "as before"));
    assert_eq!(world.ladder(), ["bob > alice: INVITE", "alice > bob: 100 INVITE", "alice > bob: 200 INVITE", "bob > alice: ACK"]);
    assert_eq!(world.events("alice"), ["Confirmed"]);
    world.hang_up("alice", call);
    assert_eq!(world.events("bob"), ["HungUp", "Ended"]);
    world.events("alice");
    world.assert_over();
}

#[test]
fn section_3_7_a_new_address_that_is_refused_leaves_the_session() {
    let mut world = World::of(&["alice", "bob"]);
    let (call, incoming) = world.connected("alice", "bob");
    world.act("bob", |endpoint, now| endpoint.offer(now, incoming, Bytes::from_static(b"c=192.0.2.3")));
    world.settle();
    world.reject_offer("alice", call);
    world.settle();
    assert_eq!(world.events("bob"), ["OfferRefused"]);
    world.hang_up("bob", incoming);
    assert_eq!(world.events("alice"), ["Offered", "HungUp", "Ended"]);
    world.events("bob");
    world.assert_over();
}

#[test]
fn proxies_see_one_call_id_and_rising_numbers() {
    let mut world = World::of(&["alice", "bob"]);
    let (call, _) = world.connected("alice", "bob");
    world.act("alice", |endpoint, now| endpoint.offer(now, call, Bytes::from_static(b"again")));
    world.settle();
    world.hang_up("alice", call);
    let ours: Vec<&String> =
        world.wire.iter().filter(|message| ["INVITE", "BYE"].iter().any(|method| message.starts_with(method))).collect();
    let numbers: Vec<u32> = ours.iter().filter_map(|message| header(message, "CSeq")?.split(' ').next()?.parse().ok()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    let mut call_ids: Vec<&str> = ours.iter().filter_map(|message| header(message, "Call-ID")).collect();
    call_ids.dedup();
    assert_eq!(call_ids.len(), 1);
}
