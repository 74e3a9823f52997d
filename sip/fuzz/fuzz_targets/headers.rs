//! Any value under any header that is read in a typed way, in an INVITE that is in order otherwise: no panic, and every list ends.
//!
//! The first byte chooses the header, the rest is its value; each 0x00 begins another line of the same name.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::header::HeaderName;
use sip::message::{Headers, Message};

fuzz_target!(|input: &[u8]| {
    let Some((choice, values)) = input.split_first() else { return };
    let Some(name) = NAMES.get(usize::from(*choice) % NAMES.len()) else { return };
    let mut message =
        Vec::from(&b"INVITE sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa\r\nFrom: <sip:b@c>;tag=1\r\n"[..]);
    message.extend_from_slice(b"To: <sip:a@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n");
    for value in values.split(|byte| *byte == 0).take(16) {
        message.extend_from_slice(name.as_bytes());
        message.extend_from_slice(b": ");
        message.extend_from_slice(value);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\n");
    match Message::parse(Bytes::from(message)) {
        Ok(Message::Request(request)) => read(request.headers()),
        Ok(Message::Response(_)) => unreachable!("a request was written"),
        Err(malformed) => malformed.request.iter().for_each(|request| read(request.headers())),
    }
});

fn read(headers: &Headers) {
    assert!(headers.elements(HeaderName::Via).count() <= MOST, "a list without an end");
    if let Some(via) = headers.top_via() {
        let sent_by = via.sent_by();
        let _ = (via.transport(), sent_by.host.address(), sent_by.socket_address(), via.unique_branch(), via.wants_rport());
        via.params().iter().for_each(drop);
    }
    for party in [headers.from(), headers.to(), headers.contact()].into_iter().flatten() {
        let _ = (party.display(), party.tag(), party.uri().map(|uri| uri.decoded_user().map(|user| user.into_owned())));
    }
    let _ = (headers.speaks(), headers.requires(), headers.allow(), headers.rseq(), headers.rack().is_some());
    let _ = (headers.session_expires(), headers.min_se(), headers.refer_to().is_some(), headers.replaces().is_some());
    let _ = (headers.event().map(|event| event.is_refer()), headers.subscription_state().is_some(), headers.causes());
    for identities in [headers.asserted_identities(), headers.preferred_identities()] {
        for identity in [identities.sip, identities.tel].into_iter().flatten() {
            let _ = (identity.display(), identity.uri().is_ok());
        }
    }
    let _ = headers.privacy();
    assert!(headers.diversions().count() <= MOST && headers.history().count() <= MOST && headers.user_to_user().count() <= MOST);
    let _ = (headers.content_type().map(|kind| (kind.is_sdp(), kind.accepts_sdp())), headers.cseq().is_some(), headers.body());
}

/// More elements than a message of the largest size can hold.
const MOST: usize = 70_000;

const NAMES: &[&str] = &[
    "Via",
    "From",
    "To",
    "Contact",
    "Route",
    "Record-Route",
    "CSeq",
    "Call-ID",
    "Require",
    "Supported",
    "Allow",
    "RSeq",
    "RAck",
    "Session-Expires",
    "Min-SE",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "Event",
    "Subscription-State",
    "Reason",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Privacy",
    "Diversion",
    "History-Info",
    "User-to-User",
    "Content-Type",
    "Content-Length",
    "Accept",
    "Authorization",
    "Expires",
    "Max-Forwards",
    "Subject",
];
