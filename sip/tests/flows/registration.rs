//! RFC 3665 §2: registrations.

use std::sync::Arc;
use std::time::Duration;

use sip::auth::{Account, Algorithm};
use sip::endpoint::{Admission, Event, Gate, OutgoingRequest, RequestKind};
use sip::header::{HeaderName, StatusCode};
use sip::message::{Request, Response};
use sip::transport::Flow;

use crate::world::{World, uri};

/// Knows Bob by his password.
struct House;

impl Gate for House {
    fn admit(&self, _: Flow, _: &Request) -> Admission {
        Admission::Challenge
    }

    fn password(&self, name: &str, _: Algorithm) -> Option<Box<str>> {
        (name == "bob").then(|| "zanzibar".into())
    }

    fn may_register(&self, name: &str) -> bool {
        name == "bob"
    }
}

fn house() -> World {
    let mut world = World::of(&["bob", "server"]);
    world.act("server", |endpoint, now| endpoint.set_gate(now, Arc::new(House)));
    world
}

/// What comes of one REGISTER of Bob's.
fn register(world: &mut World, contact: &str, expires: u32, number: u32, password: &str) -> Box<Response> {
    let aor = uri(&format!("sip:bob@{}", world.address("server")));
    let request = OutgoingRequest {
        kind: RequestKind::Register { contact: uri(contact), expires, series: 1, number },
        flow: Flow::udp(world.address("bob"), world.address("server")),
        request_uri: uri(&format!("sip:{}", world.address("server"))),
        from: aor.clone().into(),
        to: aor.into(),
        account: Account::new("auricle", "bob", password),
    };
    world.act("bob", |endpoint, now| endpoint.request(now, request)).expect("room for a request");
    world.settle();
    match world.event("bob") {
        Event::Replied { response, .. } => response,
        other => panic!("{other:?}"),
    }
}

/// How many contacts of Bob the server knows.
fn known(world: &mut World) -> usize {
    world.act("server", |endpoint, now| endpoint.contacts(now, "bob").count())
}

const FIRST: &str = "sip:bob@192.0.2.1:5060";
const SECOND: &str = "sip:bob@192.0.2.1:5070";

#[test]
fn section_2_1_a_new_registration_is_challenged_and_made() {
    let mut world = house();
    let response = register(&mut world, FIRST, 3_600, 1, "zanzibar");
    assert_eq!(response.status(), StatusCode::OK);
    let expected = ["bob > server: REGISTER", "server > bob: 401 REGISTER", "bob > server: REGISTER", "server > bob: 200 REGISTER"];
    assert_eq!(world.ladder(), expected);
    assert_eq!(known(&mut world), 1);
    world.assert_over();
}

#[test]
fn section_2_2_a_second_contact_stands_beside_the_first() {
    let mut world = house();
    register(&mut world, FIRST, 3_600, 1, "zanzibar");
    let response = register(&mut world, SECOND, 3_600, 5, "zanzibar");
    let contacts: Vec<&str> = response.headers().values(HeaderName::Contact).collect();
    assert!(
        contacts.iter().any(|contact| contact.contains("5060")) && contacts.iter().any(|contact| contact.contains("5070")),
        "{contacts:?}"
    );
    assert_eq!(known(&mut world), 2);
    world.assert_over();
}

#[test]
fn section_2_3_the_list_of_contacts_is_told_with_what_is_left_of_each() {
    let mut world = house();
    register(&mut world, FIRST, 3_600, 1, "zanzibar");
    world.run(Duration::from_secs(600));
    // A refresh of the other contact shows the first, ten minutes older.
    let response = register(&mut world, SECOND, 600, 5, "zanzibar");
    let left: Vec<u32> =
        response.headers().values(HeaderName::Contact).filter_map(|contact| contact.rsplit('=').next()?.parse().ok()).collect();
    assert!(left.contains(&600) && left.iter().any(|left| (2_990..=3_000).contains(left)), "{left:?}");
    world.assert_over();
}

#[test]
fn section_2_4_a_registration_is_taken_back() {
    let mut world = house();
    register(&mut world, FIRST, 3_600, 1, "zanzibar");
    let response = register(&mut world, FIRST, 0, 5, "zanzibar");
    assert_eq!((response.status(), response.headers().value(HeaderName::Contact)), (StatusCode::OK, None));
    assert_eq!(known(&mut world), 0);
    world.assert_over();
}

#[test]
fn section_2_5_a_wrong_password_is_refused_at_the_second_attempt_and_not_tried_again() {
    let mut world = house();
    let response = register(&mut world, FIRST, 3_600, 1, "wrong");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let expected = ["bob > server: REGISTER", "server > bob: 401 REGISTER", "bob > server: REGISTER", "server > bob: 401 REGISTER"];
    assert_eq!(world.ladder(), expected);
    assert_eq!(known(&mut world), 0);
    world.assert_over();
}

#[test]
fn too_short_a_registration_is_told_the_shortest() {
    let mut world = house();
    let response = register(&mut world, FIRST, 10, 1, "zanzibar");
    assert_eq!((response.status(), response.headers().value(HeaderName::MinExpires)), (StatusCode::INTERVAL_TOO_BRIEF, Some("60")));
    world.assert_over();
}

#[test]
fn a_registration_ends_by_itself() {
    let mut world = house();
    register(&mut world, FIRST, 120, 1, "zanzibar");
    world.run(Duration::from_secs(119));
    assert_eq!(known(&mut world), 1);
    world.run(Duration::from_secs(2));
    assert_eq!(known(&mut world), 0);
    world.assert_over();
}
