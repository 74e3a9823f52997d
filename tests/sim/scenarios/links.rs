//! Bad links: the call lives, and every packet is accounted for.

use auricle::domain::termination::{SipReason, Termination};

use crate::clock::{Random, for_seeds, ms};
use crate::link::Damage;
use crate::scenario::{Act, Scenario};

fn run(seed: u64, damage: Damage) -> crate::scenario::Outcome {
    let mut scenario = Scenario::inbound(seed).says_at(1_000, 1_000).at(5_000, Act::CallerHangsUp);
    scenario.rtp = damage;
    let outcome = scenario.run();
    assert_eq!(outcome.termination(), Termination::peer(SipReason::HungUp));
    outcome
}

#[test]
fn a_fifth_of_all_packets_lost_is_concealed() {
    for_seeds(30, |seed| {
        let outcome = run(seed, Damage::lossy(200));
        let stats = outcome.book().closed().ingress.expect("a leg");
        assert!(stats.lost > 0 && stats.concealed_ticks > 0, "{stats:?}");
        assert!(stats.timeline_ticks >= 48 * 4_500, "{stats:?}");
    });
}

#[test]
fn reordered_packets_are_put_in_order() {
    for_seeds(30, |seed| {
        let outcome = run(seed, Damage { reorder: 300, late: ms(30), ..Damage::NONE });
        let stats = outcome.book().closed().ingress.expect("a leg");
        // Only the first of all can come too late: nobody waits for what nobody knows of.
        assert!(stats.late <= 1 && stats.lost == 0, "{stats:?}");
    });
}

#[test]
fn doubled_packets_are_heard_once() {
    for_seeds(30, |seed| {
        let outcome = run(seed, Damage { duplicate: 300, ..Damage::NONE });
        let stats = outcome.book().closed().ingress.expect("a leg");
        assert!(stats.duplicate > 0);
        assert_eq!(stats.lost, 0, "{stats:?}");
    });
}

#[test]
fn a_bad_link_for_signalling_ends_every_call_once() {
    for_seeds(60, |seed| {
        let mut random = Random::new(seed, 40);
        let mut scenario = Scenario::inbound(seed).at(1_000 + random.below(3_000), Act::CallerHangsUp);
        scenario.sip = Damage { loss: 300, ..Damage::drawn(&mut random) };
        scenario.run();
    });
}
