//! Calls between two endpoints over a link that loses nothing, or exactly what the test names.

use std::time::Duration;

use crate::support::{self, CALLEE, CALLER, Loss, Pair, callee_contact};
use bytes::Bytes;
use sip::endpoint::{Event, OfferId};
use sip::header::StatusCode;

const SECOND: Duration = Duration::from_secs(1);

/// A call that is up, with its ids at both ends and no event left.
fn established() -> (Pair, sip::endpoint::InviteId, sip::endpoint::InviteId) {
    let mut pair = Pair::new();
    let call = pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.settle();
    assert_eq!(pair.take_events(CALLER), ["Answered"]);
    assert_eq!(pair.take_events(CALLEE), ["Confirmed"]);
    (pair, call, incoming)
}

/// Loses the first `losses` messages with this beginning.
fn first(mut losses: usize, prefix: &'static str) -> Loss {
    Box::new(move |_, line| {
        let lose = losses > 0 && line.starts_with(prefix);
        losses -= usize::from(lose);
        lose
    })
}

fn assert_idle_in_the_end(pair: &mut Pair) {
    pair.run(SECOND * 200);
    assert!(pair.is_idle());
    assert_eq!(pair.take_events(CALLER), Vec::<String>::new());
    assert_eq!(pair.take_events(CALLEE), Vec::<String>::new());
}

#[test]
fn a_call_rings_is_answered_and_ended_by_the_caller() {
    let mut pair = Pair::new();
    let call = pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.ring(now, incoming));
    pair.settle();
    assert_eq!(pair.take_events(CALLER), ["Ringing"]);
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.settle();
    assert!(matches!(pair.events[CALLER].pop_front(), Some(Event::Answered { sdp, .. }) if sdp == "answer"));
    assert_eq!(pair.take_events(CALLEE), ["Confirmed"]);
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.settle();
    assert_eq!(pair.take_events(CALLEE), ["HungUp", "Ended"]);
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn the_callee_may_hang_up_too() {
    let (mut pair, _, incoming) = established();
    pair.act(CALLEE, |end, now| end.hang_up(now, incoming));
    pair.settle();
    assert_eq!(pair.take_events(CALLER), ["HungUp", "Ended"]);
    assert_eq!(pair.take_events(CALLEE), ["Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn the_offer_and_the_parties_arrive_as_sent() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let Some(Event::Incoming { invite, .. }) = pair.events[CALLEE].pop_front() else { panic!("no incoming call") };
    assert_eq!((invite.request_uri.user(), invite.from_uri.user(), invite.to_uri.user()), (Some("1000"), Some("alice"), Some("1000")));
    assert_eq!(invite.sdp, "offer");
    assert_eq!((invite.flow.local, invite.flow.remote), (support::address(CALLEE), support::address(CALLER)));
}

#[test]
fn a_busy_callee_refuses_and_the_caller_acknowledges() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.reject(now, incoming, StatusCode::BUSY_HERE, None));
    assert_eq!(pair.take_events(CALLEE), ["Ended"]);
    pair.settle();
    assert!(matches!(pair.events[CALLER].pop_front(), Some(Event::Refused { status: StatusCode::BUSY_HERE, .. })));
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_eq!(pair.count(CALLER, "ACK"), 1);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn cancel_ends_a_ringing_call() {
    let mut pair = Pair::new();
    let call = pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.ring(now, incoming));
    pair.settle();
    pair.take_events(CALLER);
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.settle();
    assert_eq!(pair.take_events(CALLEE), ["Cancelled", "Ended"]);
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_eq!(pair.count(CALLEE, "SIP/2.0 487"), 1);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut pair = Pair::eager();
    let call = pair.call();
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    assert_eq!(pair.count(CALLER, "CANCEL"), 0);
    pair.settle();
    assert_eq!(pair.count(CALLER, "CANCEL"), 1);
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_eq!(pair.take_events(CALLEE), ["Incoming", "Cancelled", "Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn a_200_that_crosses_cancel_is_acknowledged_and_ended_by_bye() {
    let mut pair = Pair::eager();
    let call = pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.settle();
    assert_eq!((pair.count(CALLER, "CANCEL"), pair.count(CALLER, "ACK"), pair.count(CALLER, "BYE")), (1, 1, 1));
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_eq!(pair.take_events(CALLEE), ["Confirmed", "HungUp", "Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn bye_against_bye_ends_both_once() {
    let (mut pair, call, incoming) = established();
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.act(CALLEE, |end, now| end.hang_up(now, incoming));
    pair.settle();
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_eq!(pair.take_events(CALLEE), ["Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn a_lost_200_is_repeated() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.lose = first(3, "SIP/2.0 200");
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.run(SECOND * 5);
    assert_eq!(pair.take_events(CALLER), ["Answered"]);
    assert_eq!(pair.take_events(CALLEE), ["Confirmed"]);
    assert_eq!(pair.count(CALLEE, "SIP/2.0 200"), 4);
}

#[test]
fn a_lost_ack_is_repeated_for_the_repeated_200() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.lose = first(2, "ACK");
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.run(SECOND * 5);
    assert_eq!(pair.take_events(CALLER), ["Answered"]);
    assert_eq!(pair.take_events(CALLEE), ["Confirmed"]);
    assert_eq!(pair.count(CALLER, "ACK"), 3);
}

#[test]
fn an_answer_without_ack_is_ended_by_bye_after_32_seconds() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.lose = Box::new(|_, line| line.starts_with("ACK"));
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.run(SECOND * 31);
    assert_eq!(pair.take_events(CALLEE), Vec::<String>::new());
    pair.run(SECOND * 2);
    assert_eq!(pair.take_events(CALLEE), ["Unacknowledged", "Ended"]);
    assert_eq!(pair.take_events(CALLER), ["Answered", "HungUp", "Ended"]);
    assert_eq!(pair.count(CALLEE, "SIP/2.0 200"), 11);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn a_callee_that_hangs_up_before_the_ack_waits_for_it() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.answer(now, incoming, &callee_contact(), Bytes::from_static(b"answer")));
    pair.act(CALLEE, |end, now| end.hang_up(now, incoming));
    assert_eq!(pair.count(CALLEE, "BYE"), 0);
    pair.settle();
    assert_eq!(pair.count(CALLEE, "BYE"), 1);
    assert_eq!(pair.take_events(CALLEE), ["Ended"]);
    assert_eq!(pair.take_events(CALLER), ["Answered", "HungUp", "Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn a_callee_that_is_not_there_times_out() {
    let mut pair = Pair::new();
    pair.lose = Box::new(|_, _| true);
    pair.call();
    pair.run(SECOND * 33);
    assert_eq!(pair.take_events(CALLER), ["TimedOut", "Ended"]);
    // At 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s.
    assert_eq!(pair.count(CALLER, "INVITE"), 7);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn a_cancelled_call_ends_even_when_nothing_comes_back() {
    let mut pair = Pair::new();
    let call = pair.call();
    pair.settle();
    pair.lose = Box::new(|_, _| true);
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.run(SECOND * 33);
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
}

#[test]
fn a_bye_without_an_answer_is_given_up() {
    let (mut pair, call, _) = established();
    pair.lose = Box::new(|_, _| true);
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.run(SECOND * 33);
    assert_eq!(pair.take_events(CALLER), ["Ended"]);
    assert_eq!(pair.count(CALLER, "BYE"), 11);
}

#[test]
fn ringing_is_repeated_each_minute() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.ring(now, incoming));
    pair.run(SECOND * 125);
    assert_eq!(pair.count(CALLEE, "SIP/2.0 180"), 3);
    assert_eq!(pair.take_events(CALLER), ["Ringing"]);
}

#[test]
fn hanging_up_before_the_answer_refuses_with_480() {
    let mut pair = Pair::new();
    pair.call();
    pair.settle();
    let incoming = pair.incoming();
    pair.act(CALLEE, |end, now| end.hang_up(now, incoming));
    pair.settle();
    assert_eq!(pair.count(CALLEE, "SIP/2.0 480"), 1);
    assert_eq!(pair.take_events(CALLEE), ["Ended"]);
    assert_eq!(pair.take_events(CALLER), ["Refused", "Ended"]);
    assert_idle_in_the_end(&mut pair);
}

#[test]
fn commands_for_a_call_that_is_over_are_ignored() {
    let (mut pair, call, incoming) = established();
    pair.act(CALLER, |end, now| end.hang_up(now, call));
    pair.settle();
    let sent = pair.sent.len();
    pair.act(CALLEE, |end, now| {
        end.ring(now, incoming);
        end.answer(now, incoming, &callee_contact(), Bytes::new());
        end.reject(now, incoming, StatusCode::BUSY_HERE, None);
        end.hang_up(now, incoming);
        end.accept_offer(now, incoming, OfferId(1), Bytes::new());
        end.reject_offer(now, incoming, OfferId(1), StatusCode::NOT_ACCEPTABLE_HERE);
    });
    assert_eq!(pair.sent.len(), sent);
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    let run = || {
        let mut pair = Pair::new();
        pair.call();
        pair.settle();
        pair.sent
    };
    assert_eq!(run(), run());
}
