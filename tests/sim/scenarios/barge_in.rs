//! The caller speaks over the agent.

use std::time::Duration;

use auricle::domain::timeline::Moment;

use crate::agent::AgentAct;
use crate::clock::{Random, for_seeds, ms};
use crate::post::AGENT_JITTER;
use crate::scenario::{Act, Scenario};

#[test]
fn a_barge_in_stops_the_agent_and_tells_it_what_was_heard() {
    for_seeds(50, |seed| {
        let at = 1_100 + Random::new(seed, 30).below(1_800);
        let outcome = Scenario::inbound(seed).says_at(1_000, 2_000).agent_at(at, AgentAct::HearStart).at(5_000, Act::CallerHangsUp).run();
        assert!(outcome.book().has(|moment| matches!(moment, Moment::BargeIn { .. })));
        let told = outcome.truncated_ms(0).expect("the agent was told");
        assert_eq!(told, outcome.heard_ms(0));
        assert!(told < 2_000);
    });
}

#[test]
fn a_barge_in_around_the_last_packet_of_an_item_is_told_to_the_millisecond_or_not_at_all() {
    for_seeds(100, |seed| {
        let at = 1_400 + Random::new(seed, 31).below(60);
        let length = 395 + seed % 11;
        let outcome = Scenario::inbound(seed).says_at(1_000, length).agent_at(at, AgentAct::HearStart).at(3_000, Act::CallerHangsUp).run();
        let told = outcome.truncated_ms(0).unwrap_or(length);
        // Where less than a fade waited, the mirror image of what was heard last makes it up.
        assert!((told..=told + 5).contains(&outcome.heard_ms(0)), "{told} ms were told, {} ms heard", outcome.heard_ms(0));
    });
}

#[test]
fn items_behind_the_one_that_plays_are_told_as_never_heard() {
    for_seeds(20, |seed| {
        let outcome = Scenario::inbound(seed)
            .says_at(1_000, 1_000)
            .says_at(1_050, 1_000)
            .agent_at(1_500, AgentAct::HearStart)
            .says_at(2_500, 200)
            .at(4_000, Act::CallerHangsUp)
            .run();
        assert_eq!((outcome.truncated_ms(1), outcome.heard_ms(1)), (Some(0), 0));
        assert_eq!((outcome.truncated_ms(2), outcome.heard_ms(2)), (None, 200));
    });
}

#[test]
fn audio_that_comes_late_after_a_barge_in_is_not_heard() {
    for_seeds(50, |seed| {
        let at = 1_150 + Random::new(seed, 32).below(600);
        let paced = AgentAct::Speak { length: ms(2_000), every: ms(60) };
        let outcome = Scenario::inbound(seed)
            .agent_at(1_000, paced)
            .agent_at(at, AgentAct::HearStart)
            .says_at(at + 700, 300)
            .at(4_000, Act::CallerHangsUp)
            .run();
        let told = outcome.truncated_ms(0).expect("the agent was told");
        // No more than had time to be played: the stop may take longer than the first audio did, the packet of the slot
        // under way counts whole, and the fade is heard, too.
        let longest = ms(at - 1_000) + AGENT_JITTER + PTIME + FADE;
        assert!(ms(told) <= longest, "{told} ms told, {longest:?} at most");
        // The second is the late one.
        assert_eq!((outcome.heard_ms(1), outcome.heard_ms(2)), (0, 300));
    });
}

#[test]
fn of_an_agent_that_says_more_than_can_wait_nothing_waits_and_it_is_told_what_was_heard() {
    let outcome = Scenario::inbound(7).says_at(1_000, 130_000).says_at(3_000, 200).at(5_000, Act::CallerHangsUp).run();
    let overflowed = |moment: &Moment| matches!(moment, Moment::Warning { code } if code == "agent_audio_overflow");
    assert!(outcome.book().has(overflowed));
    let told = outcome.truncated_ms(0).expect("the agent was told");
    assert_eq!(told, outcome.heard_ms(0));
    assert!(told < 1_000, "{told}");
    assert_eq!(outcome.heard_ms(1), 200, "and it goes on");
}

/// Between two packets to the caller.
const PTIME: Duration = ms(20);

/// Of an item that is cut, this much is still heard.
const FADE: Duration = ms(5);
