//! Keys that come by signalling.

use auricle::domain::timeline::Moment;

use crate::clock::for_seeds;
use crate::link::Damage;
use crate::scenario::{Act, Outcome, Scenario};

fn pressed(outcome: &Outcome) -> usize {
    let timeline = &outcome.book().closed().record.timeline;
    timeline.iter().filter(|entry| matches!(entry.moment, Moment::KeyPressed { held_ms: 120, in_band: false })).count()
}

#[test]
fn keys_by_info_are_told_once_each_though_the_link_loses_and_doubles() {
    for_seeds(40, |seed| {
        let mut scenario = Scenario::inbound(seed).at(30_000, Act::CallerHangsUp);
        for (n, key) in "12#".chars().enumerate() {
            scenario = scenario.at(2_000 + 2_000 * n as u64, Act::CallerPresses(key));
        }
        scenario.sip = Damage { loss: 150, duplicate: 150, ..Damage::NONE };
        assert_eq!(pressed(&scenario.run()), 3);
    });
}
