//! Session timers (RFC 4028) in both roles.

use std::time::Duration;

use sip::endpoint::EndpointConfig;
use sip::header::{HeaderName, Method, StatusCode};

use crate::scripted_peer::{ALLOW_ALL, ScriptedPeer, request_with, respond, respond_with, within};
use crate::support::callee_contact;

const TIMER: &str = "Supported: timer\r\n";

/// The Session-Expires of our 200 to an INVITE with these headers, and whether its sender must know timers.
fn agreed(headers: &str) -> (Option<String>, bool) {
    let mut peer = ScriptedPeer::new();
    peer.send(&request_with("INVITE", "a", 1, "", headers, "offer"));
    peer.received.clear();
    let Some(sip::endpoint::Event::Incoming { id, .. }) = peer.events.pop() else { panic!("no incoming call") };
    peer.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), bytes::Bytes::from_static(b"answer")));
    let response = peer.response();
    let required = response.headers().value(HeaderName::Require) == Some("timer");
    (response.headers().value(HeaderName::SessionExpires).map(str::to_owned), required)
}

#[test]
fn what_a_caller_asks_for_is_agreed_to_within_our_bounds() {
    let says = |headers: &str, value: Option<&str>, required| {
        assert_eq!(agreed(headers), (value.map(str::to_owned), required), "{headers}");
    };
    says("", None, false);
    says(TIMER, Some("1800;refresher=uas"), false);
    says("Supported: timer\r\nSession-Expires: 600\r\n", Some("600;refresher=uas"), false);
    says("Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", Some("600;refresher=uac"), true);
    says("Supported: timer\r\nSession-Expires: 7200;refresher=uac\r\nMin-SE: 3600\r\n", Some("3600;refresher=uac"), true);
    // Put there by a proxy: the caller cannot refresh.
    says("Session-Expires: 60\r\n", Some("90;refresher=uas"), false);
}

#[test]
fn too_short_a_life_is_refused_with_the_shortest() {
    let mut peer = ScriptedPeer::new();
    peer.send(&request_with("INVITE", "a", 1, "", "Supported: timer\r\nSession-Expires: 60\r\n", "offer"));
    let response = peer.response();
    assert_eq!((response.status().code(), response.headers().value(HeaderName::MinSe)), (422, Some("90")));
    assert!(peer.events.is_empty());
    let (_, invite) = peer.called();
    peer.send(&within(&invite, "UPDATE", 1, "Supported: timer\r\nSession-Expires: 60\r\n", ""));
    assert_eq!(peer.statuses(), [422]);
}

#[test]
fn a_callee_that_wants_a_longer_life_is_asked_again_for_it() {
    let mut peer = ScriptedPeer::with(EndpointConfig { session_expires: Some(Duration::from_secs(100)), ..EndpointConfig::default() });
    let (_, invite) = peer.calling(|_| {});
    assert_eq!(invite.headers().value(HeaderName::SessionExpires), Some("100"));
    peer.send(&respond_with(&invite, 422, "peer", "Min-SE: 300\r\n", ""));
    let requests = peer.requests();
    assert_eq!(requests.iter().map(sip::message::Request::method).collect::<Vec<_>>(), [Method::Ack, Method::Invite]);
    let again = &requests[1];
    assert_eq!(again.headers().cseq().map(|cseq| cseq.number), Some(2));
    assert_eq!(again.headers().call_id(), invite.headers().call_id());
    assert_eq!((again.headers().value(HeaderName::SessionExpires), again.headers().value(HeaderName::MinSe)), (Some("300"), Some("300")));
    peer.send(&respond(again, StatusCode::OK, "peer", "answer"));
    assert_eq!(peer.request().headers().cseq().map(|cseq| cseq.number), Some(2), "the ACK counts as its INVITE");
    assert_eq!(peer.event_names(), ["Answered"]);
}

fn called_with(expires: &str, allow: &str) -> (ScriptedPeer, sip::endpoint::InviteId, sip::message::Request) {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 200, "peer", &format!("{allow}Session-Expires: {expires}\r\n"), "answer"));
    peer.received.clear();
    peer.events.clear();
    (peer, id, invite)
}

#[test]
fn we_refresh_at_half_time_by_an_update_without_an_offer() {
    let (mut peer, _, _) = called_with("200;refresher=uac", ALLOW_ALL);
    peer.run(Duration::from_secs(99));
    assert!(peer.received.is_empty());
    peer.run(Duration::from_secs(1));
    let update = peer.request();
    assert_eq!((update.method(), update.body().len()), (Method::Update, 0));
    assert_eq!(update.headers().value(HeaderName::SessionExpires), Some("200;refresher=uac"));
    peer.send(&respond_with(&update, 200, "", "Session-Expires: 200;refresher=uac\r\n", ""));
    peer.run(Duration::from_secs(100));
    assert_eq!(peer.request().method(), Method::Update, "and again");
    assert!(peer.events.is_empty());
}

/// The far end counts from the first copy of the refresh that it took, whose answers may all have been lost but the last.
#[test]
fn a_refresh_that_is_answered_late_counts_from_when_it_was_sent() {
    let (mut peer, _, _) = called_with("200;refresher=uac", ALLOW_ALL);
    peer.run(Duration::from_secs(100));
    let update = peer.request();
    peer.run(Duration::from_secs(16));
    peer.received.clear();
    peer.send(&respond_with(&update, 200, "", "Session-Expires: 200;refresher=uac\r\n", ""));
    peer.run(Duration::from_millis(83_900));
    assert!(peer.received.is_empty());
    peer.run(Duration::from_millis(200));
    assert_eq!(peer.request().method(), Method::Update, "100 s after the last one");
}

/// A far end hangs up 60 s after the last refresh of the shortest session; a refresh is repeated for 32 s.
#[test]
fn a_short_session_is_refreshed_so_early_that_every_copy_of_the_refresh_can_be_heard_in_time() {
    let (mut peer, _, _) = called_with("90;refresher=uac", ALLOW_ALL);
    peer.run(Duration::from_millis(27_900));
    assert!(peer.received.is_empty());
    peer.run(Duration::from_millis(200));
    assert_eq!(peer.request().method(), Method::Update);
}

/// When the callee answered nobody can tell: its 2xx is repeated for 32 s.
#[test]
fn a_call_that_rang_long_is_refreshed_as_if_its_answer_had_been_under_way_as_long_as_it_may() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|_| {});
    peer.send(&respond(&invite, StatusCode::RINGING, "peer", ""));
    peer.run(Duration::from_secs(60));
    peer.send(&respond_with(&invite, 200, "peer", &format!("{ALLOW_ALL}Session-Expires: 200;refresher=uac\r\n"), "answer"));
    peer.received.clear();
    peer.run(Duration::from_millis(67_900));
    assert!(peer.received.is_empty());
    peer.run(Duration::from_millis(200));
    assert_eq!(peer.request().method(), Method::Update);
}

#[test]
fn a_far_end_without_update_is_refreshed_by_an_offer_of_the_application() {
    let (mut peer, id, _) = called_with("200;refresher=uac", "Allow: INVITE, ACK, BYE\r\n");
    peer.run(Duration::from_secs(100));
    assert_eq!(peer.event_names(), ["OfferDue"]);
    peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"same")));
    let reinvite = peer.request();
    assert_eq!(reinvite.headers().value(HeaderName::SessionExpires), Some("200;refresher=uac"));
    peer.send(&respond_with(&reinvite, 200, "", "Session-Expires: 200;refresher=uac\r\n", "same"));
    peer.run(Duration::from_secs(101));
    assert_eq!(peer.event_names(), ["OfferAccepted", "OfferDue"]);
}

#[test]
fn a_refresh_that_is_worked_on_without_an_end_is_tried_again() {
    for says_487 in [true, false] {
        let (mut peer, id, _) = called_with("400;refresher=uac", "Allow: INVITE, ACK, BYE\r\n");
        peer.run(Duration::from_secs(200));
        assert_eq!(peer.event_names(), ["OfferDue"]);
        peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"same")));
        let reinvite = peer.request();
        peer.send(&respond(&reinvite, StatusCode::TRYING, "", ""));
        peer.run(Duration::from_secs(33));
        assert_eq!(peer.requests().first().map(sip::message::Request::method), Some(Method::Cancel));
        if says_487 {
            peer.send(&respond(&reinvite, StatusCode::REQUEST_TERMINATED, "", ""));
        } else {
            peer.run(Duration::from_secs(31));
        }
        peer.run(Duration::from_secs(2));
        assert_eq!(peer.event_names(), ["OfferRefused", "OfferDue"]);
    }
}

#[test]
fn a_far_end_that_says_update_and_does_not_mean_it_is_refreshed_by_an_offer() {
    let (mut peer, _, _) = called_with("200;refresher=uac", ALLOW_ALL);
    peer.run(Duration::from_secs(100));
    let update = peer.request();
    peer.send(&respond(&update, StatusCode::METHOD_NOT_ALLOWED, "", ""));
    assert_eq!(peer.event_names(), ["OfferDue"]);
}

#[test]
fn a_refused_refresh_ends_no_session_and_goes_the_other_way_next() {
    let (mut peer, id, _) = called_with("200;refresher=uac", ALLOW_ALL);
    let offered = |peer: &mut ScriptedPeer| {
        assert_eq!(peer.event_names(), ["OfferDue"]);
        peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"same")));
        peer.request()
    };
    peer.run(Duration::from_secs(100));
    let update = peer.request();
    peer.send(&respond(&update, StatusCode::NOT_ACCEPTABLE_HERE, "", ""));
    peer.run(Duration::from_secs(1));
    let reinvite = offered(&mut peer);
    peer.send(&respond(&reinvite, StatusCode::NOT_ACCEPTABLE_HERE, "", ""));
    assert_eq!((peer.request().method(), peer.event_names()), (Method::Ack, vec!["OfferRefused".to_owned()]));
    peer.run(Duration::from_secs(2));
    let update = peer.request();
    assert_eq!(update.method(), Method::Update);
    peer.send(&respond_with(&update, 403, "", "", ""));
    peer.run(Duration::from_secs(4));
    let reinvite = offered(&mut peer);
    peer.send(&respond_with(&reinvite, 200, "", "Session-Expires: 200;refresher=uac\r\n", "same"));
    assert_eq!((peer.request().method(), peer.event_names()), (Method::Ack, vec!["OfferAccepted".to_owned()]));
    peer.run(Duration::from_millis(99_900));
    assert!(peer.events.is_empty() && peer.received.is_empty());
    peer.run(Duration::from_millis(200));
    assert_eq!(peer.request().method(), Method::Update, "the session has begun anew");
}

#[test]
fn a_far_end_that_takes_no_refresh_is_asked_less_and_less_often_and_hung_up_when_the_session_is_over() {
    let (mut peer, id, _) = called_with("200;refresher=uac", "Allow: INVITE, ACK, BYE\r\n");
    let mut asked = Vec::new();
    for second in 1..=200 {
        peer.run(Duration::from_secs(1));
        let events = peer.event_names();
        if events == ["OfferDue"] {
            asked.push(second);
            peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"same")));
            let reinvite = peer.request();
            peer.send(&respond(&reinvite, StatusCode::NOT_ACCEPTABLE_HERE, "", ""));
            assert_eq!((peer.request().method(), peer.event_names()), (Method::Ack, vec!["OfferRefused".to_owned()]));
        } else if second == 200 {
            assert_eq!((events, peer.request().method()), (vec!["Expired".to_owned()], Method::Bye));
        } else {
            assert!(events.is_empty() && peer.received.is_empty(), "after {second} s: {events:?}");
        }
    }
    assert_eq!(asked, [100, 101, 103, 107, 115, 131, 163]);
}

#[test]
fn a_far_end_that_always_wants_a_longer_life_is_not_asked_as_fast_as_it_answers() {
    for headers in ["Min-SE: 100\r\n", "Min-SE: 900\r\n"] {
        let (mut peer, _, _) = called_with("200;refresher=uac", ALLOW_ALL);
        peer.run(Duration::from_secs(100));
        for seconds in [1, 2, 4] {
            let update = peer.request();
            peer.send(&respond_with(&update, 422, "", headers, ""));
            peer.run(Duration::from_millis(seconds * 1_000 - 100));
            assert!(peer.received.is_empty(), "{headers}");
            peer.run(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_call_that_the_far_end_does_not_refresh_is_hung_up_a_little_before_its_end() {
    let (mut peer, _, invite) = called_with("200;refresher=uas", ALLOW_ALL);
    peer.run(Duration::from_secs(160));
    peer.send(&within(&invite, "UPDATE", 1, "Supported: timer\r\nSession-Expires: 200;refresher=uac\r\n", ""));
    assert_eq!(peer.response().headers().value(HeaderName::SessionExpires), Some("200;refresher=uac"));
    peer.run(Duration::from_secs(167));
    assert!(peer.events.is_empty());
    peer.run(Duration::from_secs(1));
    assert_eq!(peer.event_names(), ["Expired"]);
    let bye = peer.request();
    assert_eq!((bye.method(), bye.headers().causes().sip), (Method::Bye, Some(408)));
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_call() {
    let (mut peer, _, _) = called_with("200;refresher=uac", ALLOW_ALL);
    peer.run(Duration::from_secs(133));
    assert_eq!(peer.event_names(), ["TimedOut"]);
}

#[test]
fn an_answer_that_says_nothing_ends_the_timer() {
    let mut peer = ScriptedPeer::new();
    peer.called();
    peer.run(Duration::from_secs(100_000));
    assert!(peer.received.is_empty() && peer.events.is_empty());
}

#[test]
fn before_the_answer_no_update_of_a_callee_begins_a_session() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 180, "peer", ALLOW_ALL, ""));
    for (cseq, refresher) in [(1, "uac"), (2, "uas")] {
        peer.send(&within(&invite, "UPDATE", cseq, &format!("{TIMER}Session-Expires: 90;refresher={refresher}\r\n"), ""));
        let response = peer.response();
        assert_eq!((response.status().code(), response.headers().value(HeaderName::SessionExpires)), (200, None));
    }
    peer.run(Duration::from_secs(200));
    assert!(peer.received.is_empty());
    peer.send(&respond_with(&invite, 200, "peer", "Session-Expires: 200;refresher=uas\r\n", "answer"));
    assert_eq!(peer.event_names(), ["Ringing", "Answered"]);
    peer.run(Duration::from_secs(168));
    assert_eq!(peer.event_names(), ["Expired"], "from the answer on there is one");
}

#[test]
fn before_our_answer_no_update_of_a_caller_begins_a_session() {
    let mut peer = ScriptedPeer::new();
    let id = peer.invited();
    peer.act(|endpoint, now| endpoint.ring(now, id));
    let tag = peer.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).expect("a tag");
    peer.send(&request_with("UPDATE", "u", 2, &tag, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", ""));
    assert_eq!(peer.response().headers().value(HeaderName::SessionExpires), None);
    peer.run(Duration::from_secs(200));
    assert!(peer.events.is_empty(), "it still rings");
}

#[test]
fn the_answer_to_an_update_of_ours_begins_no_session_while_it_rings() {
    let mut peer = ScriptedPeer::new();
    let (id, invite) = peer.calling(|_| {});
    peer.send(&respond_with(&invite, 183, "peer", &format!("{ALLOW_ALL}Require: 100rel\r\nRSeq: 1\r\n"), "early"));
    let prack = peer.request();
    peer.send(&respond(&prack, StatusCode::OK, "", ""));
    peer.act(|endpoint, now| endpoint.offer(now, id, bytes::Bytes::from_static(b"our offer")));
    let update = peer.request();
    peer.send(&respond_with(&update, 200, "", "Session-Expires: 90;refresher=uac\r\n", "their answer"));
    assert_eq!(peer.event_names(), ["EarlyMedia", "OfferAccepted"]);
    peer.run(Duration::from_secs(200));
    assert!(peer.received.is_empty() && peer.events.is_empty());
}

#[test]
fn no_far_end_makes_us_refresh_more_often_than_the_shortest_life_asks_for() {
    for expires in ["0;refresher=uac", "1;refresher=uac", "1;refresher=uas"] {
        let (mut peer, _, _) = called_with(expires, ALLOW_ALL);
        peer.run(Duration::from_millis(27_900));
        assert!(peer.received.is_empty() && peer.events.is_empty(), "{expires}");
    }
}
