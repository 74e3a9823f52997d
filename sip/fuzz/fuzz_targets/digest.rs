//! Any text as challenge and as credentials: no panic; what we answer to a challenge of our realm can be read and is right, a challenge
//! of another realm is never answered, and nothing that somebody makes up is let in.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::auth::{Account, Algorithms, Challenge, Credentials, DigestClient, DigestServer, DigestServerConfig};
use sip::message::{Message, Request, Response};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Some(challenge) = Challenge::parse(text) {
        let _ = challenge.to_string();
    }
    if let Some(credentials) = Credentials::parse(text) {
        let _ = credentials.username();
    }
    answer(text);
    verify(text);
});

/// As the one who is asked.
fn answer(challenge: &str) {
    let Some(response) = refusal(challenge) else { return };
    let account = Account::new("trunk", "alice", "secret").expect("an account");
    let mut client = DigestClient::new(account);
    for answered in 0..4 {
        let Ok((_, value)) = client.answer(&response, answered, "INVITE", "sip:a@b", "cnonce") else { continue };
        let credentials = Credentials::parse(&value).expect("what we write can be read");
        assert!(value.contains("realm=\"trunk\"") && credentials.username() == "alice", "another realm was answered");
    }
}

/// As the one who asks: nobody has the secret.
fn verify(authorization: &str) {
    let now = Instant::now();
    let config = DigestServerConfig { realm: "trunk".to_owned(), seed: [7; 32], nonce_lifetime: Duration::from_secs(300), max_nonces: 8 };
    let mut server = DigestServer::new(now, config);
    let Some(request) = asking(authorization) else { return };
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let verdict = server.verify(now, source, &request, |_, _| Some("another secret".into()));
    let Err(denied) = verdict else { panic!("somebody was let in") };
    for challenge in server.challenge(now, source, denied, Algorithms::default()) {
        assert!(Challenge::parse(&challenge).is_some(), "a challenge of ours that cannot be read");
    }
}

fn refusal(challenge: &str) -> Option<Response> {
    let head = "SIP/2.0 401 x\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n";
    let text = format!("{head}WWW-Authenticate: {challenge}\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n");
    match Message::parse(Bytes::from(text)) {
        Ok(Message::Response(response)) => Some(response),
        _ => None,
    }
}

fn asking(authorization: &str) -> Option<Request> {
    let head = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n";
    let text = format!("{head}Authorization: {authorization}\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n");
    match Message::parse(Bytes::from(text)) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
}
