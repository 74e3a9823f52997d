//! RFC 4475: 49 messages, each in the class that the manifest beside them names, over every transport; over streams cut at every byte.

use std::path::PathBuf;

use bytes::Bytes;
use sip::header::StatusCode;
use sip::message::{Message, Request};

use sip::transport::{ConnectionId, Frame, Framer, Side, Transport};

use crate::scripted_peer::ScriptedPeer;
use crate::torture_vectors::{self, cases};

/// What became of a message: what the parser says, and the first response of an endpoint.
struct Outcome {
    parsed: Result<(), StatusCode>,
    response: Option<u16>,
    incoming: bool,
}

fn outcome(bytes: &Bytes, transport: Transport) -> Outcome {
    let mut peer = ScriptedPeer::new();
    peer.flow.transport = transport;
    peer.flow.connection = transport.is_reliable().then_some(ConnectionId(1));
    let parse = if transport.is_stream() { Message::parse_from_stream } else { Message::parse };
    let mut parsed = Err(StatusCode::BAD_REQUEST);
    // The first that the gateway makes of it; what stands behind is another message, of a stream or of nobody.
    if let Some(message) = received(bytes, transport).into_iter().next() {
        parsed = parse(message.clone()).map(drop).map_err(|malformed| malformed.fault.status());
        peer.send_bytes(message);
    }
    Outcome { parsed, response: peer.statuses().first().copied(), incoming: !peer.events.is_empty() }
}

/// What the transport makes of the bytes. A message that is not whole never comes.
fn received(bytes: &Bytes, transport: Transport) -> Vec<Bytes> {
    if !transport.is_stream() {
        return vec![bytes.clone()];
    }
    let whole = framed(&[bytes]);
    for cut in 0..bytes.len() {
        let (before, after) = bytes.split_at(cut);
        assert_eq!(framed(&[before, after]), whole, "cut at {cut}");
    }
    whole
}

fn framed(parts: &[&[u8]]) -> Vec<Bytes> {
    let mut framer = Framer::new(Side::Accepted);
    let mut messages = Vec::new();
    for part in parts {
        framer.push(part);
        while let Some(frame) = framer.next_frame().expect("a short header part") {
            if let Frame::Message(message) | Frame::Last(message) = frame {
                messages.push(message);
            }
        }
    }
    messages
}

/// The classes as the manifest writes them. `None`: a class that this test does not know.
fn fits(expected: &str, outcome: &Outcome) -> Option<bool> {
    let malformed =
        outcome.parsed == Err(StatusCode::BAD_REQUEST) && !outcome.incoming && outcome.response.is_none_or(|status| status == 400);
    let parsed = outcome.parsed.is_ok();
    let fits = match expected {
        "400" | "400 (UDP); TCP: wait/close" | "400, TCP close" => malformed,
        "400|501" => malformed || outcome.response == Some(501),
        "400 (or tolerate)" | "400 or tolerate" | "400 or ignore header" => malformed || parsed,
        "505" => outcome.response == Some(505),
        "discard" => outcome.response.is_none() && !outcome.incoming,
        "parse"
        | "parse (response)"
        | "app-level"
        | "parse, process"
        | "treat as RFC2543 branch"
        | "parse first, ignore 2nd"
        | "483 if proxying; UAS may answer" => parsed,
        "parse; unknown method" => parsed && outcome.response == Some(501),
        "401" => outcome.response == Some(401),
        "406" | "415 + Accept" | "416" | "420 + Unsupported" => {
            expected.split(' ').next().and_then(|status| status.parse().ok()) == outcome.response
        }
        _ => return None,
    };
    Some(fits)
}

/// Those whose class we miss, with the reason.
const KNOWN: &[&str] = &[
    // REGISTER is not served yet: 405 goes before 401.
    "regaut01",
];

/// Those that are something else in a stream than in a datagram.
const KNOWN_IN_STREAMS: &[&str] = &[
    // Written for UDP, it has no Content-Length: in a stream its end is not known (RFC 3261 §18.3), and 400 says so.
    "inv2543",
];

#[test]
fn the_torture_messages_are_classified_as_the_rfc_does() {
    let Some(folder) = vectors() else { return };
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.json")).expect("the manifest");
    let cases = cases(&manifest);
    assert_eq!(cases.len(), 49);
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss] {
        let mut wrong = Vec::new();
        for (name, expected) in &cases {
            let bytes = std::fs::read(folder.join(format!("{name}.dat"))).expect("a vector");
            let outcome = outcome(&Bytes::from(bytes), transport);
            match fits(expected, &outcome) {
                Some(true) => {}
                Some(false) => wrong.push(name.as_str()),
                None => panic!("{name}: unknown class {expected}"),
            }
        }
        let known = [KNOWN, if transport.is_stream() { KNOWN_IN_STREAMS } else { &[] }].concat();
        assert_eq!(wrong, known, "classified wrongly over {transport:?}");
    }
}

#[test]
fn the_second_of_two_messages_in_a_datagram_is_ignored() {
    let Some(folder) = vectors() else { return };
    let bytes = std::fs::read(folder.join("dblreq.dat")).expect("a vector");
    let Ok(Message::Request(request)) = Message::parse(Bytes::from(bytes)) else { panic!("not a request") };
    assert_eq!((request.method_text(), request.body().len()), ("REGISTER", 0));
}

#[test]
fn the_tortuous_invite_is_read_right() {
    let Some(folder) = vectors() else { return };
    let Ok(Message::Request(request)) = Message::parse(Bytes::from(std::fs::read(folder.join("wsinv.dat")).expect("a vector"))) else {
        panic!("not a request")
    };
    let headers = Request::headers(&request);
    assert_eq!(headers.to().and_then(|to| to.tag()), Some("1918181833n"));
    assert_eq!(headers.from().and_then(|from| from.display()), Some("J Rosenberg \\\\\\\""));
    assert_eq!(headers.cseq().map(|cseq| cseq.number), Some(9));
    assert_eq!(headers.elements(sip::header::HeaderName::Via).count(), 3);
    assert_eq!(headers.contact().and_then(|contact| contact.params().value("q")), Some("0.33"));
    assert_eq!(request.body().len(), 150);
}

fn vectors() -> Option<PathBuf> {
    torture_vectors::folder(env!("CARGO_MANIFEST_DIR"), "../../shared")
}
