//! Hold and resume by either side and by both, on the wire (RFC 3264 §8.4).

use auricle::domain::termination::{SipReason, Termination};
use auricle::domain::timeline::Moment;

use crate::caller::{Directions, Offered};
use crate::clock::{Random, for_seeds};
use crate::link::Damage;
use crate::scenario::{Act, Outcome, Scenario};

const HEARS_ONLY: Directions = Directions { send: false, receive: true };
const SPEAKS_ONLY: Directions = Directions { send: true, receive: false };
const SILENT: Directions = Directions { send: false, receive: false };

fn warned(outcome: &Outcome, code: &str) -> usize {
    let timeline = &outcome.book().closed().record.timeline;
    timeline.iter().filter(|entry| matches!(&entry.moment, Moment::Warning { code: said } if said == code)).count()
}

#[test]
fn a_caller_whom_we_hold_is_told_and_falls_silent_until_we_resume() {
    for_seeds(30, |seed| {
        let scenario = Scenario::inbound(seed).at(2_000, Act::OperatorHolds(true)).at(5_000, Act::OperatorHolds(false));
        let outcome = scenario.says_at(3_000, 700).at(8_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(outcome.caller.directions(), [Directions::BOTH, HEARS_ONLY, Directions::BOTH]);
        assert_eq!(outcome.caller.versions(), [1, 2, 3], "each offer is a new version of the description");
        let sent = outcome.caller.silences();
        assert!(matches!(sent[..], [(from, to)] if (1_900..2_400).contains(&from) && (4_900..5_400).contains(&to)), "{sent:?}");
        assert_eq!(outcome.heard_ms(0), 700, "what the agent said meanwhile waited");
    });
}

#[test]
fn a_hold_longer_than_the_silence_that_ends_a_call_does_not_end_it() {
    for_seeds(20, |seed| {
        let scenario = Scenario::inbound(seed).at(2_000, Act::OperatorHolds(true)).at(15_000, Act::OperatorHolds(false));
        let outcome = scenario.at(17_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
    });
}

#[test]
fn a_caller_who_holds_us_is_sent_nothing_and_is_sent_all_of_it_afterwards() {
    for_seeds(30, |seed| {
        let scenario = Scenario::inbound(seed).at(2_000, Act::CallerHolds(true)).at(5_000, Act::CallerHolds(false));
        let outcome = scenario.says_at(3_000, 700).at(8_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.caller.directions(), [Directions::BOTH, SPEAKS_ONLY, Directions::BOTH]);
        assert_eq!(outcome.heard_ms(0), 700);
    });
}

#[test]
fn both_may_hold_at_one_time_and_only_when_both_resume_is_anything_said() {
    for_seeds(30, |seed| {
        let scenario = Scenario::inbound(seed).at(2_000, Act::OperatorHolds(true)).at(3_000, Act::CallerHolds(true));
        let scenario = scenario.at(4_000, Act::OperatorHolds(false)).at(5_000, Act::CallerHolds(false));
        let outcome = scenario.at(8_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.caller.directions(), [Directions::BOTH, HEARS_ONLY, SILENT, SPEAKS_ONLY, Directions::BOTH]);
    });
}

#[test]
fn offers_that_meet_on_the_way_both_come_through_by_and_by() {
    for_seeds(60, |seed| {
        let apart = Random::new(seed, 70).below(40);
        let scenario = Scenario::inbound(seed).at(2_000, Act::OperatorHolds(true)).at(1_980 + apart, Act::CallerHolds(true));
        let scenario = scenario.at(12_000, Act::OperatorHolds(false)).at(11_980 + apart, Act::CallerHolds(false));
        let outcome = scenario.at(22_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert!(outcome.caller.directions().contains(&SILENT));
        assert_eq!(outcome.caller.directions().last(), Some(&Directions::BOTH));
    });
}

#[test]
fn a_caller_that_does_not_agree_to_be_held_is_held_in_the_media_and_somebody_is_told() {
    for_seeds(20, |seed| {
        let mut scenario = Scenario::inbound(seed).at(2_000, Act::OperatorHolds(true)).at(5_000, Act::OperatorHolds(false));
        scenario.caller.offered = Offered::Refuses;
        let outcome = scenario.says_at(3_000, 700).at(8_000, Act::CallerHangsUp).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(outcome.caller.directions(), [Directions::BOTH]);
        assert_eq!(warned(&outcome, "hold_refused"), 1);
        assert!(outcome.book().has(|moment| *moment == Moment::Held) && outcome.book().has(|moment| *moment == Moment::Resumed));
        assert_eq!(outcome.heard_ms(0), 700);
    });
}

#[test]
fn a_caller_who_changes_its_mind_faster_than_the_wire_ends_as_it_wanted_last() {
    for_seeds(40, |seed| {
        let mut scenario = Scenario::inbound(seed).at(70_000, Act::CallerHangsUp);
        scenario.policy.max_duration = std::time::Duration::from_secs(100);
        scenario.caller.speaks_for = std::time::Duration::from_secs(100);
        let mut random = Random::new(seed, 71);
        for _ in 0..6 {
            let (at, held) = (2_000 + random.below(600), random.chance(500));
            scenario = scenario.at(at, Act::OperatorHolds(held));
        }
        scenario = scenario.at(2_700, Act::OperatorHolds(false));
        scenario.sip = Damage { loss: 200, duplicate: 100, ..Damage::NONE };
        let outcome = scenario.run();
        if outcome.termination() == Termination::peer(SipReason::HungUp) {
            assert_eq!(outcome.caller.directions().last(), Some(&Directions::BOTH));
        }
    });
}

/// Longer than a session of 1800 s, without UPDATE.
fn long_call(seed: u64) -> Scenario {
    let mut scenario = Scenario::inbound(seed).at(2_300_000, Act::CallerHangsUp);
    scenario.policy.max_duration = std::time::Duration::from_secs(4_000);
    scenario.policy.rtp_limit = std::time::Duration::from_secs(4_000);
    scenario.caller.takes_update = false;
    scenario.caller.speaks_for = std::time::Duration::from_secs(1);
    scenario.gives_up_after = std::time::Duration::from_secs(2_400);
    scenario
}

#[test]
fn a_session_is_refreshed_by_what_stands_where_the_hold_was_refused() {
    for_seeds(5, |seed| {
        let mut scenario = long_call(seed).at(2_000, Act::OperatorHolds(true));
        scenario.caller.offered = Offered::RefusesHold;
        let outcome = scenario.run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp), "it outlived the session of 1800 s");
        assert_eq!(warned(&outcome, "hold_refused"), 1);
    });
}

#[test]
fn a_session_that_no_update_refreshes_is_refreshed_by_the_offer_that_stands() {
    for_seeds(5, |seed| {
        let outcome = long_call(seed).run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp), "it outlived the session of 1800 s");
        assert_eq!(outcome.caller.versions(), [1, 1, 1], "a refresh changes nothing, and says so");
    });
}
