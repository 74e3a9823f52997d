//! RFC 5359 §2.7–2.10 and §2.12: forwarding, three parties, and who is looked for in several places, as telephones see it.

use bytes::Bytes;
use sip::endpoint::Event;
use sip::header::StatusCode;

use crate::world::World;

/// Bob's proxy, with Carol beside him.
fn house() -> World {
    World::of(&["alice", "bob", "carol"]).with_proxy("proxy", |proxy, world| {
        proxy.users.insert("bob", vec![world.address("bob")]);
    })
}

/// Ends the call of `alice`, which is with `with`.
fn end(world: &mut World, id: sip::endpoint::InviteId, with: &str) {
    world.hang_up("alice", id);
    world.run(std::time::Duration::from_secs(40));
    assert_eq!(world.events("alice"), ["Ended"]);
    assert_eq!(world.events(with), ["Confirmed", "HungUp", "Ended"]);
    world.assert_over();
}

#[test]
fn section_2_7_an_unconditional_forward_ends_at_whoever_answers() {
    let mut world = house();
    let carol = world.address("carol");
    world.at_proxy("proxy", |proxy| {
        proxy.users.insert("bob", vec![carol]);
        Vec::new()
    });
    let call = world.call_by("alice", "bob", &["proxy"]);
    let id = world.place("alice", call);
    let at_carol = world.incoming("carol");
    world.answer("carol", at_carol);
    assert_eq!(world.events("alice"), ["Answered"]);
    world.ladder();
    end(&mut world, id, "carol");
    assert_eq!(world.ladder()[..2], ["alice > proxy: BYE", "proxy > carol: BYE"], "the call is with Carol");
}

#[test]
fn section_2_8_a_busy_callee_is_acknowledged_and_the_next_is_rung() {
    let mut world = house();
    let call = world.call_by("alice", "bob", &["proxy"]);
    let id = world.place("alice", call);
    let (bob, carol) = (world.address("bob"), world.address("carol"));
    // A proxy that forwards keeps the refusal to itself.
    world.at_proxy("proxy", |proxy| {
        proxy.forwards_from(bob);
        Vec::new()
    });
    let at_bob = world.incoming("bob");
    world.reject("bob", at_bob, StatusCode::BUSY_HERE);
    assert_eq!(world.events("bob"), ["Ended"]);
    assert_eq!(world.ladder().last().map(String::as_str), Some("proxy > bob: ACK"));
    world.at_proxy("proxy", |proxy| proxy.try_next(bob, carol));
    let at_carol = world.incoming("carol");
    world.answer("carol", at_carol);
    assert_eq!(world.events("alice"), ["Answered"]);
    end(&mut world, id, "carol");
}

#[test]
fn section_2_9_a_callee_that_does_not_answer_is_called_off_and_the_next_is_rung() {
    let mut world = house();
    let call = world.call_by("alice", "bob", &["proxy"]);
    let id = world.place("alice", call);
    let at_bob = world.incoming("bob");
    world.ring("bob", at_bob);
    let (bob, carol) = (world.address("bob"), world.address("carol"));
    world.at_proxy("proxy", |proxy| proxy.call_off(bob));
    assert_eq!(world.events("bob"), ["Cancelled", "Ended"]);
    world.at_proxy("proxy", |proxy| proxy.try_next(bob, carol));
    let at_carol = world.incoming("carol");
    world.ring("carol", at_carol);
    world.answer("carol", at_carol);
    assert_eq!(world.events("alice"), ["Ringing", "Answered"], "ringing is told once, whoever rings");
    end(&mut world, id, "carol");
}

#[test]
fn section_2_10_a_third_party_is_added_by_whoever_mixes() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (call, incoming) = world.connected("alice", "bob");
    let (asking, _) = world.connected("bob", "carol");
    // Bob mixes: he offers anew to Alice while both calls are up.
    world.act("bob", |endpoint, now| endpoint.offer(now, incoming, Bytes::from_static(b"the mixer")));
    world.settle();
    assert_eq!(world.events("alice"), ["Offered"]);
    world.accept_offer("alice", call, b"fine");
    world.settle();
    assert_eq!((world.events("bob"), world.events("alice")), (vec!["OfferAccepted".to_owned()], vec!["Confirmed".to_owned()]));
    // Alice leaves, and the other two go on.
    world.hang_up("alice", call);
    assert_eq!(world.events("bob"), ["HungUp", "Ended"]);
    assert_eq!(world.events("carol"), Vec::<String>::new());
    world.hang_up("bob", asking);
    assert_eq!(world.events("carol"), ["HungUp", "Ended"]);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_2_12_of_several_places_that_ring_one_answers_and_the_caller_has_one_call() {
    let mut world = house();
    let (bob, carol) = (world.address("bob"), world.address("carol"));
    world.at_proxy("proxy", |proxy| {
        proxy.users.insert("bob", vec![bob, carol]);
        Vec::new()
    });
    let call = world.call_by("alice", "bob", &["proxy"]);
    let id = world.place("alice", call);
    let (at_bob, at_carol) = (world.incoming("bob"), world.incoming("carol"));
    world.ring("bob", at_bob);
    world.ring("carol", at_carol);
    world.answer("carol", at_carol);
    world.at_proxy("proxy", |proxy| proxy.call_off(bob));
    assert_eq!(world.events("bob"), ["Cancelled", "Ended"]);
    assert!(matches!(world.event("alice"), Event::Ringing { .. }));
    assert_eq!(world.events("alice"), ["Answered"]);
    end(&mut world, id, "carol");
}

#[test]
fn section_2_12_a_second_place_that_answers_too_is_acknowledged_and_hung_up() {
    let mut world = house();
    let (bob, carol) = (world.address("bob"), world.address("carol"));
    world.at_proxy("proxy", |proxy| {
        proxy.users.insert("bob", vec![bob, carol]);
        Vec::new()
    });
    let call = world.call_by("alice", "bob", &["proxy"]);
    let id = world.place("alice", call);
    let (at_bob, at_carol) = (world.incoming("bob"), world.incoming("carol"));
    world.answer("carol", at_carol);
    world.answer("bob", at_bob);
    assert_eq!(world.events("bob"), ["Confirmed", "HungUp", "Ended"]);
    assert_eq!(world.events("alice"), ["Answered"]);
    end(&mut world, id, "carol");
}
