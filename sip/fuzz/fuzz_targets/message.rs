//! Any bytes as one message: no panic, and what was read can be asked for in every typed way.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::header::HeaderName;
use sip::message::{Headers, Message};

fuzz_target!(|datagram: &[u8]| {
    match Message::parse(Bytes::copy_from_slice(datagram)) {
        Ok(Message::Request(request)) => {
            assert!(request.uri().is_ok(), "a parsed request has a URI");
            read_all(request.headers());
        }
        Ok(Message::Response(response)) => read_all(response.headers()),
        Err(malformed) => {
            if let Some(request) = malformed.request {
                let _ = request.uri();
                read_some(request.headers());
            }
        }
    }
});

/// What a parsed message promises to have.
fn read_all(headers: &Headers) {
    assert!(headers.top_via().is_some() && headers.from().is_some() && headers.to().is_some());
    assert!(headers.call_id().is_some() && headers.cseq().is_some());
    read_some(headers);
}

fn read_some(headers: &Headers) {
    for name in [HeaderName::Via, HeaderName::Contact, HeaderName::Route, HeaderName::Require, HeaderName::Other] {
        headers.elements(name).for_each(drop);
    }
    for party in [headers.from(), headers.to(), headers.contact()].into_iter().flatten() {
        if let Ok(uri) = party.uri() {
            let _ = (uri.user(), uri.decoded_user(), uri.host(), uri.port(), uri.param("lr"));
        }
        party.params().iter().for_each(drop);
    }
    let _ = (headers.content_type(), headers.extension("X-Any"), headers.body());
}
