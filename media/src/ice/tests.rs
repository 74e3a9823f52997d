//! A browser of a few lines against the agent, in virtual time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::stun::{self, Attribute, Class, Message, TransactionId};
use super::{IceAgent, IceCredentials, IceError, IceEvent};
use crate::sdp::IcePassword;
use crate::transport::{Flow, Protocol};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn credentials(ufrag: &str, password: &str) -> IceCredentials {
    IceCredentials { ufrag: ufrag.to_owned(), password: IcePassword::new(password) }
}

fn flow(remote: &str) -> Flow {
    let remote: SocketAddr = remote.parse().unwrap();
    Flow { protocol: Protocol::Udp, local: "192.0.2.1:8443".parse().unwrap(), remote }
}

/// The far end, and the agent it calls.
struct Pair {
    agent: IceAgent,
    ours: IceCredentials,
    theirs: IceCredentials,
    drawn: u8,
}

const HOME: &str = "198.51.100.7:50000";
const AWAY: &str = "203.0.113.9:60000";

impl Pair {
    fn new() -> Self {
        let (ours, theirs) = (credentials("route001gen0", "the gateway's password"), credentials("peer", "the browser's password."));
        Self { agent: IceAgent::new(ours.clone(), theirs.clone(), [3; 32]), ours, theirs, drawn: 0 }
    }

    /// The browser checks a path: what the agent says of that.
    fn check(&mut self, now: Instant, path: &str, wanted: bool) -> Result<(), IceError> {
        let (ours, theirs) = (self.ours.clone(), self.theirs.clone());
        self.check_as(now, path, wanted, (&ours, &theirs))
    }

    fn check_as(
        &mut self,
        now: Instant,
        path: &str,
        wanted: bool,
        (ours, theirs): (&IceCredentials, &IceCredentials),
    ) -> Result<(), IceError> {
        self.drawn += 1;
        let mut attributes = vec![Attribute::Username(&ours.ufrag, &theirs.ufrag), Attribute::Priority(1), Attribute::Controlling(9)];
        attributes.extend(wanted.then_some(Attribute::UseCandidate));
        let mut octets = Vec::new();
        stun::write(&mut octets, Class::Request, TransactionId([self.drawn; 12]), &attributes, ours.password.expose().as_bytes());
        self.agent.handle_message(now, flow(path), &octets)
    }

    /// The browser receives what was sent to `path`, and answers checks.
    fn receive(&mut self, now: Instant, path: &str) -> (usize, usize) {
        let (mut answers, mut checks) = (0, 0);
        while let Some((to, octets)) = self.agent.poll_transmit() {
            if to != flow(path) {
                continue;
            }
            let message = Message::parse(&octets).unwrap();
            if message.class != Class::Request {
                answers += 1;
                continue;
            }
            checks += 1;
            assert!(message.is_authentic(self.theirs.password.expose().as_bytes()), "checks are under the peer's password");
            let mut answer = Vec::new();
            let mapped = [Attribute::Mapped(to.local)];
            stun::write(&mut answer, Class::Success, message.transaction, &mapped, self.theirs.password.expose().as_bytes());
            self.agent.handle_message(now, to, &answer).unwrap();
        }
        (answers, checks)
    }

    fn events(&mut self) -> Vec<IceEvent> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    fn connect(&mut self, now: Instant) {
        self.check(now, HOME, false).unwrap();
        assert_eq!(self.receive(now, HOME), (1, 1));
        self.check(now, HOME, true).unwrap();
        self.receive(now, HOME);
        assert_eq!(self.events(), [IceEvent::Verified(flow(HOME)), IceEvent::Selected(flow(HOME))]);
    }
}

#[test]
fn a_pair_is_selected_once_the_peer_wants_it_and_has_answered_whichever_comes_first() {
    let now = start();
    for wanted_at_once in [false, true] {
        let mut pair = Pair::new();
        pair.check(now, HOME, wanted_at_once).unwrap();
        assert_eq!(pair.events(), [], "not before it has answered");
        assert!(pair.agent.admits(flow(HOME)) && !pair.agent.has_verified(flow(HOME)) && pair.agent.route().is_none());
        assert_eq!(pair.receive(now, HOME), (1, 1));
        if !wanted_at_once {
            assert_eq!(pair.events(), [IceEvent::Verified(flow(HOME))]);
            pair.check(now, HOME, true).unwrap();
        }
        assert_eq!(pair.events().last(), Some(&IceEvent::Selected(flow(HOME))));
        assert_eq!(pair.agent.route(), Some(flow(HOME)));
    }
}

#[test]
fn who_does_not_hold_the_password_is_not_answered_and_not_admitted() {
    let now = start();
    let mut pair = Pair::new();
    let (ours, theirs) = (pair.ours.clone(), pair.theirs.clone());
    let forged = credentials(&ours.ufrag, "some other password!!!");
    assert_eq!(pair.check_as(now, AWAY, true, (&forged, &theirs)), Err(IceError::NotAuthentic));
    assert_eq!(pair.check_as(now, AWAY, true, (&credentials("other", "the gateway's password"), &theirs)), Err(IceError::NotAuthentic));
    assert_eq!(pair.check_as(now, AWAY, true, (&ours, &credentials("else", "x"))), Err(IceError::NotAuthentic));
    assert!(pair.agent.poll_transmit().is_none() && !pair.agent.admits(flow(AWAY)));
}

#[test]
fn who_lends_somebody_elses_address_gets_nothing_sent_there_but_six_checks() {
    let mut now = start();
    let mut pair = Pair::new();
    pair.check(now, AWAY, true).unwrap();
    let mut sent = 0;
    while let Some(due) = pair.agent.poll_timeout() {
        now = due;
        pair.agent.handle_timeout(now);
        sent += std::iter::from_fn(|| pair.agent.poll_transmit()).count();
    }
    assert_eq!(sent, 1 + 6, "one answer and the checks");
    assert!(pair.agent.route().is_none());
}

#[test]
fn an_answer_is_no_longer_than_its_question() {
    for path in [HOME, "[2001:db8::7]:50000"] {
        let (now, mut pair) = (start(), Pair::new());
        let mut question = Vec::new();
        let attributes = [Attribute::Username(&pair.ours.ufrag, &pair.theirs.ufrag), Attribute::Priority(1), Attribute::Controlling(9)];
        stun::write(&mut question, Class::Request, TransactionId([1; 12]), &attributes, pair.ours.password.expose().as_bytes());
        pair.agent.handle_message(now, flow(path), &question).unwrap();
        let (_, answer) = pair.agent.poll_transmit().unwrap();
        assert!(answer.len() <= question.len(), "{} to {}", answer.len(), question.len());
    }
}

#[test]
fn a_peer_that_takes_our_side_for_its_own_is_told_and_one_with_unknown_attributes_too() {
    let (now, mut pair) = (start(), Pair::new());
    let mut question = Vec::new();
    let attributes = [Attribute::Username(&pair.ours.ufrag, &pair.theirs.ufrag), Attribute::Controlled(u64::MAX)];
    stun::write(&mut question, Class::Request, TransactionId([1; 12]), &attributes, pair.ours.password.expose().as_bytes());
    assert_eq!(pair.agent.handle_message(now, flow(HOME), &question), Err(IceError::Refused));
    let (_, answer) = pair.agent.poll_transmit().unwrap();
    assert_eq!(Message::parse(&answer).unwrap().error, Some(487));
    assert!(!pair.agent.admits(flow(HOME)));
}

#[test]
fn a_peer_whose_translator_gives_it_another_address_is_followed_once_it_is_silent_on_the_old_one() {
    let mut now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    for _ in 0..50 {
        pair.agent.note_heard(now, flow(HOME));
        now += Duration::from_millis(20);
    }
    // While the old path is alive a second one changes nothing.
    pair.check(now, AWAY, false).unwrap();
    pair.receive(now, AWAY);
    assert_eq!(pair.events(), [IceEvent::Verified(flow(AWAY))]);
    now += Duration::from_millis(1_400);
    pair.check(now, AWAY, false).unwrap();
    assert_eq!(pair.events(), []);
    now += Duration::from_millis(100);
    pair.check(now, AWAY, false).unwrap();
    assert_eq!(pair.events(), [IceEvent::Selected(flow(AWAY))]);
}

#[test]
fn a_peer_that_only_listens_stays_on_its_path_between_two_checks_of_it_and_is_followed_when_these_stay_away() {
    let mut now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    pair.check(now, AWAY, false).unwrap();
    pair.receive(now, AWAY);
    pair.events();
    for _ in 0..10 {
        // What a listener sends besides are reports, seconds apart.
        pair.agent.note_heard(now, flow(HOME));
        pair.check(now, HOME, false).unwrap();
        now += Duration::from_millis(2_400);
        pair.check(now, AWAY, false).unwrap();
        assert_eq!(pair.events(), [], "the other path is checked just before its own is again");
        now += Duration::from_millis(100);
    }
    now += Duration::from_millis(3_500);
    pair.check(now, AWAY, false).unwrap();
    assert_eq!(pair.events(), [IceEvent::Selected(flow(AWAY))], "6 s after the last check");
}

#[test]
fn of_two_paths_that_the_peer_wants_the_one_that_it_sends_by_is_taken() {
    let now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    pair.check(now, AWAY, true).unwrap();
    pair.receive(now, AWAY);
    assert_eq!(pair.agent.route(), Some(flow(HOME)));
    pair.agent.note_heard(now, flow(AWAY));
    assert_eq!(pair.agent.route(), Some(flow(AWAY)));
}

#[test]
fn a_restart_keeps_the_old_path_until_the_new_one_stands_and_then_forgets_the_old_password() {
    let now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    let (old_ours, old_theirs) = (pair.ours.clone(), pair.theirs.clone());
    (pair.ours, pair.theirs) = (credentials("route001gen1", "a password of the gateway"), credentials("PEER", "a new browser password"));
    pair.agent.restart(pair.ours.clone(), pair.theirs.clone());
    assert_eq!(pair.agent.route(), Some(flow(HOME)));
    pair.check_as(now, HOME, false, (&old_ours, &old_theirs)).unwrap();
    while pair.agent.poll_transmit().is_some() {}
    pair.check(now, AWAY, true).unwrap();
    pair.receive(now, AWAY);
    assert_eq!(pair.agent.route(), Some(flow(AWAY)));
    assert_eq!(pair.check_as(now, HOME, true, (&old_ours, &old_theirs)), Err(IceError::NotAuthentic));
}

#[test]
fn the_same_path_can_be_nominated_anew_after_a_restart() {
    let now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    (pair.ours, pair.theirs) = (credentials("route001gen1", "a password of the gateway"), credentials("PEER", "a new browser password"));
    pair.agent.restart(pair.ours.clone(), pair.theirs.clone());
    pair.check(now, HOME, true).unwrap();
    assert_eq!(pair.agent.route(), Some(flow(HOME)), "the old path serves meanwhile");
    assert_eq!(pair.receive(now, HOME), (1, 1));
    assert_eq!(pair.agent.route(), Some(flow(HOME)));
    assert_eq!(pair.events(), [IceEvent::Verified(flow(HOME)), IceEvent::Selected(flow(HOME))]);
}

#[test]
fn consent_is_asked_for_every_four_to_six_seconds_and_lost_after_thirty_without_an_answer() {
    let mut now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    let began = now;
    for _ in 0..20 {
        let due = pair.agent.poll_timeout().unwrap();
        assert!((3_900..=6_100).contains(&(due - now).as_millis()), "{:?}", due - now);
        now = due;
        pair.agent.handle_timeout(now);
        assert_eq!(pair.receive(now, HOME), (0, 1));
    }
    assert!(now - began > Duration::from_secs(80) && pair.events().is_empty());
    let last = now;
    while pair.events().is_empty() {
        now = pair.agent.poll_timeout().unwrap();
        pair.agent.handle_timeout(now);
        while pair.agent.poll_transmit().is_some() {}
    }
    assert_eq!(now - last, Duration::from_secs(30));
    assert!(pair.agent.route().is_none() && pair.agent.poll_timeout().is_none());
}

#[test]
fn an_outage_of_five_seconds_changes_nothing() {
    let mut now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    let began = now;
    while now - began < Duration::from_secs(5) {
        now = pair.agent.poll_timeout().unwrap().min(began + Duration::from_secs(5));
        pair.agent.handle_timeout(now);
        while pair.agent.poll_transmit().is_some() {}
    }
    pair.check(now, HOME, false).unwrap();
    assert_eq!((pair.agent.route(), pair.events()), (Some(flow(HOME)), vec![]));
}

#[test]
fn a_connection_that_is_closed_gives_way_to_another_path() {
    let now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    pair.check(now, AWAY, false).unwrap();
    pair.receive(now, AWAY);
    pair.agent.handle_closed(now, flow(HOME));
    assert_eq!(pair.agent.route(), Some(flow(AWAY)));
    assert!(!pair.agent.admits(flow(HOME)));
}

#[test]
fn a_connection_that_is_closed_without_another_path_is_waited_for_and_given_up() {
    let mut now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    let closed = now;
    pair.agent.handle_closed(now, flow(HOME));
    let mut waited = 0;
    while pair.events().is_empty() {
        let due = pair.agent.poll_timeout().unwrap();
        now = now.max(due);
        pair.agent.handle_timeout(now);
        assert!(pair.agent.poll_timeout().is_none_or(|next| next > now), "nothing stays due");
        waited += 1;
        assert!(waited < 10);
    }
    assert!((Duration::from_secs(25)..=Duration::from_secs(30)).contains(&(now - closed)), "{:?}", now - closed);
    assert!(pair.agent.poll_timeout().is_none());
}

#[test]
fn a_peer_with_ever_new_addresses_has_eight_at_a_time_and_keeps_the_one_selected() {
    let now = start();
    let mut pair = Pair::new();
    pair.connect(now);
    for port in 1..=200 {
        pair.check(now, &format!("203.0.113.9:{port}"), false).unwrap();
        while pair.agent.poll_transmit().is_some() {}
    }
    let known = (1..=200).filter(|port| pair.agent.admits(flow(&format!("203.0.113.9:{port}")))).count();
    assert_eq!((known, pair.agent.route()), (7, Some(flow(HOME))));
}
