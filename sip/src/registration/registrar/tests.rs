use bytes::Bytes;

use super::*;
use crate::message::Message;

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn flow(port: u16) -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), std::net::SocketAddr::new("192.0.2.7".parse().unwrap(), port))
}

fn register(user: &str, cseq: u32, lines: &str) -> Request {
    let text = format!(
        "REGISTER sip:gateway SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:{user}@gateway>;tag=1\r\n\
         To: <sip:{user}@gateway>\r\n{lines}Call-ID: of-{user}\r\nCSeq: {cseq} REGISTER\r\n\r\n"
    );
    match Message::parse(Bytes::from(text)) {
        Ok(Message::Request(request)) => request,
        _ => panic!("a request"),
    }
}

fn accepted(answer: RegistrarAnswer) -> Vec<(String, u64)> {
    match answer {
        RegistrarAnswer::Accepted(contacts) => contacts.into_iter().map(|(uri, left)| (uri.to_string(), left)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_contact_is_found_by_its_flow_until_it_ends() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig::default());
    let request = register("alice", 1, "Contact: <sip:alice@10.0.0.1:5062>;expires=120\r\n");
    assert_eq!(accepted(registrar.handle_register(now, "alice", flow(40_000), &request)), [("sip:alice@10.0.0.1:5062".to_owned(), 120)]);
    let found: Vec<Flow> = registrar.look_up(now, "alice").map(|binding| binding.flow).collect();
    assert_eq!(found, [flow(40_000)]);
    assert_eq!(registrar.look_up(now + Duration::from_secs(120), "alice").count(), 0);
    assert_eq!(registrar.look_up(now, "bob").count(), 0);
}

#[test]
fn contacts_are_found_by_preference_and_then_the_latest_first() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig::default());
    let contacts = [("desk", ";q=0.5"), ("none", ""), ("odd", ";q=0.5001"), ("soft", ";q=0.5"), ("last", ";q=0"), ("full", ";q=1.0")];
    for (cseq, (user, q)) in (1..).zip(contacts) {
        let config = format!("Contact: <sip:{user}@10.0.0.1>{q}\r\n");
        registrar.config.max_bindings_of_one = 6;
        accepted(registrar.handle_register(now, "alice", flow(1), &register("alice", cseq, &config)));
    }
    let found = |registrar: &Registrar| {
        let found = registrar.look_up(now, "alice").map(|binding| (binding.contact.user().unwrap().to_owned(), binding.preference));
        found.collect::<Vec<_>>()
    };
    let expected = [("full", 1_000), ("odd", 1_000), ("none", 1_000), ("soft", 500), ("desk", 500), ("last", 0)];
    assert_eq!(found(&registrar), expected.map(|(user, preference)| (user.to_owned(), preference)));
    accepted(registrar.handle_register(now, "alice", flow(1), &register("alice", 9, "Contact: <sip:desk@10.0.0.1>;q=0.9\r\n")));
    assert_eq!(found(&registrar)[3], ("desk".to_owned(), 900), "a refresh may change it");
}

#[test]
fn nobody_registers_for_somebody_else() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig::default());
    let request = register("bob", 1, "Contact: <sip:alice@10.0.0.1>\r\n");
    let answer = registrar.handle_register(now, "alice", flow(1), &request);
    assert_eq!(answer, RegistrarAnswer::Refused(StatusCode::FORBIDDEN));
    assert!(registrar.is_empty());
}

#[test]
fn expiries_are_kept_within_bounds() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig::default());
    let mut ask = |cseq, lines: &str| registrar.handle_register(now, "alice", flow(1), &register("alice", cseq, lines));
    assert_eq!(ask(1, "Contact: <sip:a@b>\r\nExpires: 10\r\n"), RegistrarAnswer::TooBrief { at_least: 60 });
    assert_eq!(accepted(ask(2, "Contact: <sip:a@b>\r\nExpires: 90000\r\n"))[0].1, 3_600);
    assert_eq!(accepted(ask(3, "Contact: <sip:a@b>\r\n"))[0].1, 3_600);
    assert_eq!(accepted(ask(4, ""))[0].1, 3_600, "a question changes nothing");
}

#[test]
fn contacts_are_taken_back_one_by_one_or_all_at_once() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig::default());
    let mut ask = |cseq, lines: &str| registrar.handle_register(now, "alice", flow(1), &register("alice", cseq, lines));
    accepted(ask(1, "Contact: <sip:a@b>, <sip:a@c>\r\n"));
    assert_eq!(accepted(ask(2, "Contact: <sip:a@b>;expires=0\r\n")).len(), 1);
    assert_eq!(ask(3, "Contact: *\r\nExpires: 60\r\n"), RegistrarAnswer::Refused(StatusCode::BAD_REQUEST));
    assert_eq!(accepted(ask(4, "Contact: *\r\nExpires: 0\r\n")), []);
    assert!(registrar.is_empty());
}

#[test]
fn a_request_that_comes_late_changes_nothing() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig::default());
    let mut ask = |cseq, lines: &str| registrar.handle_register(now, "alice", flow(1), &register("alice", cseq, lines));
    accepted(ask(5, "Contact: <sip:a@b>\r\n"));
    assert_eq!(ask(4, "Contact: <sip:a@b>;expires=0\r\n"), RegistrarAnswer::Refused(StatusCode::SERVER_INTERNAL_ERROR));
    assert_eq!(registrar.look_up(now, "alice").count(), 1);
}

#[test]
fn the_table_is_bounded_a_name_and_in_all() {
    let now = start();
    let mut registrar = Registrar::new(RegistrarConfig { max_bindings: 3, max_bindings_of_one: 2, ..RegistrarConfig::default() });
    for n in 1..=4 {
        let lines = format!("Contact: <sip:a@h{n}>;expires={}\r\n", 100 + n);
        accepted(registrar.handle_register(now, "alice", flow(1), &register("alice", n, &lines)));
    }
    let left: Vec<String> = registrar.look_up(now, "alice").map(|binding| binding.contact.to_string()).collect();
    assert_eq!(left, ["sip:a@h4", "sip:a@h3"]);
    for (name, answer) in [("bob", None), ("carol", Some(StatusCode::SERVICE_UNAVAILABLE))] {
        let got = registrar.handle_register(now, name, flow(1), &register(name, 1, "Contact: <sip:x@y>\r\n"));
        assert_eq!(matches!(got, RegistrarAnswer::Refused(status) if Some(status) == answer), answer.is_some(), "{got:?}");
    }
    let later = now + Duration::from_secs(4_000);
    accepted(registrar.handle_register(later, "carol", flow(1), &register("carol", 2, "Contact: <sip:x@y>\r\n")));
    assert_eq!(registrar.len(), 1);
}
