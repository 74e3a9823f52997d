//! Descriptions in the shapes that real devices write, one file a concern.

mod accepting;
mod answering;
mod devices;
mod hostile;
mod reading;

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::codec::Codec;

/// The address that the examples' peers signal and send from.
const PEER: &str = "198.51.100.7";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn codecs() -> CodecPolicy {
    CodecPolicy { codecs: vec![Codec::Pcmu, Codec::Pcma], telephone_event: true, ptime: Duration::from_millis(20) }
}

fn transport() -> TransportPolicy {
    TransportPolicy {
        rtp: "192.0.2.1:16384".parse().unwrap(),
        session_id: 7_001,
        session_version: 1,
        remote: RemoteRule::Signalling(ip(PEER)),
    }
}

fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).unwrap()
}

/// A description of the peer with these lines behind its head, written one a line.
fn peer(lines: &str) -> SessionDescription {
    parse(&format!("v=0\no=- 1 1 IN IP4 {PEER}\ns=-\nc=IN IP4 {PEER}\nt=0 0\n{lines}"))
}

fn answer_to(lines: &str) -> Result<Negotiated, AnswerError> {
    answer(&peer(lines), &codecs(), &transport())
}
