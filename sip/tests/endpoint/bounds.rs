//! What happens when a table is full.

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{EndpointConfig, InviteError};
use sip::header::HeaderName;

use crate::scripted_peer::{ScriptedPeer, request, within};
use crate::support::{callee_contact, outgoing};

fn other_call(branch: &str) -> String {
    request("INVITE", branch, 1, "", "application/sdp", "offer").replace("Call-ID: call", &format!("Call-ID: {branch}"))
}

#[test]
fn a_call_too_many_is_told_when_to_come_again() {
    let mut peer = ScriptedPeer::with(EndpointConfig { max_dialogs: 1, ..EndpointConfig::default() });
    peer.invited();
    peer.send(&other_call("b"));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::RetryAfter)), (503, Some("5")));
    assert_eq!(peer.endpoint.calls(), 1);
    assert_eq!(peer.act(|endpoint, now| endpoint.invite(now, outgoing())), Err(InviteError::Full));
}

#[test]
fn a_call_that_is_over_makes_room() {
    let mut peer = ScriptedPeer::with(EndpointConfig { max_dialogs: 1, ..EndpointConfig::default() });
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.hang_up(now, id));
    peer.statuses();
    peer.send(&other_call("b"));
    assert_eq!(peer.statuses(), [100]);
}

#[test]
fn a_full_transaction_table_still_ends_calls() {
    let mut peer = ScriptedPeer::with(EndpointConfig { max_transactions: 1, ..EndpointConfig::default() });
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
    let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).unwrap();
    peer.send(&request("ACK", "ack", 1, &tag, "", ""));
    peer.send(&request("BYE", "bye", 2, &tag, "", ""));
    assert_eq!(peer.statuses(), [200]);
    assert_eq!(peer.event_names(), ["Confirmed", "HungUp", "Ended"]);
}

#[test]
fn calls_that_cannot_be_made_are_refused_at_once() {
    let mut peer = ScriptedPeer::new();
    let mut call = outgoing();
    call.request_uri = crate::support::uri("isbn:123");
    assert_eq!(peer.act(|endpoint, now| endpoint.invite(now, call)), Err(InviteError::Scheme));
    assert!(peer.endpoint.is_idle());
}

#[test]
fn offers_within_a_call_take_no_more_room_than_there_is() {
    let mut peer = ScriptedPeer::with(EndpointConfig { max_transactions: 4, ..EndpointConfig::default() });
    let (id, invite) = peer.called();
    peer.act(|endpoint, now| endpoint.offer(now, id, Bytes::from_static(b"ours")));
    peer.requests();
    // Of the six that cross it two are remembered, beside our two; copies of those are told the same.
    for copy in 0..6 {
        peer.send(&within(&invite, "INVITE", copy + 1, "", "crossing"));
    }
    assert_eq!(peer.statuses(), [491; 6]);
    peer.run(Duration::from_millis(500));
    assert_eq!(peer.statuses().len(), 2);
}

#[test]
fn what_waits_for_the_application_is_put_off_where_there_is_no_room() {
    let mut peer = ScriptedPeer::with(EndpointConfig { max_transactions: 1, ..EndpointConfig::default() });
    let (_, invite) = peer.called();
    for (cseq, method) in [(1, "INVITE"), (2, "UPDATE"), (3, "REFER")] {
        peer.send(&within(&invite, method, cseq, "Refer-To: <sip:carol@192.0.2.50>\r\n", "offer"));
        let response = peer.response();
        assert_eq!((response.status().code(), response.headers().value(HeaderName::RetryAfter).is_some()), (503, true), "{method}");
    }
    assert!(peer.events.is_empty());
    peer.send(&within(&invite, "BYE", 4, "", ""));
    assert_eq!(peer.event_names(), ["HungUp", "Ended"]);
}
