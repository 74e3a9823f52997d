//! Silence, greetings and calls that last: when somebody should say something.

use auricle::agent::conduct::Conduct;
use auricle::domain::termination::{PolicyReason, SipReason, Termination};
use auricle::domain::timeline::Moment;

use crate::agent::{AgentAct, Tongue};
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

/// Calls whose second agent is a bot that takes no texts: the first is lost at `lost_ms`.
fn passed_to_a_bot(seed: u64, conduct: Conduct, lost_ms: u64) -> Scenario {
    let mut scenario = scenario(seed, conduct).says_at(1_000, 1_000).agent_at(lost_ms, AgentAct::Cut);
    scenario.tongues = vec![Tongue::OpenAi, Tongue::Carrier];
    scenario
}

#[test]
fn a_bot_that_takes_no_texts_and_has_taken_over_is_asked_nothing_and_the_longest_call_ends_all_the_same() {
    for_seeds(20, |seed| {
        let conduct = Conduct { idle_after_s: 4, idle_prompts: 2, max_call_s: 20, ..Conduct::default() };
        // Silent for 9 s before it speaks, which is two times idle.
        let outcome = passed_to_a_bot(seed, conduct.clone(), 3_000).says_at(12_000, 1_000).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::MaxDuration));
        assert_eq!((asked(&outcome), outcome.agent.told.len()), (vec![], 0));
        // A sample more or less, where linear audio fades.
        assert!((1_000..1_010).contains(&outcome.heard_ms(1)), "{}", outcome.heard_ms(1));
        // 20 s, and 6 s for a goodbye that cannot be asked for.
        assert!((ms(26_000)..ms(26_400)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
        let spoken = passed_to_a_bot(seed, conduct, 3_000).says_at(20_500, 1_500).run();
        assert_eq!(spoken.termination(), Termination::policy(PolicyReason::MaxDuration));
        assert!((1_500..1_510).contains(&spoken.heard_ms(1)), "{}", spoken.heard_ms(1));
        // What it says after the end of its time is heard to its end.
        assert!((ms(22_500)..ms(22_900)).contains(&spoken.ended_after()), "{:?}", spoken.ended_after());
    });
}

#[test]
fn a_goodbye_that_the_former_agent_was_asked_for_ends_the_call_with_a_bot_that_takes_no_texts() {
    for_seeds(20, |seed| {
        let conduct = Conduct { idle_after_s: 4, idle_prompts: 1, ..Conduct::default() };
        // Asked at 6 s, and for a goodbye at 10 s; lost before a word of it.
        let outcome = passed_to_a_bot(seed, conduct, 11_000).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::CallerSilent));
        assert_eq!((asked(&outcome).len(), outcome.agent.told.len()), (1, 2), "{:?}", outcome.agent.told);
        assert!((ms(16_000)..ms(16_400)).contains(&outcome.ended_after()), "{:?}", outcome.ended_after());
    });
}

#[test]
fn silence_counts_from_when_an_agent_that_takes_texts_has_the_call_again() {
    for_seeds(20, |seed| {
        let conduct = Conduct { idle_after_s: 4, idle_prompts: 1, ..Conduct::default() };
        let outcome = passed_to_a_bot(seed, conduct, 3_000).agent_at(12_000, AgentAct::Cut).run();
        assert_eq!(outcome.termination(), Termination::policy(PolicyReason::CallerSilent));
        let asked = asked(&outcome);
        assert!(asked.len() == 1 && (16_000..16_500).contains(&asked[0]), "{asked:?}");
        // The question and the goodbye; what was said before is told, too.
        assert_eq!(outcome.agent.told.iter().filter(|text| text.starts_with("The call")).count(), 2, "{:?}", outcome.agent.told);
    });
}
