//! What happens within calls, over bad links: reliable responses, offers by either end and their glare, keys, referrals, session timers.
//!
//! Each call is given by its seed, which is printed when it fails. `SIP_SEED=n` runs one of them alone; `SIM_SEEDS=n` so many.
//! What cannot be passed yet is listed in [`KNOWN`], and is run by its seed alone.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{Event, InviteId, OfferId, OutgoingRefer, ReferOutcome};
use sip::header::StatusCode;
use sip::key_press::{KeyPress, KeyStyle};

use crate::support::{CALLEE, CALLER, Damage, Pair, Random, callee_contact, name, outgoing, uri};

/// One end of a call, and what it waits for.
#[derive(Default)]
struct End {
    id: Option<InviteId>,
    ended: bool,
    /// Our last offer, until it is known what became of it.
    offered: Option<Bytes>,
    offers: u32,
    pressed: u32,
    heard: u32,
    refers: u32,
    outcomes: u32,
    waits_for_outcome: bool,
    /// What the far end asked, and when it is answered.
    owed: Vec<(Duration, Owed)>,
    confirmed: bool,
}

enum Owed {
    Ring,
    Progress,
    Answer,
    AcceptOffer(OfferId, Bytes),
    RejectOffer(OfferId),
    AcceptRefer,
    RejectRefer,
    ReferProgress(StatusCode),
}

struct Run {
    seed: u64,
    pair: Pair,
    random: Random,
    ends: [End; 2],
    seen: BTreeSet<String>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let damage = Damage { loss: 150, duplicate: 100, reorder: 200 };
        // A life of 90 s, so that it is refreshed while other things go on.
        let pair = Pair::with_config(seed, damage, |config| config.session_expires = Some(Duration::from_secs(90)));
        let random = Random(seed.wrapping_mul(0xA076_1D64_78BD_642F) | 1);
        Self { seed, pair, random, ends: [End::default(), End::default()], seen: BTreeSet::new() }
    }

    /// The whole call.
    fn run(mut self) -> BTreeSet<String> {
        let mut call = outgoing();
        call.options.reliable = self.seed.is_multiple_of(3);
        if self.seed.is_multiple_of(7) {
            // The callee offers.
            call.body = Bytes::new();
        }
        let id = self.pair.act(CALLER, |end, now| end.invite(now, call)).expect("an idle endpoint takes a call");
        self.ends[CALLER].id = Some(id);
        while self.pair.elapsed() < TALKING {
            self.pair.run(STEP);
            self.look();
            if self.random.below(20) == 0 {
                self.do_something();
            }
        }
        // Nothing new is begun; all that was begun is over before somebody hangs up.
        while self.pair.elapsed() < TALKING + SETTLING {
            self.pair.run(STEP * 5);
            self.look();
        }
        self.assert_settled();
        let who = self.random.below(2) as usize;
        if let Some(id) = self.ends[who].id.filter(|_| !self.ends[who].ended) {
            self.pair.act(who, |end, now| end.hang_up(now, id));
        }
        for _ in 0..400 {
            self.pair.run(Duration::from_secs(1));
            self.look();
        }
        assert!(self.ends.iter().all(|end| end.id.is_none() || end.ended), "seed {}: a call never ended", self.seed);
        assert!(self.pair.is_idle(), "seed {}: something is left", self.seed);
        self.seen
    }

    fn assert_settled(&self) {
        for (which, end) in self.ends.iter().enumerate().filter(|(_, end)| !end.ended) {
            assert!(end.offered.is_none(), "seed {}: end {which} never heard what became of its offer", self.seed);
            assert!(!end.waits_for_outcome, "seed {}: end {which} never heard what became of its referral", self.seed);
        }
        for (which, end) in self.ends.iter().enumerate() {
            let far = &self.ends[1 - which];
            assert!(end.heard <= far.pressed, "seed {}: a key was heard that nobody pressed", self.seed);
            assert!(end.outcomes <= end.refers, "seed {}: more came of referrals than were asked for", self.seed);
        }
    }

    /// Takes events, and does what is owed by now.
    fn look(&mut self) {
        for which in [CALLER, CALLEE] {
            while let Some(event) = self.pair.events[which].pop_front() {
                self.seen.insert(name(&event));
                self.take(which, event);
            }
            let now = self.pair.elapsed();
            let (due, later) = std::mem::take(&mut self.ends[which].owed).into_iter().partition(|(at, _)| *at <= now);
            self.ends[which].owed = later;
            let due: Vec<(Duration, Owed)> = due;
            for (_, owed) in due {
                self.pay(which, owed);
            }
        }
    }

    fn take(&mut self, which: usize, event: Event) {
        let seed = self.seed;
        assert!(!self.ends[which].ended, "seed {seed}: {event:?} after Ended");
        match event {
            Event::Incoming { id, .. } => {
                assert!(self.ends[which].id.replace(id).is_none(), "seed {seed}: one call came twice");
                self.owe(which, Owed::Ring);
                if self.random.below(2) == 0 {
                    self.owe(which, Owed::Progress);
                }
                let at = self.pair.elapsed() + Duration::from_secs(4);
                self.ends[which].owed.push((at, Owed::Answer));
            }
            Event::Answered { .. } => self.ends[which].confirmed = true,
            Event::Confirmed { .. } => self.ends[which].confirmed = true,
            Event::Offered { offer, sdp, .. } => {
                let answer = if sdp.is_empty() { Bytes::from_static(b"asked for") } else { answer_to(&sdp) };
                // What came with an answer to our INVITE cannot be refused.
                let refuse = self.random.below(4) == 0 && sdp.starts_with(b"offer ");
                self.owe(which, if refuse { Owed::RejectOffer(offer) } else { Owed::AcceptOffer(offer, answer) });
            }
            Event::OfferAccepted { sdp, .. } => {
                if let Some(offered) = self.ends[which].offered.take() {
                    assert_eq!(sdp, answer_to(&offered), "seed {seed}: the answer to another offer");
                }
            }
            Event::OfferRefused { .. } => self.ends[which].offered = None,
            Event::OfferDue { .. } => {
                self.ends[which].offered = None;
                if self.pair.elapsed() < TALKING {
                    self.offer(which);
                }
            }
            Event::Key { .. } => self.ends[which].heard += 1,
            Event::Referred { .. } => {
                let granted = self.random.below(3) != 0;
                self.owe(which, if granted { Owed::AcceptRefer } else { Owed::RejectRefer });
            }
            Event::ReferEnded { outcome, .. } => {
                self.ends[which].waits_for_outcome = false;
                self.ends[which].outcomes += 1;
                if let ReferOutcome::Succeeded = outcome {
                    self.seen.insert("ReferSucceeded".to_owned());
                }
            }
            Event::Expired { .. } => panic!("seed {seed}: a session that both ends refresh expired"),
            Event::Ended { .. } => self.ends[which].ended = true,
            _ => {}
        }
    }

    fn owe(&mut self, which: usize, owed: Owed) {
        let at = self.pair.elapsed() + Duration::from_millis(self.random.below(1_500));
        self.ends[which].owed.push((at, owed));
    }

    fn pay(&mut self, which: usize, owed: Owed) {
        let Some(id) = self.ends[which].id else { return };
        let is_granted = matches!(owed, Owed::AcceptRefer);
        self.pair.act(which, |end, now| match owed {
            Owed::Ring => end.ring(now, id),
            Owed::Progress => end.progress(now, id, answer_to(b"offer")),
            Owed::Answer => end.answer(now, id, &callee_contact(), answer_to(b"offer")),
            Owed::AcceptOffer(offer, sdp) => end.accept_offer(now, id, offer, sdp),
            Owed::RejectOffer(offer) => end.reject_offer(now, id, offer, StatusCode::NOT_ACCEPTABLE_HERE),
            Owed::AcceptRefer => end.accept_refer(now, id),
            Owed::RejectRefer => end.reject_refer(now, id, StatusCode::DECLINE),
            Owed::ReferProgress(status) => end.refer_progress(now, id, status),
        });
        if is_granted {
            self.owe(which, Owed::ReferProgress(StatusCode::RINGING));
            let at = self.pair.elapsed() + Duration::from_secs(3);
            self.ends[which].owed.push((at, Owed::ReferProgress(StatusCode::OK)));
        }
    }

    /// Both ends at once as likely as one: that is what glare is.
    fn do_something(&mut self) {
        let both = self.random.below(3) == 0;
        let one = self.random.below(2) as usize;
        let what = self.random.below(3);
        for which in [one, 1 - one].into_iter().take(if both { 2 } else { 1 }) {
            let end = &mut self.ends[which];
            let Some(id) = end.id.filter(|_| end.confirmed && !end.ended) else { continue };
            match what {
                0 => self.offer(which),
                1 => {
                    end.pressed += 1;
                    let press = KeyPress::new('5', None).expect("a key");
                    self.pair.act(which, |end, now| end.press_key(now, id, press, KeyStyle::Relay));
                }
                _ if !end.waits_for_outcome => {
                    (end.waits_for_outcome, end.refers) = (true, end.refers + 1);
                    let refer = OutgoingRefer { target: uri("sip:carol@192.0.2.50"), referred_by: None, silent: false };
                    self.pair.act(which, |end, now| end.refer(now, id, &refer));
                }
                _ => {}
            }
        }
    }

    fn offer(&mut self, which: usize) {
        let end = &mut self.ends[which];
        let Some(id) = end.id.filter(|_| end.offered.is_none() && !end.ended) else { return };
        end.offers += 1;
        let sdp = Bytes::from(format!("offer {} of {which}", end.offers));
        end.offered = Some(sdp.clone());
        self.pair.act(which, |end, now| end.offer(now, id, sdp));
    }
}

fn answer_to(offer: &[u8]) -> Bytes {
    Bytes::from([b"answer to ", offer].concat())
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SIP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(usual),
    }
}

#[test]
fn whatever_happens_within_calls_over_bad_links_is_answered_once() {
    let seeds = seeds(300);
    let many = seeds.end - seeds.start >= 200;
    let is_known = |seed: u64| seeds.end - seeds.start > 1 && KNOWN.iter().any(|(known, _)| *known == seed);
    for (seed, why) in KNOWN.iter().filter(|(seed, _)| seeds.contains(seed) && is_known(*seed)) {
        eprintln!("not passed yet: SIP_SEED={seed}: {why}");
    }
    let seen: BTreeSet<String> = seeds
        .clone()
        .filter(|seed| !is_known(*seed))
        .flat_map(|seed| {
            // Which one it was is known even when something panics within.
            let _named = Named(seed);
            Run::new(seed).run()
        })
        .collect();
    for event in
        ["EarlyMedia", "Offered", "OfferAccepted", "OfferRefused", "OfferDue", "Key", "Referred", "ReferProgress", "ReferSucceeded"]
    {
        assert!(!many || seen.contains(event), "no call saw {event}: {seen:?}");
    }
}

/// Calls that end as they should not, with what is known of it.
const KNOWN: &[(u64, &str)] = &[];

/// Says which seed it was, when it is dropped in a panic.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat this failure: SIP_SEED={}", self.0);
        }
    }
}

/// How long things happen, and how long they may take to be over: longer than any transaction and any wait for another chance.
const TALKING: Duration = Duration::from_secs(150);
const SETTLING: Duration = Duration::from_secs(260);
const STEP: Duration = Duration::from_millis(200);
