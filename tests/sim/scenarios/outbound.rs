//! We call.

use auricle::domain::termination::{GatewayReason, MediaReason, PolicyReason, SipReason, Termination, TerminationReason};
use sip::header::StatusCode;

use crate::caller::Called;
use crate::clock::{Random, for_seeds, ms};
use crate::scenario::{Act, Scenario};

#[test]
fn a_called_party_that_answers_hears_the_agent() {
    for_seeds(30, |seed| {
        let outcome = Scenario::outbound(seed, 1_500, Called::Answers).says_at(2_500, 700).at(4_500, Act::CallerHangsUp).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(outcome.heard_ms(0), 700);
    });
}

#[test]
fn a_called_party_that_is_busy_says_so() {
    for_seeds(20, |seed| {
        let outcome = Scenario::outbound(seed, 300, Called::Refuses(StatusCode::BUSY_HERE)).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::Busy));
    });
}

#[test]
fn an_answer_that_cannot_be_used_is_hung_up_and_was_no_conversation() {
    for_seeds(20, |seed| {
        let outcome = Scenario::outbound(seed, 300, Called::AnswersUnusably).run();
        assert_eq!(outcome.termination().reason, TerminationReason::Media(MediaReason::NotAcceptable));
        assert_eq!(outcome.book().closed().record.answered_at, None);
        assert!(outcome.caller.seen.contains("HungUp"));
    });
}

#[test]
fn a_called_party_that_never_answers_is_let_ring_so_long() {
    for_seeds(20, |seed| {
        let outcome = Scenario::outbound(seed, 300, Called::Ignores).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::NoAnswer));
        assert_eq!(outcome.ended_after(), ms(20_000));
        assert!(outcome.caller.seen.contains("Cancelled"));
    });
}

#[test]
fn an_operator_who_hangs_up_while_the_called_party_answers_ends_it() {
    for_seeds(60, |seed| {
        let at = 970 + Random::new(seed, 60).below(60);
        let outcome = Scenario::outbound(seed, 970, Called::Answers).at(at, Act::OperatorHangsUp).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::Operator));
    });
}

#[test]
fn a_shutdown_while_the_far_end_rings_takes_the_call_back() {
    for_seeds(30, |seed| {
        let at = Random::new(seed, 61).below(1_000);
        let outcome = Scenario::outbound(seed, 3_000, Called::Answers).at(at, Act::Shutdown).run();
        let reason = outcome.termination().reason;
        assert_eq!(reason, TerminationReason::Gateway(GatewayReason::Shutdown));
    });
}
