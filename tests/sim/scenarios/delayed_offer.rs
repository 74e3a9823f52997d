//! Callers that leave the offer to us, with the INVITE or within the call.

use auricle::domain::termination::{SipReason, Termination};

use crate::caller::Directions;
use crate::clock::{Random, for_seeds};
use crate::link::Damage;
use crate::scenario::{Act, Scenario};

/// The 200 holds our offer, or an early response that is acknowledged does; both are one conversation.
#[test]
fn a_caller_that_leaves_the_offer_to_us_hears_the_agent_and_is_heard() {
    for_seeds(30, |seed| {
        let mut scenario = Scenario::inbound(seed).says_at(1_500, 700).at(4_000, Act::CallerHangsUp);
        scenario.caller.leaves_offer = true;
        let outcome = scenario.run();
        assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
        assert_eq!(outcome.heard_ms(0), 700);
        assert!(outcome.book().closed().ingress.expect("a leg").received > 100);
        assert_eq!(outcome.caller.directions(), [Directions::BOTH]);
    });
}

#[test]
fn a_caller_that_leaves_the_offer_to_us_is_served_over_a_bad_link_or_refused_but_never_left_hanging() {
    for_seeds(60, |seed| {
        let mut random = Random::new(seed, 41);
        let mut scenario = Scenario::inbound(seed).says_at(1_500, 700).at(9_000, Act::CallerHangsUp);
        scenario.caller.leaves_offer = true;
        scenario.sip = Damage { loss: 200, ..Damage::drawn(&mut random) };
        scenario.run();
    });
}
