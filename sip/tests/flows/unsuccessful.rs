//! RFC 3665 §3.8–3.11: calls that do not come about.

use std::time::Duration;

use sip::endpoint::Event;
use sip::header::StatusCode;

use crate::world::World;

fn behind_a_proxy() -> World {
    World::of(&["alice", "bob"]).with_proxy("proxy", |proxy, world| {
        proxy.users.insert("bob", vec![world.address("bob")]);
    })
}

#[test]
fn section_3_8_a_call_that_nobody_answers_is_called_off() {
    let mut world = behind_a_proxy();
    let call = world.call_by("alice", "bob", &["proxy"]);
    let id = world.place("alice", call);
    let incoming = world.incoming("bob");
    world.ring("bob", incoming);
    world.ladder();
    world.hang_up("alice", id);
    let expected = [
        "alice > proxy: CANCEL",
        "proxy > bob: CANCEL",
        "bob > proxy: 200 CANCEL",
        "bob > proxy: 487 INVITE",
        "proxy > alice: 200 CANCEL",
        "proxy > alice: 487 INVITE",
        "alice > proxy: ACK",
        "proxy > bob: ACK",
    ];
    assert_eq!(world.ladder(), expected);
    assert_eq!(world.events("alice"), ["Ringing", "Ended"]);
    assert_eq!(world.events("bob"), ["Cancelled", "Ended"]);
    world.assert_over();
}

#[test]
fn section_3_9_a_busy_callee_is_acknowledged_hop_by_hop() {
    let mut world = behind_a_proxy();
    let call = world.call_by("alice", "bob", &["proxy"]);
    world.place("alice", call);
    let incoming = world.incoming("bob");
    world.ladder();
    world.reject("bob", incoming, StatusCode::BUSY_HERE);
    assert_eq!(world.ladder(), ["bob > proxy: 486 INVITE", "proxy > alice: 486 INVITE", "alice > proxy: ACK", "proxy > bob: ACK"]);
    assert!(matches!(world.event("alice"), Event::Refused { status: StatusCode::BUSY_HERE, .. }));
    assert_eq!((world.events("alice"), world.events("bob")), (vec!["Ended".to_owned()], vec!["Ended".to_owned()]));
    world.assert_over();
}

#[test]
fn section_3_10_a_callee_that_is_gone_times_out_after_seven_invites() {
    let mut world = World::of(&["alice"]).with_silence("bob");
    world.call("alice", "bob");
    world.run(Duration::from_secs(33));
    assert_eq!(world.ladder(), vec!["alice > bob: INVITE"; 7]);
    assert_eq!(world.events("alice"), ["TimedOut", "Ended"]);
    world.assert_over();
}

#[test]
fn section_3_10_a_proxy_that_gives_up_waiting_is_a_refusal() {
    let mut world = World::of(&["alice"]).with_proxy("proxy", |proxy, _| proxy.policy = Some(Box::new(|_| Some((408, String::new())))));
    let call = world.call_by("alice", "bob", &["proxy"]);
    world.place("alice", call);
    assert!(matches!(world.event("alice"), Event::Refused { status, .. } if status.code() == 408));
    assert_eq!(world.events("alice"), ["Ended"]);
    world.assert_over();
}

#[test]
fn section_3_11_a_callee_that_is_away_is_told_so() {
    let mut world = behind_a_proxy();
    let call = world.call_by("alice", "bob", &["proxy"]);
    world.place("alice", call);
    let incoming = world.incoming("bob");
    world.reject("bob", incoming, StatusCode::TEMPORARILY_UNAVAILABLE);
    assert!(matches!(world.event("alice"), Event::Refused { status: StatusCode::TEMPORARILY_UNAVAILABLE, .. }));
    world.events("alice");
    world.events("bob");
    world.assert_over();
}
