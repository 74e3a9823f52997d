//! The agent's connection is lost.

use auricle::domain::termination::{AgentReason, SipReason, Termination};
use auricle::domain::timeline::Moment;

use crate::agent::{AgentAct, Welcome};
use crate::clock::{Random, for_seeds, ms};
use crate::gateway::PHRASE;
use crate::scenario::{Act, Scenario};

#[test]
fn an_agent_that_closes_while_the_caller_speaks_is_dialled_again_and_heard() {
    for_seeds(30, |seed| {
        let at = 1_900 + Random::new(seed, 50).below(200);
        let outcome = Scenario::inbound(seed)
            .says_at(1_000, 400)
            .agent_at(at, AgentAct::Close(1_011))
            .says_at(3_000, 500)
            .at(5_000, Act::CallerHangsUp)
            .run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!((outcome.heard_ms(0), outcome.heard_ms(1)), (400, 500));
        assert!(outcome.book().has(|moment| *moment == Moment::AgentReady { attempt: 2 }));
    });
}

#[test]
fn what_was_heard_of_the_first_connection_is_not_told_to_the_second() {
    for_seeds(30, |seed| {
        let outcome = Scenario::inbound(seed)
            .says_at(1_000, 2_000)
            .agent_at(1_200, AgentAct::Cut)
            .says_at(1_600, 1_000)
            .agent_at(2_000, AgentAct::HearStart)
            .at(5_000, Act::CallerHangsUp)
            .run();
        assert_eq!((outcome.truncated_ms(0), outcome.truncated_ms(1)), (None, Some(0)));
    });
}

#[test]
fn no_word_of_the_caller_is_lost_while_the_agent_is_dialled_again() {
    for_seeds(30, |seed| {
        let slow = Welcome { connect: (ms(700), Ok(())), ready: Some(ms(300)), ..Welcome::USUAL };
        let outcome = Scenario::inbound(seed)
            .welcomes(&[Welcome::USUAL, slow])
            .agent_at(2_000, AgentAct::Close(1_012))
            .at(6_000, Act::CallerHangsUp)
            .run();
        let heard = outcome.agent.connections.values().last().expect("a second connection").heard;
        let timeline = outcome.book().closed().ingress.expect("a leg").timeline_ticks / 6;
        // The first has told of nothing that it heard; what is on its way when the call ends is lost.
        assert!((timeline - 8 * 120..=timeline).contains(&heard), "{heard} of {timeline} samples");
    });
}

#[test]
fn an_agent_that_cannot_be_reached_again_ends_the_call_after_half_a_minute() {
    for_seeds(5, |seed| {
        let gone = Welcome { connect: (ms(100), Err(true)), ..Welcome::USUAL };
        let outcome = Scenario::inbound(seed).welcomes(&[Welcome::USUAL, gone]).agent_at(2_000, AgentAct::Cut).run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Lost));
        assert!((ms(31_000)..ms(34_500)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
        assert!(outcome.caller.seen.contains("HungUp"));
    });
}

#[test]
fn a_call_outlives_an_agent_that_is_lost_again_and_again() {
    for_seeds(30, |seed| {
        let outcome = Scenario::inbound(seed)
            .agent_at(2_000, AgentAct::Cut)
            .agent_at(4_000, AgentAct::Close(1_011))
            .agent_at(4_500, AgentAct::Cut)
            .at(6_000, Act::CallerHangsUp)
            .run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(outcome.book().connections, 4);
    });
}

#[test]
fn an_agent_that_takes_longer_than_five_seconds_hears_the_last_five() {
    for_seeds(10, |seed| {
        let slow = Welcome { connect: (ms(6_500), Ok(())), ..Welcome::USUAL };
        let outcome =
            Scenario::inbound(seed).welcomes(&[Welcome::USUAL, slow]).agent_at(1_000, AgentAct::Cut).at(9_000, Act::CallerHangsUp).run();
        let second = outcome.agent.connections.values().last().expect("a second connection");
        assert!((8 * 6_000..8 * 7_000).contains(&second.heard), "{} samples", second.heard);
    });
}

#[test]
fn a_caller_who_waits_for_an_agent_is_told_so_and_only_then() {
    for_seeds(10, |seed| {
        for (connect_ms, told) in [(500, 0), (2_500, 4_800)] {
            let slow = Welcome { connect: (ms(connect_ms), Ok(())), ..Welcome::USUAL };
            let mut scenario = Scenario::inbound(seed).welcomes(&[Welcome::USUAL, slow]);
            scenario.phrase = Some(ms(600));
            let outcome = scenario.agent_at(1_000, AgentAct::Cut).at(5_000, Act::CallerHangsUp).run();
            assert_eq!(outcome.caller.ear().samples(PHRASE), told, "an agent that is back after {connect_ms} ms");
        }
    });
}
