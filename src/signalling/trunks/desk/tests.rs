use std::collections::BTreeMap;

use bytes::Bytes;
use sip::endpoint::{EndpointConfig, Event, Output};
use sip::header::HeaderName;
use sip::message::{Message, Request};

use super::*;
use crate::signalling::config::UnknownCallers;
use crate::signalling::trunks::DirectorySource;
use crate::signalling::trunks::{Door, TrunkConfig};

const OURS: &str = "192.0.2.9:5060";
const THEIRS: &str = "192.0.2.1:5060";

fn directory(trunk: TrunkConfig) -> Arc<Directory> {
    let trunks = BTreeMap::from([("carrier".to_owned(), trunk)]);
    let source = DirectorySource { trunks, unknown_callers: UnknownCallers::Refuse, ..DirectorySource::default() };
    Arc::new(Directory::new(source, |_| Some("secret".to_owned())).unwrap())
}

fn carrier() -> TrunkConfig {
    TrunkConfig {
        target: Some("sip:192.0.2.1".to_owned()),
        realm: Some("auricle".to_owned()),
        username: Some("pbx".to_owned()),
        password_env: Some("P".to_owned()),
        register: true,
        ..TrunkConfig::default()
    }
}

fn carrier_flow() -> Flow {
    Flow::udp(OURS.parse().unwrap(), THEIRS.parse().unwrap())
}

/// Our desk with its endpoint, and somebody at the other end who registers people.
struct Line {
    now: Instant,
    ours: (Endpoint, Desk),
    theirs: Endpoint,
    /// Whether the other end is there.
    answers: bool,
    sent: Vec<String>,
}

impl Line {
    fn new(trunk: TrunkConfig) -> Self {
        let now = Instant::now();
        let is_named = trunk.target.as_deref() == Some("sip:carrier.example");
        let mut desk = Desk::new(now, directory(trunk), [1; 32]);
        if !is_named {
            desk.set_flows(now, &TrunkName::from("carrier"), vec![carrier_flow()]);
        }
        let mut theirs = Endpoint::new(EndpointConfig { seed: [2; 32], ..EndpointConfig::default() });
        let pbx =
            TrunkConfig { login: Some("pbx".into()), login_password_env: Some("P".into()), registers: true, ..TrunkConfig::default() };
        theirs.set_gate(now, Arc::new(Door { directory: directory(pbx), is_named: Box::new(|_, _| false) }));
        let ours = Endpoint::new(EndpointConfig { seed: [1; 32], ..EndpointConfig::default() });
        Self { now, ours: (ours, desk), theirs, answers: true, sent: Vec::new() }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let (endpoint, desk) = &mut self.ours;
            endpoint.handle_timeout(self.now);
            desk.handle_timeout(self.now, endpoint);
            self.theirs.handle_timeout(self.now);
            self.exchange();
            self.now += Duration::from_millis(250);
        }
    }

    fn exchange(&mut self) {
        let flow = Flow::udp(OURS.parse().unwrap(), THEIRS.parse().unwrap());
        let mut quiet = false;
        while !quiet {
            quiet = true;
            let (endpoint, desk) = &mut self.ours;
            match endpoint.poll_output() {
                Output::Transmit(transmit) => {
                    quiet = false;
                    self.sent.push(first_line(&transmit.bytes));
                    if self.answers {
                        self.theirs.handle_message(self.now, flow.reversed(), transmit.bytes);
                    }
                }
                Output::Event(Event::Replied { id, response }) => {
                    quiet = false;
                    desk.handle_reply(self.now, id, Some(&response));
                }
                Output::Event(Event::Unanswered { id }) => {
                    quiet = false;
                    desk.handle_reply(self.now, id, None);
                }
                Output::Event(_) | Output::Timeout(_) => {}
            }
            if let Output::Transmit(transmit) = self.theirs.poll_output() {
                quiet = false;
                self.ours.0.handle_message(self.now, flow, transmit.bytes);
            }
        }
    }

    fn status(&self) -> TrunkStatus {
        self.ours.1.status(self.now, &TrunkName::from("carrier")).unwrap()
    }

    fn sent(&mut self, method: &str) -> usize {
        let count = self.sent.iter().filter(|line| line.starts_with(method)).count();
        self.sent.clear();
        count
    }
}

fn first_line(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_trunk_that_wants_it_is_registered_at_kept_so_and_asked_after() {
    let mut line = Line::new(carrier());
    line.run(Duration::from_secs(1));
    assert!(matches!(line.status().registration, Some((RegistrationStatus::Registered { .. }, _))));
    assert_eq!(line.theirs.contacts(line.now, "pbx").count(), 1);
    assert_eq!(line.sent("REGISTER"), 2, "one challenged, one with credentials");
    line.run(Duration::from_secs(3_600));
    let again = line.sent.iter().filter(|text| text.starts_with("REGISTER")).count();
    let asked = line.sent("OPTIONS");
    assert!((12..=20).contains(&again), "{again} in an hour, by 600 s, each challenged");
    assert!((110..=122).contains(&asked), "{asked} in an hour, every 30 s");
}

#[test]
fn a_target_that_is_gone_takes_no_calls_until_it_answers_again() {
    let mut line = Line::new(carrier());
    line.run(Duration::from_secs(1));
    let way = |line: &Line| {
        let (endpoint, desk) = &line.ours;
        let trunk = Arc::clone(desk.directory().trunks().next().unwrap());
        !desk.ways(line.now, endpoint, &trunk).is_empty()
    };
    assert!(way(&line));
    line.answers = false;
    line.run(Duration::from_secs(110));
    assert!(!way(&line) && !line.status().is_up());
    line.answers = true;
    line.run(Duration::from_secs(70));
    assert!(way(&line) && line.status().is_up());
}

#[test]
fn a_directory_that_changes_nothing_about_a_trunk_registers_it_no_second_time() {
    let mut line = Line::new(carrier());
    line.run(Duration::from_secs(1));
    line.sent("REGISTER");
    assert!(line.ours.1.replace(line.now, directory(carrier())).is_empty());
    line.run(Duration::from_secs(5));
    assert_eq!(line.sent("REGISTER"), 0);
    let other = directory(TrunkConfig { register_expiry_s: 120, ..carrier() });
    assert!(line.ours.1.replace(line.now, other).is_empty(), "the same contact is registered anew");
    line.run(Duration::from_secs(5));
    assert_eq!(line.sent("REGISTER"), 2);
}

#[test]
fn what_was_asked_of_a_trunk_says_nothing_of_the_one_that_took_its_name() {
    let mut line = Line::new(carrier());
    line.answers = false;
    line.run(Duration::from_secs(8));
    line.answers = true;
    let other = directory(TrunkConfig { register_expiry_s: 120, ..carrier() });
    drop(line.ours.1.replace(line.now, other));
    line.run(Duration::from_secs(1));
    let stands = line.status();
    assert!(stands.is_up() && stands.is_registered() == Some(true));
    // Until what was asked before has found nobody.
    line.answers = false;
    line.run(Duration::from_secs(25));
    assert_eq!(line.status(), stands);
}

#[test]
fn a_registrar_at_an_ipv6_address_is_registered_at() {
    let mut line = Line::new(TrunkConfig { target: Some("sip:[2001:db8::1]".to_owned()), ..carrier() });
    let request = line.ours.1.watched.values().next().and_then(|watched| {
        let kind = RequestKind::Register { contact: watched.contact()?, expires: 60, series: 1, number: 1 };
        watched.request(kind)
    });
    assert_eq!(request.unwrap().from.uri().as_str(), "sip:pbx@[2001:db8::1]");
    line.run(Duration::from_secs(1));
    assert!(line.sent("REGISTER sip:[2001:db8::1]") > 0);
}

#[test]
fn a_trunk_that_is_taken_away_knows_us_no_more() {
    let mut line = Line::new(carrier());
    line.run(Duration::from_secs(1));
    assert_eq!(line.theirs.contacts(line.now, "pbx").count(), 1);
    let leaving = line.ours.1.replace(line.now, Arc::new(Directory::default()));
    Desk::take_leave(line.now, &mut line.ours.0, leaving);
    line.run(Duration::from_secs(1));
    assert_eq!(line.theirs.contacts(line.now, "pbx").count(), 0);
    line.sent("REGISTER");
    line.run(Duration::from_secs(1_200));
    assert_eq!(line.sent("REGISTER"), 0);
}

#[test]
fn a_name_is_reached_by_the_addresses_that_are_found_for_it() {
    let mut line = Line::new(TrunkConfig { target: Some("sip:carrier.example".into()), ..carrier() });
    line.run(Duration::from_secs(1));
    assert_eq!(line.sent.len(), 0, "nobody knows where it is");
    let name = TrunkName::from("carrier");
    line.ours.1.set_flows(line.now, &name, vec![carrier_flow()]);
    line.run(Duration::from_secs(1));
    assert!(matches!(line.status().registration, Some((RegistrationStatus::Registered { .. }, _))));
}

#[test]
fn a_call_of_a_name_that_must_prove_itself_is_challenged_and_of_a_known_address_is_not() {
    let text = |name: &str| {
        format!(
            "INVITE sip:1000@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{name}\r\nFrom: <sip:{name}@192.0.2.1>;tag=1\r\n\
             To: <sip:1000@192.0.2.9>\r\nCall-ID: {name}\r\nCSeq: 1 INVITE\r\nContact: <sip:{name}@192.0.2.1>\r\n\r\n"
        )
    };
    let request = |name: &str| -> Request {
        match Message::parse(Bytes::from(text(name))) {
            Ok(Message::Request(request)) => request,
            _ => panic!("a request"),
        }
    };
    use sip::endpoint::{Admission, Gate};

    let flow = Flow::udp(OURS.parse().unwrap(), THEIRS.parse().unwrap());
    let proves = TrunkConfig { login: Some("pbx".into()), login_password_env: Some("P".into()), ..TrunkConfig::default() };
    let known = TrunkConfig { addresses: vec!["192.0.2.1".parse().unwrap()], ..TrunkConfig::default() };
    let both = TrunkConfig { addresses: known.addresses.clone(), ..proves.clone() };
    for (trunk, admission) in [
        (proves, Admission::Challenge),
        (both, Admission::Challenge),
        (known, Admission::Welcome),
        (TrunkConfig::default(), Admission::Refuse(sip::header::StatusCode::FORBIDDEN)),
    ] {
        assert_eq!(Door { directory: directory(trunk), is_named: Box::new(|_, _| false) }.admit(flow, &request("x")), admission);
    }
    assert!(request("x").headers().value(HeaderName::Authorization).is_none());
}
