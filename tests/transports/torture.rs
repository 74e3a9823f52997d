//! RFC 4475 against the running gateway, over real sockets: every message answered in its class, and the gateway alive after it.

use std::time::Duration;

use sip::transport::Transport;

use crate::client::status_of;
use crate::spoken::Spoken;
use crate::torture_vectors::{self, cases};

/// Whether the first response, if there is one, is in the class of the manifest. What a peer sees of a message that is right is that it is
/// not called wrong.
fn fits(expected: &str, response: Option<u16>) -> bool {
    let wrong = response == Some(400);
    match expected {
        "400" | "400, TCP close" => wrong,
        // A stream waits for the rest; a datagram has none.
        "400 (UDP); TCP: wait/close" => wrong || response.is_none(),
        "400|501" => matches!(response, Some(400 | 501)),
        "400 (or tolerate)" | "400 or tolerate" | "400 or ignore header" => response.is_some(),
        "505" | "401" | "406" | "416" => expected.parse().ok() == response,
        "415 + Accept" => response == Some(415),
        "420 + Unsupported" => response == Some(420),
        "discard" | "parse (response)" => response.is_none(),
        "parse; unknown method" => response == Some(501),
        "parse"
        | "app-level"
        | "parse, process"
        | "treat as RFC2543 branch"
        | "parse first, ignore 2nd"
        | "483 if proxying; UAS may answer" => response.is_some() && !wrong,
        _ => panic!("unknown class {expected}"),
    }
}

/// Those that are not in their class, with the reason.
const KNOWN: &[(&str, &str)] = &[("inv2543", "in a stream it has no Content-Length, and so no end: 400 (RFC 3261 section 18.3)")];

#[test]
fn the_torture_messages_are_answered_in_their_class_over_every_transport() {
    let Some(folder) = torture_vectors::folder(env!("CARGO_MANIFEST_DIR"), "../shared") else { return };
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws] {
        // One each: for 32 s the same message again is a copy, and is answered where the first came from.
        let spoken = Spoken::start("");
        let mut wrong = Vec::new();
        let cases = cases(&std::fs::read_to_string(folder.join("MANIFEST.json")).expect("the manifest"));
        assert_eq!(cases.len(), 49);
        for (name, expected) in &cases {
            let message = std::fs::read(folder.join(format!("{name}.dat"))).expect("a vector");
            let mut peer = spoken.connect(transport);
            peer.send(&here(&message, transport)).expect("the gateway takes what is sent");
            // Responses to nothing are nothing: not waited for long.
            let patience = if message.starts_with(b"SIP/") || expected == "discard" { 100 } else { 3_000 };
            let response = peer.receive(Duration::from_millis(patience)).as_deref().and_then(status_of);
            if !fits(expected, response) {
                wrong.push(format!("{name}: {expected}, but {response:?}"));
            }
            let mut probe = spoken.connect(transport);
            assert!(probe.options(transport, name).is_some(), "dead after {name} over {transport:?}\n{}", spoken.gateway.log());
        }
        wrong.retain(|line| !KNOWN.iter().any(|(name, _)| line.starts_with(name)));
        assert!(wrong.is_empty(), "{transport:?}: {wrong:#?}");
    }
}

/// A response goes where Via says, not whence the datagram came, unless Via asks for that: so that we hear it, it does.
fn here(message: &[u8], transport: Transport) -> Vec<u8> {
    if transport != Transport::Udp || message.starts_with(b"SIP/") {
        return message.to_vec();
    }
    let mut bytes = message.to_vec();
    let lower = message.to_ascii_lowercase();
    let find = |name: &[u8]| lower.windows(name.len()).position(|window| window == name);
    let Some(via) = find(b"\nvia").or_else(|| find(b"\nv:")) else { return bytes };
    let Some(end) = message[via + 1..].windows(2).position(|window| window == b"\r\n").map(|at| via + 1 + at) else { return bytes };
    // Behind the first element of a list, and on its last line where it is folded.
    let first = message[via..end].iter().position(|&byte| byte == b',').map_or(end, |at| via + at);
    let folded = message.get(end + 2).is_some_and(|&next| matches!(next, b' ' | b'\t'));
    if !folded {
        bytes.splice(first..first, b";rport".iter().copied());
    } else {
        bytes.splice(1 + via..1 + via, format!("Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{}\r\n", message.len()).into_bytes());
    }
    bytes
}
