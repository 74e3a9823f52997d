//! Digest within calls, registrations and questions (RFC 3261 §22), at both ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::auth::{Account, Algorithm, Algorithms};
use sip::endpoint::{Admission, Endpoint, Event, Gate, OutgoingInvite, OutgoingRequest, RequestKind};
use sip::header::{HeaderName, StatusCode, Uri};
use sip::message::Request;
use sip::transport::Flow;

use crate::scripted_peer::{ScriptedPeer, request};
use crate::support::{CALLEE, CALLER, Pair, callee_contact, outgoing};

/// Everybody proves to be alice.
struct Strict;

impl Gate for Strict {
    fn admit(&self, _: Flow, _: &Request) -> Admission {
        Admission::Challenge
    }

    fn password(&self, name: &str, _: Algorithm) -> Option<Box<str>> {
        (name == "alice").then(|| "secret".into())
    }

    fn may_register(&self, name: &str) -> bool {
        name == "alice"
    }
}

fn account(password: &str) -> Option<Account> {
    Account::new("auricle", "alice", password)
}

fn with_account(password: &str) -> OutgoingInvite {
    OutgoingInvite { account: account(password), ..outgoing() }
}

fn strict_pair() -> Pair {
    let mut pair = Pair::new();
    pair.act(CALLEE, |endpoint, now| endpoint.set_gate(now, Arc::new(Strict)));
    pair
}

#[test]
fn a_call_with_the_password_is_let_in_at_the_second_invite_and_ends_like_any() {
    let mut pair = strict_pair();
    let call = pair.act(CALLER, |endpoint, now| endpoint.invite(now, with_account("secret"))).unwrap();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |endpoint, now| endpoint.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.settle();
    assert_eq!(pair.take_events(CALLER), ["Answered"]);
    assert_eq!(pair.take_events(CALLEE), ["Confirmed"], "the ACK has the number of the second INVITE");
    pair.act(CALLER, |endpoint, now| endpoint.hang_up(now, call));
    pair.run(Duration::from_secs(64));
    assert_eq!(
        (pair.take_events(CALLER), pair.take_events(CALLEE)),
        (vec!["Ended".to_owned()], vec!["HungUp".to_owned(), "Ended".to_owned()])
    );
    assert!(pair.ends.iter().all(Endpoint::is_idle));
}

#[test]
fn a_wrong_password_is_a_refusal_after_one_attempt() {
    let mut pair = strict_pair();
    pair.act(CALLER, |endpoint, now| endpoint.invite(now, with_account("guess"))).unwrap();
    pair.run(Duration::from_secs(64));
    assert_eq!(pair.take_events(CALLER), ["Refused", "Ended"]);
    assert_eq!(pair.take_events(CALLEE), <[String; 0]>::default());
    assert_eq!(pair.sent.iter().filter(|(from, line)| *from == CALLER && line.starts_with("INVITE")).count(), 2);
    assert!(pair.ends.iter().all(Endpoint::is_idle));
}

#[test]
fn a_call_without_credentials_leaves_nothing_behind() {
    let mut pair = strict_pair();
    pair.act(CALLER, |endpoint, now| endpoint.invite(now, outgoing())).unwrap();
    pair.settle();
    assert!(pair.ends[CALLEE].is_idle());
    assert_eq!(pair.take_events(CALLER), ["Refused", "Ended"]);
}

#[test]
fn a_call_that_is_hung_up_while_it_is_challenged_is_not_made_again() {
    let mut pair = strict_pair();
    let call = pair.act(CALLER, |endpoint, now| endpoint.invite(now, with_account("secret"))).unwrap();
    pair.act(CALLER, |endpoint, now| endpoint.hang_up(now, call));
    pair.run(Duration::from_secs(64));
    assert_eq!(pair.sent.iter().filter(|(_, line)| line.starts_with("INVITE")).count(), 1);
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
}

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

fn register(pair: &Pair, password: &str, expires: u32, number: u32) -> OutgoingRequest {
    let _ = pair;
    OutgoingRequest {
        kind: RequestKind::Register { contact: uri("sip:alice@192.0.2.1:5060"), expires, series: 1, number },
        flow: outgoing().flow,
        request_uri: uri("sip:192.0.2.2"),
        from: uri("sip:alice@192.0.2.2").into(),
        to: uri("sip:alice@192.0.2.2").into(),
        account: account(password),
    }
}

#[test]
fn a_registration_is_proven_kept_and_taken_back() {
    let mut pair = strict_pair();
    let wish = register(&pair, "secret", 600, 1);
    pair.act(CALLER, |endpoint, now| endpoint.request(now, wish)).unwrap();
    pair.settle();
    let Some(Event::Replied { response, .. }) = pair.events[CALLER].pop_front() else { panic!("no reply") };
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers().value(HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>;expires=600"));
    assert_eq!(pair.ends[CALLEE].contacts(pair.now, "alice").count(), 1);
    let wish = register(&pair, "secret", 0, 5);
    pair.act(CALLER, |endpoint, now| endpoint.request(now, wish)).unwrap();
    pair.settle();
    assert_eq!(pair.ends[CALLEE].contacts(pair.now, "alice").count(), 0);
    pair.run(Duration::from_secs(64));
    assert!(pair.ends.iter().all(Endpoint::is_idle));
}

#[test]
fn a_registrar_that_does_not_answer_is_told_once() {
    let mut pair = strict_pair();
    pair.lose = Box::new(|_, _| true);
    let wish = register(&pair, "secret", 600, 1);
    pair.act(CALLER, |endpoint, now| endpoint.request(now, wish)).unwrap();
    pair.run(Duration::from_secs(64));
    assert_eq!(pair.take_events(CALLER), ["Unanswered"]);
    assert!(pair.ends[CALLER].is_idle());
}

/// What we sent that holds credentials.
fn authorizations(peer: &ScriptedPeer) -> usize {
    peer.received.iter().filter(|transmit| String::from_utf8_lossy(&transmit.bytes).contains("uthorization:")).count()
}

/// The refusal of the BYE that went out last.
fn challenge_of_bye(peer: &mut ScriptedPeer, realm: &str) {
    let bye = peer.received.last().map(|transmit| String::from_utf8_lossy(&transmit.bytes).into_owned()).unwrap();
    assert!(bye.starts_with("BYE"), "{bye}");
    let kept = |name: &str| bye.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let copied: Vec<String> = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(kept).to_vec();
    let challenge = format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"n\", qop=\"auth\"");
    peer.send(&format!("SIP/2.0 407 x\r\n{}\r\n{challenge}\r\n\r\n", copied.join("\r\n")));
}

#[test]
fn a_caller_that_challenges_our_bye_learns_nothing() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.established();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    challenge_of_bye(&mut peer, "auricle");
    assert_eq!(authorizations(&peer), 0);
    assert_eq!(peer.event_names(), ["Ended"]);
}

#[test]
fn within_a_call_of_ours_only_its_own_realm_is_answered() {
    for (realm, answered) in [("auricle", 1), ("evil", 0)] {
        let mut peer = ScriptedPeer::new();
        let id = peer.act(|endpoint, now| endpoint.invite(now, with_account("secret"))).unwrap();
        let invite = String::from_utf8_lossy(&peer.received.pop().unwrap().bytes).into_owned();
        let kept = |name: &str| invite.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        let (via, from, call_id) = (kept("Via:"), kept("From:"), kept("Call-ID:"));
        peer.send(&format!(
            "SIP/2.0 200 OK\r\n{via}\r\n{from}\r\n{};tag=x\r\n{call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:b@192.0.2.1>\r\n\r\nanswer",
            kept("To:")
        ));
        peer.act(|endpoint, now| endpoint.hang_up(now, id));
        challenge_of_bye(&mut peer, realm);
        assert_eq!(authorizations(&peer), answered, "{realm}");
        if answered == 1 {
            let again = String::from_utf8_lossy(&peer.received.last().unwrap().bytes).into_owned();
            assert!(again.starts_with("BYE") && again.contains("CSeq: 3 BYE"), "{again}");
        }
    }
}

#[test]
fn without_a_gate_nobody_registers() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request("REGISTER", "a", 1, "", "", ""));
    assert_eq!(peer.statuses(), [405]);
}

#[test]
fn strangers_that_register_are_challenged_alike_and_leave_nothing_behind() {
    let mut peer = ScriptedPeer::new();
    peer.act(|endpoint, now| endpoint.set_gate(now, Arc::new(Strict)));
    for n in 0..2_000 {
        peer.send(&request("REGISTER", &format!("b{n}"), 1, "", "", "").replace("REGISTER sip:1000@192.0.2.2", "REGISTER sip:192.0.2.2"));
    }
    assert_eq!(peer.statuses(), vec![401; 2_000]);
    assert!(peer.endpoint.is_idle());
}

/// Asks for MD5 before SHA-256, and knows alice by SHA-256 alone.
struct Particular;

impl Gate for Particular {
    fn admit(&self, _: Flow, _: &Request) -> Admission {
        Admission::Challenge
    }

    fn algorithms(&self, _: Flow) -> Algorithms {
        Algorithms::new(&[Algorithm::Md5, Algorithm::Sha256]).expect("two")
    }

    fn password(&self, name: &str, algorithm: Algorithm) -> Option<Box<str>> {
        (name == "alice" && algorithm == Algorithm::Sha256).then(|| "secret".into())
    }

    fn may_register(&self, _: &str) -> bool {
        true
    }
}

#[test]
fn a_gate_says_which_algorithms_are_asked_for_in_which_order_and_which_prove_a_name() {
    let mut peer = ScriptedPeer::new();
    peer.act(|endpoint, now| endpoint.set_gate(now, Arc::new(Particular)));
    peer.send(&request("REGISTER", "a", 1, "", "", "").replace("REGISTER sip:1000@192.0.2.2", "REGISTER sip:192.0.2.2"));
    let asked: Vec<String> = peer.response().headers().values(HeaderName::WwwAuthenticate).map(str::to_owned).collect();
    assert!(asked.len() == 2 && asked[0].contains("algorithm=MD5") && asked[1].contains("algorithm=SHA-256"), "{asked:?}");
    for (algorithm, answered) in [(Algorithm::Md5, "Refused"), (Algorithm::Sha256, "Answered")] {
        let mut pair = Pair::new();
        pair.act(CALLEE, |endpoint, now| endpoint.set_gate(now, Arc::new(Particular)));
        let account = account("secret").map(|account| account.answering(Algorithms::new(&[algorithm]).expect("one")));
        pair.act(CALLER, |endpoint, now| endpoint.invite(now, OutgoingInvite { account, ..outgoing() })).expect("a call");
        pair.settle();
        let incoming = pair.events[CALLEE].iter().any(|event| matches!(event, Event::Incoming { .. }));
        if incoming {
            let id = pair.incoming();
            pair.act(CALLEE, |endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
            pair.settle();
        }
        assert!(pair.take_events(CALLER).contains(&answered.to_owned()), "{algorithm:?}");
    }
}
