//! Digest with SHA-256 both ways (RFC 7616, RFC 8760) against a peer that is written apart from the crate and forgives nothing: every
//! parameter where it must be, nonce counts without a gap, no nonce twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sip::auth::{Account, Algorithm};
use sip::endpoint::{Admission, EndpointConfig, Gate};
use sip::header::{HeaderName, Method};
use sip::message::{Request, Response};
use sip::transport::Flow;

use crate::scripted_peer::{ALLOW_ALL, ScriptedPeer, request_with, respond_with};

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 7616 §3.4.1 with qop `auth`, for alice of the realm `auricle`.
fn proof(password: &str, method: &str, uri: &str, nonce: &str, count: &str, cnonce: &str) -> String {
    let secret = hash(&format!("alice:auricle:{password}"));
    hash(&format!("{secret}:{nonce}:{count}:{cnonce}:auth:{}", hash(&format!("{method}:{uri}"))))
}

/// The parameters of a challenge or of credentials, by their names. What is quoted and what is not is kept.
fn params(value: &str) -> BTreeMap<String, String> {
    let rest = value.strip_prefix("Digest ").expect("the scheme");
    let pairs = rest.split(", ").map(|pair| pair.split_once('=').expect("name and value"));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn unquoted(params: &BTreeMap<String, String>, name: &str) -> String {
    let value = params.get(name).unwrap_or_else(|| panic!("no {name}"));
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or_else(|| panic!("{name} stands without quotes")).to_owned()
}

/// Checks what a request proves, as strictly as the RFC lets one.
fn check(request: &Request, header: HeaderName, nonce: &str, count: u32) {
    let value = request.headers().value(header).expect("credentials");
    let given = params(value);
    let quoted = |name| unquoted(&given, name);
    assert_eq!((quoted("username").as_str(), quoted("realm").as_str(), quoted("nonce").as_str()), ("alice", "auricle", nonce));
    assert_eq!((quoted("uri").as_str(), quoted("opaque").as_str()), (request.uri_text(), "handed back"));
    // These three stand without quotes (RFC 7616 §3.4).
    let plain = |name: &str| given.get(name).map(String::as_str);
    let nc = format!("{count:08x}");
    assert_eq!((plain("algorithm"), plain("qop"), plain("nc")), (Some("SHA-256"), Some("auth"), Some(nc.as_str())));
    let cnonce = quoted("cnonce");
    assert!(cnonce.len() >= 8, "a short cnonce");
    assert_eq!(quoted("response"), proof("secret", request.method_text(), request.uri_text(), nonce, &nc, &cnonce));
}

fn challenge(header: &str, nonce: &str, more: &str) -> String {
    let common = format!("realm=\"auricle\", nonce=\"{nonce}\", opaque=\"handed back\", qop=\"auth\"{more}");
    format!("{header}: Digest {common}, algorithm=MD5\r\n{header}: Digest {common}, algorithm=SHA-256\r\n")
}

fn calling() -> (ScriptedPeer, sip::endpoint::InviteId, Request) {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|call| call.account = Account::new("auricle", "alice", "secret"));
    (peer, id, invite)
}

/// Skips ACKs.
fn next(peer: &mut ScriptedPeer) -> Request {
    peer.requests().into_iter().find(|request| request.method() != Method::Ack).expect("a request")
}

#[test]
fn our_answer_to_a_challenge_is_right_to_the_last_parameter() {
    for (status, asked, given) in
        [(401, "WWW-Authenticate", HeaderName::Authorization), (407, "Proxy-Authenticate", HeaderName::ProxyAuthorization)]
    {
        let (mut peer, _, invite) = calling();
        peer.send(&respond_with(&invite, status, "peer", &challenge(asked, "first", ""), ""));
        let again = next(&mut peer);
        check(&again, given, "first", 1);
        let number = |request: &Request| request.headers().cseq().expect("a number").number;
        assert_eq!(number(&again), number(&invite) + 1);
        assert_eq!(again.headers().call_id(), invite.headers().call_id());
        assert_eq!(again.body(), invite.body());
    }
}

#[test]
fn a_stale_nonce_is_replaced_and_counted_from_one() {
    let (mut peer, _, invite) = calling();
    peer.send(&respond_with(&invite, 401, "peer", &challenge("WWW-Authenticate", "first", ""), ""));
    let again = next(&mut peer);
    peer.send(&respond_with(&again, 401, "peer", &challenge("WWW-Authenticate", "second", ", stale=true"), ""));
    check(&next(&mut peer), HeaderName::Authorization, "second", 1);
}

#[test]
fn the_same_nonce_is_counted_on_within_the_call() {
    let (mut peer, id, invite) = calling();
    peer.send(&respond_with(&invite, 401, "peer", &challenge("WWW-Authenticate", "first", ""), ""));
    let again = next(&mut peer);
    peer.send(&respond_with(&again, 200, "peer", "", "answer"));
    peer.requests();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    let bye = next(&mut peer);
    peer.send(&respond_with(&bye, 401, "", &challenge("WWW-Authenticate", "first", ""), ""));
    check(&next(&mut peer), HeaderName::Authorization, "first", 2);
}

#[test]
fn refused_credentials_are_not_sent_again() {
    let (mut peer, _, invite) = calling();
    peer.send(&respond_with(&invite, 401, "peer", &challenge("WWW-Authenticate", "first", ""), ""));
    let again = next(&mut peer);
    peer.send(&respond_with(&again, 401, "peer", &challenge("WWW-Authenticate", "second", ""), ""));
    assert!(peer.requests().iter().all(|request| request.method() == Method::Ack));
    assert_eq!(peer.event_names(), ["Refused", "Ended"]);
}

/// A call of ours that is up, with a peer that takes every method.
fn up() -> (ScriptedPeer, sip::endpoint::InviteId) {
    let (mut peer, id, invite) = calling();
    peer.send(&respond_with(&invite, 200, "peer", ALLOW_ALL, "answer"));
    peer.requests();
    assert_eq!(peer.event_names(), ["Answered"]);
    (peer, id)
}

/// Which requests come of a challenge.
fn challenged(peer: &mut ScriptedPeer, request: &Request) -> Vec<Method> {
    peer.requests();
    peer.send(&respond_with(request, 401, "", &challenge("WWW-Authenticate", "first", ""), ""));
    peer.requests().iter().map(Request::method).collect()
}

#[test]
fn what_is_challenged_after_the_end_of_its_call_does_not_go_out_again() {
    let offer = |peer: &mut ScriptedPeer, id| peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"hold")));
    let press = |peer: &mut ScriptedPeer, id| {
        let key = sip::key_press::KeyPress::new('5', None).expect("a key");
        peer.act(|endpoint, now| endpoint.press_key(now, id, key, sip::key_press::KeyStyle::Relay));
    };
    for (ask, acknowledged) in [(&offer as &dyn Fn(&mut ScriptedPeer, _), vec![Method::Ack]), (&press, vec![])] {
        let (mut peer, id) = up();
        ask(&mut peer, id);
        let asked = peer.request();
        peer.act(|endpoint, now| endpoint.hang_up(now, id));
        let bye = peer.request();
        assert_eq!(challenged(&mut peer, &asked), acknowledged, "{}", asked.method());
        assert_eq!(challenged(&mut peer, &bye), [Method::Bye], "what ends the call goes out again");
    }
}

#[test]
fn a_reinvite_that_is_challenged_when_it_was_withdrawn_does_not_go_out_again() {
    // CANCEL goes out after 32 s, and after as long again nobody waits any more.
    for seconds in [33, 65] {
        let (mut peer, id) = up();
        peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"hold")));
        let reinvite = peer.request();
        peer.send(&respond_with(&reinvite, 100, "", "", ""));
        peer.run(Duration::from_secs(seconds));
        assert_eq!(challenged(&mut peer, &reinvite), [Method::Ack], "after {seconds} s");
        assert_eq!(peer.event_names(), ["OfferRefused"]);
    }
}

/// Knows alice, who may register.
struct House;

impl Gate for House {
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

/// A registrar of ours, and what it asks with.
struct Asked {
    peer: ScriptedPeer,
    nonce: String,
    sent: u32,
}

impl Asked {
    fn new() -> Self {
        let mut peer =
            ScriptedPeer::with(EndpointConfig { seed: [7; 32], nonce_lifetime: Duration::from_secs(300), ..EndpointConfig::default() });
        peer.act(|endpoint, now| endpoint.set_gate(now, Arc::new(House)));
        let mut asked = Self { peer, nonce: String::new(), sent: 0 };
        let response = asked.register("");
        assert_eq!(response.status().code(), 401);
        asked.take_nonce(&response);
        asked
    }

    /// The strongest comes first, in order, and both algorithms are offered with the same nonce.
    fn take_nonce(&mut self, response: &Response) {
        let challenges: Vec<_> = response.headers().values(HeaderName::WwwAuthenticate).map(params).collect();
        let algorithms: Vec<_> = challenges.iter().map(|challenge| challenge.get("algorithm").map(String::as_str)).collect();
        assert_eq!(algorithms, [Some("SHA-256"), Some("MD5")]);
        assert!(challenges.iter().all(|challenge| unquoted(challenge, "realm") == "auricle" && unquoted(challenge, "qop") == "auth"));
        let nonces: Vec<_> = challenges.iter().map(|challenge| unquoted(challenge, "nonce")).collect();
        assert_eq!(nonces[0], nonces[1]);
        self.nonce = nonces[0].clone();
    }

    fn register(&mut self, authorization: &str) -> Response {
        self.sent += 1;
        let number = self.sent;
        let message = request_with("REGISTER", &format!("r{number}"), number, "", authorization, "");
        let message = message.replace("REGISTER sip:1000@192.0.2.2", "REGISTER sip:192.0.2.2").replace("sip:1000@", "sip:alice@");
        self.peer.send(&message);
        self.peer.response()
    }

    fn proven(&mut self, password: &str, count: u32) -> Response {
        let (nonce, nc) = (self.nonce.clone(), format!("{count:08x}"));
        let response = proof(password, "REGISTER", "sip:192.0.2.2", &nonce, &nc, "0a4f113b");
        self.register(&format!(
            "Authorization: Digest username=\"alice\", realm=\"auricle\", nonce=\"{nonce}\", uri=\"sip:192.0.2.2\", response=\"{response}\", \
             algorithm=SHA-256, cnonce=\"0a4f113b\", qop=auth, nc={nc}\r\n"
        ))
    }
}

fn is_stale(response: &Response) -> bool {
    response.headers().values(HeaderName::WwwAuthenticate).all(|value| params(value).get("stale").is_some_and(|stale| stale == "true"))
}

#[test]
fn a_peer_that_counts_is_let_in_each_time() {
    let mut asked = Asked::new();
    for count in 1..=3 {
        assert_eq!(asked.proven("secret", count).status().code(), 200, "{count}");
    }
}

#[test]
fn a_replay_is_stale_and_not_let_in() {
    let mut asked = Asked::new();
    assert_eq!(asked.proven("secret", 2).status().code(), 200);
    for count in [2, 1] {
        let response = asked.proven("secret", count);
        assert!(response.status().code() == 401 && is_stale(&response), "{count}");
    }
}

#[test]
fn a_wrong_password_is_not_called_stale() {
    let mut asked = Asked::new();
    let response = asked.proven("wrong", 1);
    assert!(response.status().code() == 401 && !is_stale(&response));
}

#[test]
fn an_old_nonce_is_stale_and_the_new_one_lets_in() {
    let mut asked = Asked::new();
    asked.peer.run(Duration::from_secs(301));
    let response = asked.proven("secret", 1);
    assert!(response.status().code() == 401 && is_stale(&response));
    asked.take_nonce(&response);
    assert_eq!(asked.proven("secret", 1).status().code(), 200);
}
