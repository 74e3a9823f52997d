//! Nothing that comes from the wire panics, and nothing of it is kept for good.

use bytes::Bytes;
use proptest::prelude::*;

use crate::scripted_peer::{ScriptedPeer, request};
use crate::support::Random;

fn valid_messages() -> Vec<String> {
    vec![
        request("INVITE", "a", 1, "", "application/sdp", "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n"),
        request("OPTIONS", "b", 2, "", "", "").replace("<sip:bob@", "\"Bob \\\"B\\\" B\" <sip:bob@"),
        request("BYE", "c", 3, "tag", "", "").replace("Max-Forwards: 70", "Max-Forwards:\r\n 70\r\nRecord-Route: <sip:[::1]:5060;lr>,\r\n\t<sip:p;lr>"),
        "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP a;branch=z9hG4bKx\r\nf: <sip:a@b>;tag=1\r\nt: <sip:a@b>;tag=2\r\ni: x\r\nCSeq: 1 INVITE\r\nm: <sip:c@d>\r\nl: 0\r\n\r\n".to_owned(),
    ]
}

#[test]
fn every_truncation_of_a_message_is_survived() {
    let mut peer = ScriptedPeer::new();
    for message in valid_messages() {
        for length in 0..message.len() {
            peer.send_bytes(Bytes::copy_from_slice(&message.as_bytes()[..length]));
        }
    }
    assert!(peer.events.len() <= 1);
}

#[test]
fn every_changed_byte_of_a_message_is_survived() {
    let mut peer = ScriptedPeer::new();
    for message in valid_messages() {
        for at in 0..message.len() {
            for byte in [0, b'\r', b'\n', b' ', b',', b';', b'"', b'<', b'\\', 0xff] {
                let mut bytes = message.clone().into_bytes();
                bytes[at] = byte;
                peer.send_bytes(Bytes::from(bytes));
            }
        }
    }
    peer.run(std::time::Duration::from_secs(1));
}

#[test]
fn random_bytes_are_dropped() {
    let mut random = Random(42);
    let mut peer = ScriptedPeer::new();
    for _ in 0..20_000 {
        let length = usize::try_from(random.below(200)).unwrap();
        let bytes: Vec<u8> = (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        peer.send_bytes(Bytes::from(bytes));
    }
    assert!(peer.received.is_empty() && peer.events.is_empty() && peer.endpoint.is_idle());
}

#[test]
fn the_bounds_of_a_message_are_kept() {
    let many = request("OPTIONS", "a", 1, "", "", "").replace("Max-Forwards", &format!("{}Max-Forwards", "X: y\r\n".repeat(130)));
    let long = request("OPTIONS", "a", 1, "", "", "").replace("Max-Forwards", &format!("X: {}\r\nMax-Forwards", "y".repeat(66_000)));
    let mut peer = ScriptedPeer::new();
    peer.send(&many);
    peer.send(&long);
    assert!(peer.received.is_empty());
}

proptest! {
    #[test]
    fn no_text_in_any_header_breaks_an_answer(name in "(Via|From|To|Call-ID|CSeq|Contact|Require|Accept|Content-Type|Record-Route|X)", value in "[ -~\t]{0,60}") {
        let mut peer = ScriptedPeer::new();
        peer.send(&request("INVITE", "a", 1, "", "", "").replace("Max-Forwards: 70", &format!("{name}: {value}")));
        for transmit in &peer.received {
            // What we say about a bad request follows the framing of a message, whatever the request said.
            let text = String::from_utf8_lossy(&transmit.bytes);
            prop_assert!(text.starts_with("SIP/2.0 ") && text.ends_with("\r\n\r\n"));
            prop_assert_eq!(text.matches("Content-Length").count(), 1);
        }
    }
}
