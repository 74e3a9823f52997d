//! Agents that are cut off, stall and come to their end, while a caller says words of which every one has to arrive once.

use auricle::domain::termination::{AgentReason, SipReason, Termination};
use auricle::domain::timeline::Moment;

use crate::agent::{AgentAct, Tongue, Welcome};
use crate::clock::{Random, for_long_seeds, ms};
use crate::scenario::{Act, Outcome, Scenario};
use crate::words::{WORD_SAMPLES, octet, said_in};

/// A caller who says words for half a minute, to agents of both tongues that write them down and answer.
fn talk(seed: u64, tongues: &[Tongue]) -> Scenario {
    let mut scenario = Scenario::inbound(seed).at(30_000, Act::CallerHangsUp);
    scenario.tongues = tongues.to_vec();
    scenario.minds = true;
    scenario.settings.transcription_model = Some("any".to_owned());
    scenario.caller.speaks_words = true;
    scenario
}

/// Every word that was said is known to the agent that the caller spoke with last, and no connection knew one twice.
fn check_words(outcome: &Outcome) {
    assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
    // What is on its way when the call ends is nobody's.
    let said = said_in(outcome.caller.packets().saturating_sub(20));
    assert!(said > 10, "{said} words");
    for (id, connection) in &outcome.agent.connections {
        for word in 0..said {
            let (told, samples) = connection.mind.knows(octet(word));
            let known = told as u64 * WORD_SAMPLES + samples;
            assert!(known <= WORD_SAMPLES, "connection {id:?} was told word {word} {told} times and heard {samples} samples of it");
        }
    }
    let last = outcome.agent.connections.values().rev().find(|connection| connection.ready).expect("an agent");
    for word in 0..said {
        let (told, samples) = last.mind.knows(octet(word));
        let everywhere: Vec<_> = outcome.agent.connections.values().map(|connection| connection.mind.knows(octet(word))).collect();
        let timeline = &outcome.book().closed().record.timeline;
        assert_eq!(
            told as u64 * WORD_SAMPLES + samples,
            WORD_SAMPLES,
            "word {word} of {said}; times told and samples heard, by connection: {everywhere:?}; {timeline:?}"
        );
    }
}

fn passes(outcome: &Outcome) -> usize {
    let timeline = &outcome.book().closed().record.timeline;
    timeline.iter().filter(|entry| matches!(entry.moment, Moment::AgentPassed { .. })).count()
}

#[test]
fn without_a_loss_every_word_arrives_once() {
    for tongue in [Tongue::OpenAi, Tongue::Auricle] {
        for_long_seeds(3, |seed| {
            let outcome = talk(seed, &[tongue]).run();
            check_words(&outcome);
            assert_eq!(outcome.book().connections, 1);
        });
    }
}

#[test]
fn through_random_cuts_every_word_arrives_once_and_the_line_is_never_silent() {
    for tongues in [&[Tongue::OpenAi][..], &[Tongue::Auricle], &[Tongue::OpenAi, Tongue::Auricle], &[Tongue::Auricle, Tongue::OpenAi]] {
        for_long_seeds(12, |seed| {
            let mut random = Random::new(seed, 80);
            let (mut scenario, mut at, mut cuts) = (talk(seed, tongues), 1_000 + random.below(2_000), 0);
            while at < 27_000 {
                let act = if random.chance(500) { AgentAct::Cut } else { AgentAct::Close([1_001, 1_011, 1_012][random.below(3) as usize]) };
                scenario = scenario.agent_at(at, act);
                at += 2_000 + random.below(4_000);
                cuts += 1;
            }
            let outcome = scenario.run();
            check_words(&outcome);
            assert_eq!(passes(&outcome), cuts);
            assert!(outcome.book().longest_gap <= ms(40), "{:?} without a packet", outcome.book().longest_gap);
        });
    }
}

#[test]
fn through_stalls_every_word_arrives_once() {
    for_long_seeds(12, |seed| {
        let mut random = Random::new(seed, 81);
        let (mut scenario, mut at) = (talk(seed, &[Tongue::OpenAi, Tongue::Auricle]), 1_000 + random.below(3_000));
        while at < 24_000 {
            scenario = scenario.agent_at(at, AgentAct::Freeze);
            at += 7_000 + random.below(3_000);
        }
        let outcome = scenario.run();
        check_words(&outcome);
        assert!(outcome.book().longest_gap <= ms(40));
    });
}

#[test]
fn a_connection_that_comes_to_its_end_is_left_for_another_without_a_loss() {
    for_long_seeds(12, |seed| {
        let mut random = Random::new(seed, 82);
        let outcome = talk(seed, &[Tongue::Auricle])
            .agent_at(1_000 + random.below(4_000), AgentAct::Expire(ms(8_000)))
            .agent_at(14_000 + random.below(4_000), AgentAct::Expire(ms(8_000)))
            .run();
        check_words(&outcome);
        assert_eq!(passes(&outcome), 2);
        // One more for every time that the conversation went on before the agent was ready to take it over.
        assert!((3..=8).contains(&outcome.book().connections), "{} connections", outcome.book().connections);
        assert!(!outcome.book().has(|moment| matches!(moment, Moment::AgentLost { .. })), "nothing was lost");
    });
}

#[test]
fn an_agent_that_cannot_be_had_is_passed_over() {
    for_long_seeds(6, |seed| {
        let gone = Welcome { connect: (ms(20), Err(true)), ..Welcome::USUAL };
        let mut scenario = talk(seed, &[Tongue::OpenAi, Tongue::Auricle]);
        scenario.welcomes = vec![Welcome::USUAL, gone, Welcome::USUAL];
        let outcome = scenario.agent_at(5_000, AgentAct::Cut).run();
        check_words(&outcome);
        assert_eq!(outcome.book().connections, 3);
    });
}

#[test]
fn a_caller_whose_agents_are_all_gone_is_kept_for_half_a_minute() {
    for_long_seeds(3, |seed| {
        let gone = Welcome { connect: (ms(20), Err(true)), ..Welcome::USUAL };
        let mut scenario = Scenario::inbound(seed).agent_at(2_000, AgentAct::Cut);
        scenario.tongues = vec![Tongue::OpenAi, Tongue::Auricle];
        scenario.welcomes = vec![Welcome::USUAL, gone];
        let outcome = scenario.run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Lost));
        assert!((ms(31_000)..ms(34_500)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
    });
}

#[test]
fn the_bot_that_leads_a_call_ends_it_and_one_that_led_it_before_or_may_take_over_does_not() {
    for_long_seeds(3, |seed| {
        let mut scenario = Scenario::inbound(seed)
            .at(1_500, Act::BotHangsUp("agent-1"))
            .agent_at(2_000, AgentAct::Cut)
            .at(4_000, Act::BotHangsUp("agent-0"))
            .at(4_500, Act::BotHangsUp("agent-2"))
            .at(6_000, Act::BotHangsUp("agent-1"));
        scenario.tongues = vec![Tongue::Carrier, Tongue::Carrier, Tongue::OpenAi];
        let outcome = scenario.run();
        assert_eq!(outcome.termination(), Termination::upstream(AgentReason::Hangup));
        assert!((ms(5_900)..ms(6_300)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
        assert_eq!(passes(&outcome), 1);
    });
}
