//! Any text as a URI and as the address of a Contact: no panic, and what is written again is read again as the same.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sip::header::{NameAddr, Uri};
use sip::message::{Message, Request};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(uri) = Uri::parse(text) {
        read(&uri);
        let again = Uri::parse(uri.as_str()).expect("a URI that was read can be read again");
        assert!(again == uri, "another URI");
    }
    let Some(request) = with_contact(text) else { return };
    let Some(contact) = request.headers().contact() else { return };
    contact.params().iter().for_each(drop);
    let Ok(uri) = contact.uri() else { return };
    read(&uri);
    let written = NameAddr::with_display(contact.display().unwrap_or_default(), uri.clone()).to_string();
    let again = with_contact(&written).expect("a message with an address that we wrote can be read");
    let again = again.headers().contact().expect("an address that we wrote can be read").uri();
    assert!(again.as_ref() == Ok(&uri), "another URI within");
});

fn with_contact(text: &str) -> Option<Request> {
    let head = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n";
    let text = format!("{head}Contact: {text}\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n");
    match Message::parse(Bytes::from(text)) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
}

fn read(uri: &Uri) {
    let _ = (uri.scheme(), uri.user(), uri.decoded_user(), uri.host(), uri.port(), uri.param("transport"), uri.param("lr"));
}
