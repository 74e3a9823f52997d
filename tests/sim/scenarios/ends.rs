//! Ends that cross each other, and limits.

use auricle::domain::termination::{AgentReason, GatewayReason, MediaReason, PolicyReason, SipReason, Termination, TerminationReason};

use crate::agent::{AgentAct, Welcome};
use crate::clock::{Random, for_seeds, is_broad, ms};
use crate::scenario::{Act, Scenario};

#[test]
fn a_call_that_the_caller_hangs_up_is_whole() {
    for_seeds(20, |seed| {
        let outcome = Scenario::inbound(seed).says_at(1_000, 1_500).at(4_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!((outcome.heard_ms(0), outcome.truncated_ms(0)), (1_500, None));
    });
}

#[test]
fn cancel_against_200_ends_as_cancelled_or_as_hung_up() {
    let (mut cancelled, mut hung_up) = (0, 0);
    for_seeds(100, |seed| {
        // The 200 goes out some 125 ms after the INVITE.
        let at = 90 + Random::new(seed, 20).below(60);
        let outcome = Scenario::inbound(seed).at(at, Act::CallerHangsUp).run();
        match outcome.termination().reason {
            TerminationReason::Sip(SipReason::Cancelled) => cancelled += 1,
            TerminationReason::Sip(SipReason::HungUp) => hung_up += 1,
            other => panic!("{other:?}"),
        }
    });
    assert!(!is_broad() || cancelled > 0 && hung_up > 0, "one of the two always won");
}

#[test]
fn bye_against_bye_is_one_end() {
    for_seeds(50, |seed| {
        let mut random = Random::new(seed, 21);
        let outcome = Scenario::inbound(seed)
            .at(2_000 + random.below(30), Act::CallerHangsUp)
            .at(2_000 + random.below(30), Act::OperatorHangsUp)
            .run();
        let ends = [Termination::peer(SipReason::HungUp), Termination::policy(PolicyReason::Operator)];
        assert!(ends.contains(&outcome.termination()), "{:?}", outcome.termination());
    });
}

#[test]
fn an_agent_that_never_gets_ready_refuses_the_call() {
    for_seeds(20, |seed| {
        let outcome = Scenario::inbound(seed).welcomes(&[Welcome { ready: None, ..Welcome::USUAL }]).run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::NotReady));
        assert!(outcome.caller.seen.contains("Refused"));
        assert!(outcome.ended_after() < ms(3_100));
    });
}

#[test]
fn an_agent_that_refuses_us_is_not_dialled_again() {
    for_seeds(10, |seed| {
        let outcome = Scenario::inbound(seed).welcomes(&[Welcome { connect: (ms(30), Err(false)), ..Welcome::USUAL }]).run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Refused));
        assert_eq!(outcome.book().connections, 1);
    });
}

#[test]
fn silence_of_the_caller_ends_the_call() {
    for_seeds(20, |seed| {
        let mut scenario = Scenario::inbound(seed);
        scenario.caller.speaks_for = ms(2_000);
        let outcome = scenario.run();
        assert_eq!(outcome.termination().reason, TerminationReason::Media(MediaReason::RtpTimeout));
        assert!((ms(10_000)..ms(10_300)).contains(&outcome.ended_after()));
    });
}

#[test]
fn the_longest_call_ends_by_the_rule() {
    for_seeds(5, |seed| {
        let outcome = Scenario::inbound(seed).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::MaxDuration));
        assert!((ms(40_000)..ms(40_300)).contains(&outcome.ended_after()));
    });
}

#[test]
fn a_shutdown_while_it_rings_refuses_the_call() {
    for_seeds(50, |seed| {
        let at = 11 + Random::new(seed, 22).below(80);
        let outcome = Scenario::inbound(seed).at(at, Act::Shutdown).run();
        assert_eq!(outcome.termination(), Termination::gateway(GatewayReason::Shutdown));
    });
}

#[test]
fn nothing_that_the_agent_babbles_ends_a_call() {
    for_seeds(20, |seed| {
        let outcome = Scenario::inbound(seed)
            .agent_at(800, AgentAct::Babble)
            .agent_at(900, AgentAct::Fail)
            .says_at(1_000, 300)
            .at(2_000, Act::CallerHangsUp)
            .run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(outcome.heard_ms(0), 300);
    });
}
