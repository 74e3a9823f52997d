//! Everything at once: random parties over random links, a thousand times.

use std::collections::BTreeSet;
use std::time::Duration;

use auricle::call::config::AnswerRule;
use sip::header::StatusCode;

use crate::agent::{AgentAct, Welcome};
use crate::caller::Called;
use crate::clock::{Random, for_seeds, is_broad, ms};
use crate::link::Damage;
use crate::scenario::{Act, Scenario};

#[test]
fn whatever_happens_every_call_ends_once_and_leaves_nothing() {
    let mut ends = BTreeSet::new();
    for_seeds(1_000, |seed| {
        let outcome = scenario(seed).run();
        ends.extend(outcome.books.iter().map(|book| format!("{:?}", book.termination().reason)));
    });
    // Otherwise the plans are too much alike.
    assert!(!is_broad() || ends.len() >= 12, "{ends:?}");
}

fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed, 70);
    let mut scenario = if random.chance(700) {
        Scenario::inbound(seed)
    } else {
        let called = match random.below(10) {
            0..6 => Called::Answers,
            6 => Called::Refuses(StatusCode::BUSY_HERE),
            7 => Called::Refuses(StatusCode::TEMPORARILY_UNAVAILABLE),
            8 => Called::AnswersUnusably,
            _ => Called::Ignores,
        };
        Scenario::outbound(seed, random.below(3_000), called)
    };
    if random.chance(700) {
        scenario.sip = Damage::drawn(&mut random);
    }
    if random.chance(700) {
        scenario.rtp = Damage::drawn(&mut random);
    }
    if random.chance(300) {
        scenario.policy.answer = AnswerRule::Immediately;
    }
    scenario.policy.max_duration = ms(2_000 + random.below(8_000));
    scenario.policy.rtp_limit = ms(1_000 + random.below(5_000));
    scenario.caller.speaks_for = random.up_to(ms(12_000));
    scenario.caller.rings = random.chance(800);
    scenario.welcomes = (0..3).map(|_| welcome(&mut random)).collect();
    for _ in 0..random.below(12) {
        let (at, act) = (random.below(8_000), act(&mut random));
        scenario = scenario.at(at, act);
    }
    scenario
}

fn welcome(random: &mut Random) -> Welcome {
    let connect = match random.below(20) {
        0 => Err(false),
        1 | 2 => Err(true),
        _ => Ok(()),
    };
    let slow = random.chance(50);
    Welcome {
        connect: (random.up_to(if slow { ms(7_000) } else { ms(200) }), connect),
        ready: (!random.chance(50)).then(|| random.up_to(ms(300))),
        greeting: random.chance(300).then(|| ms(10 * random.below(150))),
    }
}

fn act(random: &mut Random) -> Act {
    let every = if random.chance(500) { Duration::ZERO } else { random.up_to(ms(150)) };
    match random.below(24) {
        0 => Act::CallerHangsUp,
        1 => Act::OperatorHangsUp,
        2 => Act::Shutdown,
        3 => Act::Agent(AgentAct::Close([1_000, 1_001, 1_008, 1_011, 1_012][random.below(5) as usize])),
        4 | 5 => Act::Agent(AgentAct::Cut),
        6 => Act::Agent(AgentAct::Fail),
        7 => Act::Agent(AgentAct::Babble),
        8..13 => Act::Agent(AgentAct::HearStart),
        13..16 => Act::Agent(AgentAct::HearStop),
        _ => Act::Agent(AgentAct::Speak { length: ms(10 * random.below(250)), every }),
    }
}
