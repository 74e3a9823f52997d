//! REGISTERs of somebody who has proven a name, and a gate before an endpoint: no panic, and the table keeps its bounds.
//!
//! The input is cut at each 0x00 0x00; each part is the headers of one REGISTER. Between two a minute passes. The endpoint gets the same
//! without a proof, and lets nobody in.
#![no_main]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::auth::Algorithm;
use sip::endpoint::{Admission, Endpoint, EndpointConfig, Gate, Output};
use sip::message::{Message, Request};
use sip::registration::{Registrar, RegistrarAnswer, RegistrarConfig};
use sip::transport::Flow;

fuzz_target!(|input: &[u8]| {
    let flow = Flow::udp(SocketAddr::from(([192, 0, 2, 2], 5060)), SocketAddr::from(([192, 0, 2, 9], 5060)));
    let config = RegistrarConfig { max_bindings: 12, max_bindings_of_one: 3, ..RegistrarConfig::default() };
    let (mut registrar, mut now) = (Registrar::new(config), Instant::now());
    let mut endpoint = Endpoint::new(EndpointConfig { max_dialogs: 2, max_transactions: 8, max_nonces: 4, ..EndpointConfig::default() });
    endpoint.set_gate(now, Arc::new(Nobody));
    for (number, part) in parts(input).take(64).enumerate() {
        let text = register(number, part);
        endpoint.handle_message(now, flow, text.clone());
        while !matches!(endpoint.poll_output(), Output::Timeout(_)) {}
        assert_eq!(endpoint.contacts(now, NAMES[0]).count(), 0, "a stranger has registered");
        if let Ok(Message::Request(request)) = Message::parse(text) {
            for name in NAMES {
                take(&mut registrar, now, name, flow, &request);
            }
        }
        now += Duration::from_secs(60);
        endpoint.handle_timeout(now);
    }
});

fn take(registrar: &mut Registrar, now: Instant, name: &str, flow: Flow, request: &Request) {
    if let RegistrarAnswer::Accepted(contacts) = registrar.handle_register(now, name, flow, request) {
        assert!(contacts.len() <= 3 && contacts.iter().all(|(_, left)| *left <= 3_600), "more than was allowed");
    }
    assert!(registrar.look_up(now, name).count() <= 3 && registrar.len() <= 12 + 3, "the table has no bound");
}

struct Nobody;

impl Gate for Nobody {
    fn admit(&self, _: Flow, _: &Request) -> Admission {
        Admission::Challenge
    }

    fn password(&self, _: &str, _: Algorithm) -> Option<Box<str>> {
        None
    }

    fn may_register(&self, _: &str) -> bool {
        true
    }
}

fn register(number: usize, headers: &[u8]) -> Bytes {
    let name = NAMES[number % NAMES.len()];
    let head = format!(
        "REGISTER sip:192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{number}\r\nFrom: <sip:{name}@192.0.2.2>;tag=1\r\n\
         To: <sip:{name}@192.0.2.2>\r\nMax-Forwards: 70\r\nCSeq: {number} REGISTER\r\n"
    );
    let call_id: &[u8] = if headers.windows(8).any(|part| part == b"Call-ID:") { b"" } else { b"Call-ID: 1\r\n" };
    Bytes::from([head.as_bytes(), call_id, headers, b"\r\n\r\n"].concat())
}

fn parts(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let bytes = rest?;
        match bytes.windows(2).position(|pair| pair == [0, 0]) {
            Some(at) => {
                rest = bytes.get(at + 2..);
                bytes.get(..at)
            }
            None => rest.take(),
        }
    })
}

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
