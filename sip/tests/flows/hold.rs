//! RFC 5359 §2.1–2.3: hold, consultation hold, music on hold.

use bytes::Bytes;
use sip::endpoint::{Event, InviteId};

use crate::world::World;

/// One end offers, the other takes it; what each was told is forgotten.
fn reoffer(world: &mut World, (from, call): (&str, InviteId), (to, other): (&str, InviteId), offer: &'static str, answer: &'static str) {
    world.act(from, |endpoint, now| endpoint.offer(now, call, Bytes::from_static(offer.as_bytes())));
    world.settle();
    assert!(matches!(world.event(to), Event::Offered { sdp, .. } if sdp == offer));
    world.accept_offer(to, other, answer.as_bytes());
    world.settle();
    assert!(matches!(world.event(from), Event::OfferAccepted { sdp, .. } if sdp == answer));
    assert_eq!(world.events(to), ["Confirmed"]);
}

#[test]
fn section_2_1_a_call_is_held_and_taken_up_again() {
    let mut world = World::of(&["alice", "bob"]);
    let (call, incoming) = world.connected("alice", "bob");
    reoffer(&mut world, ("bob", incoming), ("alice", call), "a=sendonly", "a=recvonly");
    reoffer(&mut world, ("bob", incoming), ("alice", call), "a=sendrecv", "a=sendrecv");
    let once = ["bob > alice: INVITE", "alice > bob: 100 INVITE", "alice > bob: 200 INVITE", "bob > alice: ACK"];
    assert_eq!(world.ladder(), [once, once].concat());
    world.hang_up("alice", call);
    assert_eq!((world.events("alice"), world.events("bob")), (vec!["Ended".to_owned()], vec!["HungUp".to_owned(), "Ended".to_owned()]));
    world.assert_over();
}

#[test]
fn section_2_1_both_ends_may_hold_one_after_the_other() {
    let mut world = World::of(&["alice", "bob"]);
    let (call, incoming) = world.connected("alice", "bob");
    reoffer(&mut world, ("bob", incoming), ("alice", call), "a=sendonly", "a=recvonly");
    reoffer(&mut world, ("alice", call), ("bob", incoming), "a=inactive", "a=inactive");
    reoffer(&mut world, ("alice", call), ("bob", incoming), "a=recvonly", "a=sendonly");
    world.hang_up("bob", incoming);
    assert_eq!((world.events("alice"), world.events("bob")), (vec!["HungUp".to_owned(), "Ended".to_owned()], vec!["Ended".to_owned()]));
    world.assert_over();
}

#[test]
fn section_2_2_somebody_else_is_asked_while_the_first_is_on_hold() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (call, incoming) = world.connected("alice", "bob");
    reoffer(&mut world, ("bob", incoming), ("alice", call), "a=sendonly", "a=recvonly");
    let (asking, asked) = world.connected("bob", "carol");
    world.hang_up("bob", asking);
    assert_eq!((world.events("bob"), world.events("carol")), (vec!["Ended".to_owned()], vec!["HungUp".to_owned(), "Ended".to_owned()]));
    let _ = asked;
    reoffer(&mut world, ("bob", incoming), ("alice", call), "a=sendrecv", "a=sendrecv");
    world.hang_up("alice", call);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_2_3_the_offer_of_a_music_server_reaches_who_is_held() {
    let mut world = World::of(&["alice", "bob", "music"]);
    let (call, incoming) = world.connected("alice", "bob");
    // Bob asks the server for an offer, shows it to Alice, and gives the server her answer.
    let mut to_server = world.call_by("bob", "music", &["music"]);
    to_server.body = Bytes::new();
    let serving = world.place("bob", to_server);
    let served = world.incoming("music");
    world.answer("music", served);
    assert!(matches!(world.event("bob"), Event::Answered { sdp, .. } if sdp.is_empty()));
    assert!(matches!(world.event("bob"), Event::Offered { sdp, .. } if sdp == "answer of music"));
    reoffer(&mut world, ("bob", incoming), ("alice", call), "answer of music", "a=recvonly");
    world.accept_offer("bob", serving, b"a=recvonly");
    world.settle();
    assert!(matches!(world.event("music"), Event::Confirmed { sdp, .. } if sdp == "a=recvonly"));
    world.hang_up("bob", serving);
    assert_eq!((world.events("bob"), world.events("music")), (vec!["Ended".to_owned()], vec!["HungUp".to_owned(), "Ended".to_owned()]));
    reoffer(&mut world, ("bob", incoming), ("alice", call), "a=sendrecv", "a=sendrecv");
    world.hang_up("bob", incoming);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}
