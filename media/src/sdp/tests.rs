//! Descriptions in the shapes that real devices write, one file a concern.

mod accepting;
mod answering;
mod codecs;
mod devices;
mod hostile;
mod protection;
mod reading;
mod renegotiating;
mod webrtc;

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::codec::Codec;
use crate::rtp::PayloadTypes;
use crate::units::{ClockRate, PayloadType, SampleRate};

/// The address that the examples' peers signal and send from.
const PEER: &str = "198.51.100.7";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn codecs() -> CodecPolicy {
    CodecPolicy::new(vec![Codec::Pcmu, Codec::Pcma])
}

fn transport() -> TransportPolicy {
    TransportPolicy::new("192.0.2.1:16384".parse().unwrap(), 7_001, RemoteRule::Signalling(ip(PEER)))
}

fn number(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

/// The payload types of both directions, where they are the same.
fn both(agreed: &Negotiated) -> PayloadTypes {
    assert_eq!(agreed.send_payload_types, agreed.receive_payload_types);
    agreed.send_payload_types
}

/// Number and clock of telephone-events, where both directions have the same.
fn events(agreed: &Negotiated) -> Option<(u8, ClockRate)> {
    Some((both(agreed).telephone_event?.get(), agreed.telephone_event_clock?))
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
