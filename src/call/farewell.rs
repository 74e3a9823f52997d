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

/// How far what is said last has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastWords {
    /// They have yet to begin.
    Awaited,
    /// They are being said; silence shows that they are over.
    Begun,
    /// All of them are here: who said them is gone.
    Whole,
}

#[derive(Debug)]
struct Going {
    leave: Leave,
    last: LastWords,
    quiet_since: Option<Instant>,
    /// However long the goodbye is.
    by: Instant,
    may_stay: bool,
}

impl Farewell {
    /// The agent leaves; what it said is being heard, or was.
    pub(super) fn after_words(&mut self, now: Instant) {
        let may_stay = self.stayed < MOST_STAYED;
        let going = Going { leave: Leave::Agent, last: LastWords::Begun, quiet_since: None, by: now + LONGEST, may_stay };
        self.going.get_or_insert(going);
    }

    /// The agent has hung up: what it has said is heard to its end, and nobody is there to stay for.
    pub(super) fn after_hang_up(&mut self, now: Instant) {
        let (leave, last) = (Leave::Agent, LastWords::Whole);
        let going = self.going.get_or_insert(Going { leave, last, quiet_since: None, by: now + LONGEST, may_stay: false });
        (going.last, going.may_stay) = (LastWords::Whole, false);
    }

    /// A rule ends the call; the agent was asked for a goodbye. `may_stay`: unless the caller speaks.
    pub(super) fn after_goodbye(&mut self, now: Instant, reason: PolicyReason, may_stay: bool) {
        let (leave, may_stay) = (Leave::Rule(reason), may_stay && self.stayed < MOST_STAYED);
        let going = Going { leave, last: LastWords::Awaited, quiet_since: None, by: now + LONGEST, may_stay };
        self.going.get_or_insert(going);
    }

    /// Something new of the agent's begins to be heard: what it said when a rule struck is not its goodbye.
    pub(super) const fn begins(&mut self) {
        if let Some(Going { last: last @ LastWords::Awaited, .. }) = &mut self.going {
            *last = LastWords::Begun;
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
        let leave = (going.due() <= now).then_some(going.leave)?;
        self.going = None;
        Some(leave)
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
        let patience = match self.last {
            LastWords::Awaited => PATIENCE,
            LastWords::Begun => GRACE,
            LastWords::Whole => Duration::ZERO,
        };
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
    fn what_an_agent_said_that_is_gone_is_heard_and_nobody_stays_for_it() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut farewell = Farewell::default();
        farewell.after_hang_up(at(0));
        assert_eq!((farewell.poll(at(0), true), farewell.caller_spoke(), farewell.poll(at(4_000), true)), (None, false, None));
        assert_eq!(farewell.poll(at(4_020), false), Some(Leave::Agent), "nothing more comes");
        assert!(!farewell.is_going(), "told once");
        farewell.after_hang_up(at(5_000));
        assert_eq!(farewell.poll(at(5_000), false), Some(Leave::Agent));
        farewell.after_words(at(6_000));
        farewell.after_hang_up(at(6_100));
        assert!(!farewell.caller_spoke());
        farewell.after_goodbye(at(6_200), PolicyReason::MaxDuration, false);
        assert_eq!(farewell.poll(at(6_200), false), Some(Leave::Agent), "who left first");
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
