//! INFO within a call (RFC 6086): keys, in and out, and what is refused.

use std::time::Duration;

use sip::endpoint::Event;
use sip::header::HeaderName;
use sip::key_press::{KeyPress, KeyStyle};

use crate::scripted_peer::{ScriptedPeer, request, request_with};

fn info(content_type: &str, body: &str) -> (u16, Option<char>, Option<String>) {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&request("INFO", "i", 2, &tag, content_type, body));
    let response = peer.response();
    let key = match peer.events.pop() {
        Some(Event::Key { press, .. }) => Some(press.key()),
        _ => None,
    };
    (response.status().code(), key, response.headers().value(HeaderName::Accept).map(str::to_owned))
}

#[test]
fn a_key_is_told_in_either_style() {
    assert_eq!(info("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"), (200, Some('5'), None));
    assert_eq!(info("Application/DTMF", "#"), (200, Some('#'), None));
}

#[test]
fn an_info_without_a_body_is_a_sign_of_life() {
    assert_eq!(info("", ""), (200, None, None));
}

#[test]
fn what_is_no_key_is_refused_with_what_would_be() {
    assert_eq!(info("application/dtmf-relay", "Signal=x"), (400, None, None));
    assert_eq!(info("text/plain", "5"), (415, None, Some("application/dtmf-relay, application/dtmf".to_owned())));
}

#[test]
fn a_package_that_nobody_knows_is_bad() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&request_with("INFO", "i", 2, &tag, "Info-Package: foo\r\n", ""));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::RecvInfo)), (469, Some("")));
}

#[test]
fn a_key_of_ours_goes_out_as_the_far_end_reads_it() {
    let mut peer = ScriptedPeer::new();
    let (id, _) = peer.established();
    let press = KeyPress::new('7', Some(Duration::from_millis(120))).unwrap();
    peer.act(|endpoint, now| endpoint.press_key(now, id, press, KeyStyle::Relay));
    let request = peer.request();
    assert!(request.headers().content_type().is_some_and(|media_type| media_type.is("application/dtmf-relay")));
    assert_eq!(request.body(), "Signal=7\r\nDuration=120\r\n");
}
