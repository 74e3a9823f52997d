//! A thousand calls, each over its own bad link: every call ends on both sides, once, and leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Event, InviteId};
use sip::header::StatusCode;

use crate::support::{CALLEE, CALLER, Damage, Pair, Random, callee_contact, name};

/// What an application at one end does, by the seed: patience before each step.
struct Plan {
    ring_after: Option<Duration>,
    outcome: Outcome,
    answer_after: Duration,
    caller_hangs_up_after: Duration,
    callee_hangs_up_after: Duration,
}

enum Outcome {
    Answer,
    Refuse,
}

impl Plan {
    fn of(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0xD134_2543_DE82_EF95) | 1);
        let mut within = |milliseconds| Duration::from_millis(random.below(milliseconds));
        Self {
            ring_after: (!seed.is_multiple_of(3)).then(|| within(500)),
            outcome: if seed.is_multiple_of(5) { Outcome::Refuse } else { Outcome::Answer },
            answer_after: within(6000),
            caller_hangs_up_after: within(12_000),
            callee_hangs_up_after: within(12_000),
        }
    }
}

/// Which ids have been named at an end, and whether they have ended.
#[derive(Default)]
struct Ledger {
    ended: BTreeMap<InviteId, bool>,
    seen: BTreeSet<String>,
}

impl Ledger {
    fn note(&mut self, event: &Event, seed: u64) {
        let ended = self.ended.entry(event.id()).or_insert(false);
        assert!(!*ended, "seed {seed}: {event:?} after Ended");
        *ended = matches!(event, Event::Ended { .. });
        self.seen.insert(name(event));
    }

    fn all_ended(&self) -> bool {
        self.ended.values().all(|ended| *ended)
    }
}

/// The names of all events.
fn run(seed: u64) -> BTreeSet<String> {
    let mut pair = Pair::with_damage(seed, Damage { loss: 200, duplicate: 100, reorder: 200 });
    let plan = Plan::of(seed);
    let call = pair.call();
    let mut ledgers = [Ledger::default(), Ledger::default()];
    let mut incoming: Option<(InviteId, Duration)> = None;
    let (mut rung, mut decided, mut hung_up) = (false, false, [false; 2]);
    for _ in 0..20_000 {
        for (end, ledger) in ledgers.iter_mut().enumerate() {
            while let Some(event) = pair.events[end].pop_front() {
                ledger.note(&event, seed);
                if let Event::Incoming { id, .. } = event {
                    assert!(incoming.is_none(), "seed {seed}: one call came twice");
                    incoming = Some((id, pair.elapsed()));
                }
            }
        }
        if let Some((id, since)) = incoming {
            let waited = pair.elapsed() - since;
            if !rung && plan.ring_after.is_some_and(|after| waited >= after) {
                rung = true;
                pair.act(CALLEE, |end, now| end.ring(now, id));
            }
            if !decided && waited >= plan.answer_after {
                decided = true;
                pair.act(CALLEE, |end, now| match plan.outcome {
                    Outcome::Answer => end.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")),
                    Outcome::Refuse => end.reject(now, id, StatusCode::BUSY_HERE, None),
                });
            }
            if decided && !hung_up[CALLEE] && waited >= plan.callee_hangs_up_after {
                hung_up[CALLEE] = true;
                pair.act(CALLEE, |end, now| end.hang_up(now, id));
            }
        }
        if !hung_up[CALLER] && pair.elapsed() >= plan.caller_hangs_up_after {
            hung_up[CALLER] = true;
            pair.act(CALLER, |end, now| end.hang_up(now, call));
        }
        // The next thing that happens, but no later than the plans may have something to do.
        if pair.elapsed() < Duration::from_secs(20) {
            pair.run(Duration::from_millis(50));
        } else if !pair.step() {
            break;
        }
    }
    for (end, ledger) in ledgers.iter_mut().enumerate() {
        for event in pair.events[end].drain(..) {
            ledger.note(&event, seed);
        }
        assert!(ledger.all_ended(), "seed {seed}: a call at end {end} never ended");
    }
    assert!(ledgers[CALLER].ended.contains_key(&call), "seed {seed}: the caller heard nothing");
    assert!(pair.is_idle(), "seed {seed}: something is left");
    ledgers.into_iter().flat_map(|ledger| ledger.seen).collect()
}

#[test]
fn every_call_over_a_bad_link_ends_once_and_leaves_nothing() {
    if let Some(seed) = std::env::var("SIP_SEED").ok().and_then(|seed| seed.parse().ok()) {
        run(seed);
        return;
    }
    let count = std::env::var("SIM_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_u64).max(1_000);
    let seen: BTreeSet<String> = (0..count).flat_map(run).collect();
    // Otherwise the link was too good, or the plans too much alike.
    for event in ["Incoming", "Ringing", "Answered", "Confirmed", "Refused", "Cancelled", "HungUp", "Ended"] {
        assert!(seen.contains(event), "no call saw {event}");
    }
}
