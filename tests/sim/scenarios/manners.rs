//! Silence, greetings and calls that last: when somebody should say something.

use auricle::agent::conduct::Conduct;
use auricle::domain::termination::{PolicyReason, SipReason, Termination};
use auricle::domain::timeline::Moment;

use crate::agent::AgentAct;
use crate::clock::{for_seeds, ms};
use crate::scenario::{Act, Outcome, Scenario};

fn scenario(seed: u64, conduct: Conduct) -> Scenario {
    Scenario { conduct, ..Scenario::inbound(seed) }
}

fn asked(outcome: &Outcome) -> Vec<u64> {
    let timeline = outcome.book().closed().record.timeline.iter();
    timeline.filter(|entry| entry.moment == Moment::AskedAgain).map(|entry| entry.at_ms).collect()
}

#[test]
fn a_caller_who_says_nothing_is_asked_twice_and_then_the_call_ends_with_a_goodbye() {
    for_seeds(20, |seed| {
        let conduct = Conduct { idle_after_s: 4, idle_prompts: 2, ..Conduct::default() };
        let outcome = scenario(seed, conduct).says_at(1_000, 1_000).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::CallerSilent));
        let asked = asked(&outcome);
        assert!(asked.len() == 2 && (5_900..6_200).contains(&asked[0]) && (9_900..10_200).contains(&asked[1]), "{asked:?}");
        let told: Vec<_> = outcome.agent.told.iter().map(|text| text.split('.').next().unwrap_or_default()).collect();
        assert_eq!(told, ["The caller has said nothing for a while", "The caller has said nothing for a while", "The call has to end now"]);
        // A goodbye that does not come is waited for no longer than 6 s.
        assert!((ms(20_000)..ms(20_400)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
    });
}

#[test]
fn a_caller_who_answers_is_asked_nothing_more() {
    let conduct = Conduct { idle_after_s: 4, idle_prompts: 0, ..Conduct::default() };
    let mut scenario = scenario(7, conduct).says_at(1_000, 1_000);
    for at in (4_000..16_000).step_by(3_000) {
        scenario = scenario.agent_at(at, AgentAct::HearStart).agent_at(at + 500, AgentAct::HearStop);
    }
    let outcome = scenario.at(17_000, Act::CallerHangsUp).run();
    assert_eq!((outcome.termination(), asked(&outcome)), (Termination::peer(SipReason::HungUp), vec![]));
}

#[test]
fn a_call_that_lasted_long_enough_ends_with_a_goodbye_that_is_heard_whole() {
    for_seeds(20, |seed| {
        let conduct = Conduct { max_call_s: 10, ..Conduct::default() };
        // 100 ms or so of ringing, and the agent takes 600 ms to say goodbye.
        let outcome = scenario(seed, conduct).says_at(10_700, 1_500).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::MaxDuration));
        assert_eq!(outcome.heard_ms(0), 1_500);
        assert!((ms(12_800)..ms(13_100)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
    });
}

#[test]
fn a_greeting_that_is_protected_is_heard_to_its_end_and_what_follows_is_not() {
    for_seeds(20, |seed| {
        let conduct = Conduct { protect_greeting: true, ..Conduct::default() };
        let mut scenario = scenario(seed, conduct).says_at(1_000, 2_000).agent_at(1_500, AgentAct::HearStart);
        scenario.greets = true;
        let outcome = scenario.says_at(4_000, 2_000).agent_at(4_500, AgentAct::HearStart).at(8_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.heard_ms(0), 2_000, "whole");
        assert!(outcome.heard_ms(1) < 1_000, "{}", outcome.heard_ms(1));
    });
}
