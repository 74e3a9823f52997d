//! Which agent is dialled next, when, and for how long it is worth trying.
//!
//! The agents stand in the order of the route. After a loss the next one is dialled at once, and after the last the first again; once
//! all were tried in vain there is a pause before each try, longer every round. One that refuses us is not tried again in this call.
//! Before the call is answered each is tried twice, so that the caller's network can look elsewhere; after it the caller is kept for
//! [`Plan::LONGEST_OUTAGE`]. A connection that stood for a while ends the count, and so does one on which the agent was heard, but not for
//! ever: one that greets and breaks, again and again, is tried like one that cannot be reached.

use std::time::{Duration, Instant};

/// Why a connection is not to be counted on any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It could not be made.
    Unreachable,
    /// Others have tried in vain of late: it was not tried.
    Blocked,
    /// The agent refuses us, or our settings.
    Refused,
    /// It broke or was closed.
    Closed,
    /// The agent was not ready in time.
    NotReady,
    /// The agent does not answer any more: neither a ping nor the caller.
    Stalled,
    /// A limit of rate or quota.
    Limited,
    /// It would have come to its end.
    Expired,
}

impl Loss {
    /// A stable name, for timelines and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Closed => "closed",
            Self::NotReady => "not_ready",
            Self::Stalled => "stalled",
            Self::Limited => "limited",
            Self::Expired => "expired",
        }
    }
}

/// What is to be done after a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Dial this agent, so much later.
    Dial { member: usize, after: Duration },
    /// There is no use in it: whether because all refuse us.
    GiveUp { refused: bool },
}

/// The agents of a call in their order, and how they have fared.
#[derive(Debug)]
pub(super) struct Plan {
    refused: Vec<bool>,
    current: usize,
    /// Losses that are not forgiven.
    losses: u32,
    /// How often in a row an agent was heard and lost before its connection had stood for a while.
    brief: u32,
    outage: Option<Instant>,
    /// Keeps calls that lost one agent together from dialling the next together.
    spread: u64,
}

impl Plan {
    /// How long a caller who was answered is kept without an agent.
    pub(super) const LONGEST_OUTAGE: Duration = Duration::from_secs(30);

    /// So many agents, the first of which is dialled first. `seed` spreads what many calls do at one time.
    pub(super) fn new(members: usize, seed: u64) -> Self {
        Self { refused: vec![false; members], current: 0, losses: 0, brief: 0, outage: None, spread: seed | 1 }
    }

    /// Which would be dialled if this one were lost now; none where it is the only one left.
    pub(super) fn alternative(&self) -> Option<usize> {
        self.following().filter(|next| *next != self.current)
    }

    /// Since when there is no agent that was ever heard.
    pub(super) const fn outage(&self) -> Option<Instant> {
        self.outage
    }

    /// The current one is lost. `answered`: the caller hears us.
    pub(super) fn lost(&mut self, now: Instant, loss: Loss, answered: bool) -> Next {
        if loss == Loss::Refused
            && let Some(refused) = self.refused.get_mut(self.current)
        {
            *refused = true;
        }
        self.losses = self.losses.saturating_add(1);
        let began = *self.outage.get_or_insert(now);
        let Some(member) = self.following() else { return Next::GiveUp { refused: true } };
        let usable = u32::try_from(self.refused.iter().filter(|refused| !**refused).count()).unwrap_or(1).max(1);
        let round = (self.losses - 1) / usable;
        let in_vain = match answered {
            true => now.saturating_duration_since(began) >= Self::LONGEST_OUTAGE,
            false => self.losses >= ROUNDS_UNANSWERED * usable,
        };
        if in_vain {
            return Next::GiveUp { refused: false };
        }
        let after = match round {
            0 if member != self.current => Duration::ZERO,
            0 => self.spread_over(FIRST_PAUSE),
            _ => self.spread_over((PAUSE * 2_u32.saturating_pow(round - 1)).min(LONGEST_PAUSE)),
        };
        self.current = member;
        Next::Dial { member, after }
    }

    /// The conversation goes on with another, of its own accord.
    pub(super) const fn pass_to(&mut self, member: usize) {
        self.current = member;
    }

    /// An agent is heard: what went wrong before is forgiven, unless it has gone so too often.
    pub(super) const fn heard(&mut self) {
        if self.brief < FORGIVEN {
            self.brief += 1;
            (self.losses, self.outage) = (0, None);
        }
    }

    /// The connection has stood for a while: what went wrong before is forgiven.
    pub(super) const fn stood(&mut self) {
        (self.losses, self.brief, self.outage) = (0, 0, None);
    }

    /// The next that does not refuse us, in the order of the route and from its beginning again.
    fn following(&self) -> Option<usize> {
        let count = self.refused.len();
        (1..=count).map(|step| (self.current + step) % count).find(|member| self.refused.get(*member) == Some(&false))
    }

    /// Between half of a pause and all of it.
    fn spread_over(&mut self, pause: Duration) -> Duration {
        // xorshift64.
        self.spread ^= self.spread << 13;
        self.spread ^= self.spread >> 7;
        self.spread ^= self.spread << 17;
        pause.mul_f64(0.5 + (self.spread >> 40) as f64 / (1_u64 << 25) as f64)
    }
}

/// So often in a row an agent may break soon after it was heard, and is dialled again at once.
const FORGIVEN: u32 = 16;
/// Tries of each agent before a call that is not answered is given up.
const ROUNDS_UNANSWERED: u32 = 2;
/// Before the only agent is dialled again: its listener may just be gone.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Before each try of the second round; twice as long in every round that follows.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(next: Next) -> (usize, Duration) {
        match next {
            Next::Dial { member, after } => (member, after),
            Next::GiveUp { .. } => panic!("given up"),
        }
    }

    #[test]
    fn the_next_is_dialled_at_once_and_after_the_last_the_first_with_a_pause() {
        let (mut plan, now) = (Plan::new(2, 7), Instant::now());
        assert_eq!((plan.current, plan.alternative()), (0, Some(1)));
        assert_eq!(dial(plan.lost(now, Loss::Closed, true)), (1, Duration::ZERO));
        assert_eq!(dial(plan.lost(now, Loss::Unreachable, true)), (0, Duration::ZERO));
        let (member, after) = dial(plan.lost(now, Loss::Unreachable, true));
        assert!(member == 1 && (PAUSE / 2..=PAUSE).contains(&after), "{after:?}");
        plan.stood();
        assert_eq!(dial(plan.lost(now, Loss::Closed, true)).1, Duration::ZERO);
    }

    #[test]
    fn one_that_is_heard_and_breaks_again_and_again_is_given_up() {
        let (mut plan, mut now, mut at_once) = (Plan::new(1, 7), Instant::now(), 0);
        let began = now;
        loop {
            // It greets for half a second, and is gone.
            plan.heard();
            now += Duration::from_millis(500);
            let Next::Dial { after, .. } = plan.lost(now, Loss::Closed, true) else { break };
            at_once += u32::from(after <= FIRST_PAUSE);
            now += after;
        }
        assert_eq!(at_once, FORGIVEN);
        assert!(now - began < Duration::from_millis(500) * FORGIVEN + Plan::LONGEST_OUTAGE + LONGEST_PAUSE * 2, "{:?}", now - began);
        plan.stood();
        plan.heard();
        assert!(dial(plan.lost(now, Loss::Closed, true)).1 <= FIRST_PAUSE, "who has stood for a while begins anew");
    }

    #[test]
    fn the_only_agent_is_dialled_again_within_a_tenth_of_a_second() {
        let (mut plan, now) = (Plan::new(1, 7), Instant::now());
        let (member, after) = dial(plan.lost(now, Loss::Closed, true));
        assert!(member == 0 && after <= FIRST_PAUSE && plan.alternative().is_none());
    }

    #[test]
    fn one_that_refuses_us_is_not_tried_again_and_where_all_do_there_is_no_use() {
        let (mut plan, now) = (Plan::new(3, 7), Instant::now());
        assert_eq!(dial(plan.lost(now, Loss::Refused, true)).0, 1);
        assert_eq!(dial(plan.lost(now, Loss::Closed, true)).0, 2);
        assert_eq!(dial(plan.lost(now, Loss::Refused, true)).0, 1);
        assert_eq!(plan.alternative(), None);
        assert_eq!(plan.lost(now, Loss::Refused, true), Next::GiveUp { refused: true });
    }

    #[test]
    fn before_the_answer_each_is_tried_twice_and_after_it_for_half_a_minute() {
        let (mut plan, mut now) = (Plan::new(2, 7), Instant::now());
        for _ in 0..3 {
            dial(plan.lost(now, Loss::Unreachable, false));
        }
        assert_eq!(plan.lost(now, Loss::Unreachable, false), Next::GiveUp { refused: false });
        let (mut plan, began, mut tries) = (Plan::new(2, 7), now, 0);
        while let Next::Dial { after, .. } = plan.lost(now, Loss::Unreachable, true) {
            assert!(after <= LONGEST_PAUSE);
            now += after + Duration::from_millis(10);
            tries += 1;
        }
        assert!(now - began >= Plan::LONGEST_OUTAGE && now - began < Plan::LONGEST_OUTAGE + LONGEST_PAUSE);
        assert!((20..60).contains(&tries), "{tries} tries");
    }
}
