//! RFC 5359 §2.4, §2.5, §2.15, §2.16: transfer, and calls that take the place of others.

use sip::endpoint::{Event, IncomingRefer, InviteId, InviteOptions, OutgoingRefer, ReferOutcome};
use sip::header::StatusCode;

use crate::world::World;

fn refer(world: &World, to: &str) -> OutgoingRefer {
    OutgoingRefer { target: world.contact(to), referred_by: None, silent: false }
}

/// The wish that reached somebody.
fn wish(world: &mut World, who: &str) -> Box<IncomingRefer> {
    match world.event(who) {
        Event::Referred { refer, .. } => refer,
        other => panic!("{other:?}"),
    }
}

/// Takes a wish up: calls whom it names, in the place of which call.
fn take_up(world: &mut World, who: &str, call: InviteId, refer: &IncomingRefer, to: &str) -> InviteId {
    world.act(who, |endpoint, now| endpoint.accept_refer(now, call));
    let mut made = world.call_by(who, to, &[to]);
    assert_eq!(made.request_uri.as_str(), refer.target.uri.as_str());
    made.options = InviteOptions { replaces: refer.target.replaces.clone(), ..InviteOptions::default() };
    world.place(who, made)
}

#[test]
fn section_2_4_an_unattended_transfer_is_reported_and_the_first_call_ends() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (call, incoming) = world.connected("alice", "bob");
    let to_carol = refer(&world, "carol");
    world.act("bob", |endpoint, now| endpoint.refer(now, incoming, &to_carol));
    world.settle();
    let asked = wish(&mut world, "alice");
    let made = take_up(&mut world, "alice", call, &asked, "carol");
    let at_carol = world.incoming("carol");
    world.answer("carol", at_carol);
    assert_eq!(world.events("alice"), ["Answered"]);
    world.act("alice", |endpoint, now| endpoint.refer_progress(now, call, StatusCode::OK));
    world.settle();
    let outcome = std::iter::from_fn(|| Some(world.event("bob"))).find_map(|event| match event {
        Event::ReferEnded { outcome, .. } => Some(outcome),
        _ => None,
    });
    assert_eq!(outcome, Some(ReferOutcome::Succeeded));
    world.hang_up("bob", incoming);
    let expected = [
        "bob > alice: REFER",
        "alice > bob: 202 REFER",
        "alice > bob: NOTIFY",
        "alice > carol: INVITE",
        "bob > alice: 200 NOTIFY",
        "carol > alice: 100 INVITE",
        "carol > alice: 200 INVITE",
        "alice > carol: ACK",
        "alice > bob: NOTIFY",
        "bob > alice: 200 NOTIFY",
        "bob > alice: BYE",
        "alice > bob: 200 BYE",
    ];
    assert_eq!(world.ladder(), expected);
    assert_eq!(world.events("alice"), ["HungUp", "Ended"]);
    world.hang_up("alice", made);
    assert_eq!(world.events("carol"), ["Confirmed", "HungUp", "Ended"]);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_2_4_a_transfer_that_fails_leaves_the_first_call() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (call, incoming) = world.connected("alice", "bob");
    let to_carol = refer(&world, "carol");
    world.act("bob", |endpoint, now| endpoint.refer(now, incoming, &to_carol));
    world.settle();
    let asked = wish(&mut world, "alice");
    take_up(&mut world, "alice", call, &asked, "carol");
    let at_carol = world.incoming("carol");
    world.reject("carol", at_carol, StatusCode::BUSY_HERE);
    assert_eq!(world.events("alice"), ["Refused", "Ended"]);
    world.act("alice", |endpoint, now| endpoint.refer_progress(now, call, StatusCode::BUSY_HERE));
    world.settle();
    let last = std::iter::from_fn(|| Some(world.event("bob"))).find_map(|event| match event {
        Event::ReferEnded { outcome, .. } => Some(outcome),
        _ => None,
    });
    assert_eq!(last, Some(ReferOutcome::Failed(StatusCode::BUSY_HERE)));
    world.events("carol");
    world.hang_up("alice", call);
    assert_eq!(world.events("bob"), ["HungUp", "Ended"]);
    world.events("alice");
    world.assert_over();
}

#[test]
fn section_2_5_an_attended_transfer_replaces_the_consultation_call() {
    let mut world = World::of(&["alice", "bob", "carol"]);
    let (call, incoming) = world.connected("alice", "bob");
    let (asking, asked_at_carol) = world.connected("bob", "carol");
    let wanted = refer(&world, "carol");
    assert!(world.act("bob", |endpoint, now| endpoint.refer_to_call(now, incoming, asking, &wanted)));
    world.settle();
    let asked = wish(&mut world, "alice");
    assert!(asked.target.replaces.is_some());
    let made = take_up(&mut world, "alice", call, &asked, "carol");
    let Event::Incoming { id: at_carol, invite } = world.event("carol") else { panic!("nobody calls carol") };
    assert_eq!(invite.replaces, Some(asked_at_carol));
    world.answer("carol", at_carol);
    // Carol's old call ends by her BYE to Bob, and the new one stands.
    assert_eq!(world.events("carol"), ["Replaced", "Confirmed", "Ended"]);
    assert!(world.ladder().contains(&"carol > bob: BYE".to_owned()));
    world.act("alice", |endpoint, now| endpoint.refer_progress(now, call, StatusCode::OK));
    world.settle();
    world.hang_up("bob", incoming);
    world.hang_up("alice", made);
    assert_eq!(world.events("carol"), ["HungUp", "Ended"]);
    world.events("alice");
    world.events("bob");
    world.assert_over();
}

#[test]
fn section_2_15_a_parked_caller_is_taken_over_by_whoever_retrieves_the_call() {
    let mut world = World::of(&["alice", "bob", "park"]);
    let (call, incoming) = world.connected("alice", "bob");
    // The park server takes Bob's place in the call with Alice.
    let replaces = {
        let wire = world.wire.iter().find(|message| message.starts_with("SIP/2.0 200") && message.contains("INVITE")).unwrap().clone();
        let tag = |name| crate::world::header(&wire, name).and_then(|value| value.split("tag=").nth(1)).unwrap_or_default().to_owned();
        sip::header::Replaces {
            call_id: crate::world::header(&wire, "Call-ID").unwrap_or_default().into(),
            to_tag: tag("From").into(),
            from_tag: tag("To").into(),
            early_only: false,
        }
    };
    let mut parking = world.call_by("park", "alice", &["alice"]);
    parking.options.replaces = Some(replaces);
    let parked = world.place("park", parking);
    let Event::Incoming { id, invite } = world.event("alice") else { panic!("nobody calls alice") };
    assert_eq!(invite.replaces, Some(call));
    world.answer("alice", id);
    assert_eq!(world.events("bob"), ["HungUp", "Ended"]);
    let _ = incoming;
    world.hang_up("park", parked);
    world.run(std::time::Duration::from_secs(40));
    world.events("alice");
    world.events("park");
    world.assert_over();
}

#[test]
fn section_2_16_a_ringing_call_of_ours_is_picked_up_by_somebody_else() {
    let mut world = World::of(&["alice", "bob", "bill"]);
    let call = world.call("alice", "bob");
    let at_bob = world.incoming("bob");
    world.ring("bob", at_bob);
    assert_eq!(world.events("alice"), ["Ringing"]);
    let ringing = world.wire.iter().find(|message| message.starts_with("SIP/2.0 180")).unwrap().clone();
    let tag = |name| crate::world::header(&ringing, name).and_then(|value| value.split("tag=").nth(1)).unwrap_or_default().to_owned();
    let replaces = sip::header::Replaces {
        call_id: crate::world::header(&ringing, "Call-ID").unwrap_or_default().into(),
        to_tag: tag("From").into(),
        from_tag: tag("To").into(),
        early_only: true,
    };
    let mut pickup = world.call_by("bill", "alice", &["alice"]);
    pickup.options.replaces = Some(replaces);
    let picked = world.place("bill", pickup);
    let Event::Incoming { id, invite } = world.event("alice") else { panic!("nobody calls alice") };
    assert_eq!(invite.replaces, Some(call));
    world.answer("alice", id);
    assert_eq!(world.events("bob"), ["Cancelled", "Ended"]);
    assert_eq!(world.events("bill"), ["Answered"]);
    world.hang_up("bill", picked);
    world.run(std::time::Duration::from_secs(40));
    world.events("alice");
    world.events("bill");
    world.assert_over();
}
