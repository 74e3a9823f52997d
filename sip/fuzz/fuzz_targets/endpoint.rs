//! Datagrams into an endpoint that has a call of each kind: no panic, no answer to an answer, ids that end once.
//!
//! The input is cut at each 0x00 0x00; between two datagrams a second passes. The application answers every call.
#![no_main]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteOptions, OutgoingInvite, Output};
use sip::header::{NameAddr, StatusCode, Uri};
use sip::transport::Flow;

fuzz_target!(|input: &[u8]| {
    let local = SocketAddr::from(([192, 0, 2, 2], 5060));
    let remote = SocketAddr::from(([192, 0, 2, 9], 5060));
    let flow = Flow::udp(local, remote);
    let uri = || Uri::parse("sip:a@192.0.2.9").expect("a valid URI");
    let mut now = Instant::now();
    let mut endpoint = Endpoint::new(EndpointConfig { max_dialogs: 8, max_transactions: 16, ..EndpointConfig::default() });
    let (request_uri, from, to, contact, body) = (uri(), NameAddr::from(uri()), NameAddr::from(uri()), uri(), Bytes::from_static(b"offer"));
    let (alternatives, options) = (Vec::new(), InviteOptions::default());
    let call = OutgoingInvite { flow, alternatives, registered: false, request_uri, from, to, contact, body, account: None, asserted: None, options };
    let _ = endpoint.invite(now, call);
    let mut ended = BTreeSet::new();

    for datagram in split(input) {
        endpoint.handle_message(now, flow, Bytes::copy_from_slice(datagram));
        drain(&mut endpoint, now, &mut ended);
        now += Duration::from_secs(1);
        endpoint.handle_timeout(now);
        drain(&mut endpoint, now, &mut ended);
    }
    assert!(endpoint.calls() <= 8);
});

fn drain(endpoint: &mut Endpoint, now: Instant, ended: &mut BTreeSet<sip::endpoint::InviteId>) {
    loop {
        match endpoint.poll_output() {
            Output::Transmit(_) => {}
            Output::Event(event) => {
                assert!(!ended.contains(&event.id()), "an event after the last");
                match event {
                    Event::Incoming { id, .. } => {
                        endpoint.progress(now, id, Bytes::from_static(b"answer"));
                        endpoint.answer(now, id, &Uri::parse("sip:b@192.0.2.2").expect("a valid URI"), Bytes::from_static(b"answer"))
                    }
                    Event::Offered { id, offer, .. } => endpoint.accept_offer(now, id, offer, Bytes::from_static(b"answer")),
                    Event::Referred { id, .. } => {
                        endpoint.accept_refer(now, id);
                        endpoint.refer_progress(now, id, StatusCode::OK);
                    }
                    Event::Confirmed { id, .. } | Event::OfferDue { id } => endpoint.offer(now, id, Bytes::from_static(b"offer")),
                    Event::Ended { id } => {
                        ended.insert(id);
                    }
                    _ => {}
                }
            }
            Output::Timeout(_) => break,
        }
    }
}

fn split(input: &[u8]) -> impl Iterator<Item = &[u8]> {
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
