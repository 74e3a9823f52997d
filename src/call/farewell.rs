//! Leaving a call in good manners: it ends when what the agent says was heard, not while it is said.
//!
//! Pure. Two ways to leave: the agent wants to, and has said what it had to say or is saying it; or a rule wants the call to end, and the agent was
//! asked for a goodbye that it has yet to say. A caller who speaks meanwhile keeps the call going, twice; then it ends all the same.

use std::time::{Duration, Instant};

use crate::domain::termination::PolicyReason;

/// Whether a call is about to end, and how.
#[derive(Debug, Default)]
pub(super) struct Farewell {
    going: Option<Going>,
    stayed: u32,
}

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// The agent.
    Agent,
    /// A rule.
    Rule(PolicyReason),
}

#[derive(Debug)]
struct Going {
    leave: Leave,
    /// What is said last has begun.
    begun: bool,
    quiet_since: Option<Instant>,
    /// However long the goodbye is.
    by: Instant,
    may_stay: bool,
}

impl Farewell {
    /// The agent leaves; what it said is being heard, or was.
    pub(super) fn after_words(&mut self, now: Instant) {
        let may_stay = self.stayed < MOST_STAYED;
        let going = Going { leave: Leave::Agent, begun: true, quiet_since: None, by: now + LONGEST, may_stay };
        self.going.get_or_insert(going);
    }

    /// A rule ends the call; the agent was asked for a goodbye. `may_stay`: unless the caller speaks.
    pub(super) fn after_goodbye(&mut self, now: Instant, reason: PolicyReason, may_stay: bool) {
        let (leave, may_stay) = (Leave::Rule(reason), may_stay && self.stayed < MOST_STAYED);
        let going = Going { leave, begun: false, quiet_since: None, by: now + LONGEST, may_stay };
        self.going.get_or_insert(going);
    }

    /// Something new of the agent's begins to be heard: what it said when a rule struck is not its goodbye.
    pub(super) const fn begins(&mut self) {
        if let Some(going) = &mut self.going {
            going.begun = true;
        }
    }

    /// The caller speaks; true when the call goes on for it.
    pub(super) fn caller_spoke(&mut self) -> bool {
        let stays = self.going.as_ref().is_some_and(|going| going.may_stay);
        if stays {
            self.going = None;
            self.stayed += 1;
        }
        stays
    }

    /// Whether it is time to go; `speaking`: something of the agent is still to be heard.
    pub(super) fn poll(&mut self, now: Instant, speaking: bool) -> Option<Leave> {
        let going = self.going.as_mut()?;
        if speaking {
            going.quiet_since = None;
        } else {
            going.quiet_since.get_or_insert(now);
        }
        (going.due() <= now).then_some(going.leave)
    }

    /// Whether the call is about to end.
    pub(super) const fn is_going(&self) -> bool {
        self.going.is_some()
    }

    /// When [`Self::poll`] wants to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.going.as_ref().map(Going::due)
    }
}

impl Going {
    fn due(&self) -> Instant {
        let patience = if self.begun { GRACE } else { PATIENCE };
        self.quiet_since.map_or(self.by, |since| self.by.min(since + patience))
    }
}

/// Silence after which what was said is taken for all of it.
const GRACE: Duration = Duration::from_millis(600);
/// How long an agent may take to begin its goodbye.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a goodbye may last.
const LONGEST: Duration = Duration::from_secs(30);
/// How often a caller can keep the call going.
const MOST_STAYED: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_ends_once_what_was_said_was_heard() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut farewell = Farewell::default();
        assert_eq!(farewell.poll(at(0), false), None, "nobody wants to go");
        farewell.after_words(at(0));
        assert_eq!(farewell.poll(at(10), true), None);
        assert_eq!(farewell.poll(at(2_000), true), None);
        assert_eq!(farewell.poll(at(2_020), false), None);
        assert_eq!(farewell.poll_timeout(), Some(at(2_620)));
        assert_eq!(farewell.poll(at(2_619), false), None);
        assert_eq!(farewell.poll(at(2_620), false), Some(Leave::Agent));
    }

    #[test]
    fn a_goodbye_is_waited_for_and_not_for_ever() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let rule = Leave::Rule(PolicyReason::MaxDuration);
        let leaving = || {
            let mut farewell = Farewell::default();
            farewell.after_goodbye(at(0), PolicyReason::MaxDuration, false);
            farewell
        };
        let mut spoken = leaving();
        assert_eq!(spoken.poll(at(200), true), None, "the end of another sentence");
        assert_eq!(spoken.poll(at(500), false), None);
        assert_eq!(spoken.poll(at(1_200), false), None, "it has yet to begin");
        spoken.begins();
        assert_eq!(spoken.poll(at(1_500), true), None);
        assert_eq!((spoken.poll(at(4_000), false), spoken.poll(at(4_600), false)), (None, Some(rule)));
        let mut silent = leaving();
        assert_eq!((silent.poll(at(0), false), silent.poll(at(5_999), false), silent.poll(at(6_000), false)), (None, None, Some(rule)));
        let mut endless = leaving();
        assert_eq!((endless.poll(at(29_999), true), endless.poll(at(30_000), true)), (None, Some(rule)));
    }

    #[test]
    fn a_caller_who_speaks_keeps_the_call_going_twice() {
        let now = Instant::now();
        let mut farewell = Farewell::default();
        assert!(!farewell.caller_spoke(), "it goes on anyway");
        for stays in [true, true, false] {
            farewell.after_words(now);
            assert_eq!(farewell.caller_spoke(), stays);
        }
        assert!(farewell.is_going());
    }
}
