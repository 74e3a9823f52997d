//! When somebody should say something: silence that lasts, and calls that do.
//!
//! Pure: it is told who speaks and what time it is, and says when the agent is to be asked to speak. Silence is counted from the last word of
//! either side that was heard; a tool that runs, a hold and a transfer stop the count.

use std::time::{Duration, Instant};

use crate::agent::conduct::Conduct;
use crate::domain::termination::PolicyReason;

/// What a call knows of silence.
#[derive(Debug)]
pub(super) struct Manners {
    rules: Conduct,
    quiet_since: Option<Instant>,
    prompts: u32,
    /// When the call is to end with a goodbye.
    ends_at: Option<Instant>,
    /// The caller has begun to speak, as somebody said who hears it; for no longer than this is it believed without another word.
    caller_until: Option<Instant>,
}

/// What the agent is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nudge {
    /// To ask whether the caller is there.
    AskAgain,
    /// To say goodbye: the call ends for this reason.
    Goodbye(PolicyReason),
}

impl Manners {
    pub(super) const fn new(rules: Conduct) -> Self {
        Self { rules, quiet_since: None, prompts: 0, ends_at: None, caller_until: None }
    }

    /// The two sides can hear each other.
    pub(super) fn answered(&mut self, now: Instant) {
        let longest = Duration::from_secs(self.rules.max_call_s.into());
        self.ends_at = (!longest.is_zero()).then(|| now + longest);
    }

    /// The caller speaks, or pressed a key.
    pub(super) fn caller_spoke(&mut self, now: Instant) {
        (self.prompts, self.quiet_since) = (0, None);
        self.caller_until = Some(now + BELIEVED);
    }

    /// The caller has finished.
    pub(super) const fn caller_stopped(&mut self) {
        self.caller_until = None;
    }

    /// What is to be asked of the agent now; `busy`: there is something to hear or to wait for.
    pub(super) fn poll(&mut self, now: Instant, busy: bool) -> Option<Nudge> {
        if self.ends_at.is_some_and(|at| at <= now) {
            self.ends_at = None;
            self.quiet_since = None;
            return Some(Nudge::Goodbye(PolicyReason::MaxDuration));
        }
        if self.rules.idle_after_s == 0 {
            return None;
        }
        self.caller_until = self.caller_until.filter(|until| *until > now);
        if busy || self.caller_until.is_some() {
            self.quiet_since = None;
            return None;
        }
        let since = *self.quiet_since.get_or_insert(now);
        if since + self.idle_after() > now {
            return None;
        }
        self.quiet_since = Some(now);
        self.prompts += 1;
        Some(if self.prompts > self.rules.idle_prompts { Nudge::Goodbye(PolicyReason::CallerSilent) } else { Nudge::AskAgain })
    }

    /// When [`Self::poll`] wants to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let quiet = self.quiet_since.map(|since| since + self.idle_after());
        [quiet, self.ends_at, self.caller_until.filter(|_| self.rules.idle_after_s != 0)].into_iter().flatten().min()
    }

    pub(super) const fn rules(&self) -> &Conduct {
        &self.rules
    }

    fn idle_after(&self) -> Duration {
        Duration::from_secs(self.rules.idle_after_s.into())
    }
}

/// A caller whose end of speech nobody told of has finished by then.
const BELIEVED: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, s: u64) -> Instant {
        start + Duration::from_secs(s)
    }

    #[test]
    fn silence_is_asked_about_and_then_ends_the_call() {
        let start = Instant::now();
        let mut manners = Manners::new(Conduct { idle_after_s: 10, idle_prompts: 2, ..Conduct::default() });
        assert_eq!(manners.poll(at(start, 0), true), None);
        assert_eq!(manners.poll(at(start, 20), true), None, "the agent speaks");
        assert_eq!(manners.poll(at(start, 21), false), None);
        assert_eq!(manners.poll_timeout(), Some(at(start, 31)));
        assert_eq!((manners.poll(at(start, 30), false), manners.poll(at(start, 31), false)), (None, Some(Nudge::AskAgain)));
        assert_eq!((manners.poll(at(start, 32), true), manners.poll(at(start, 34), false)), (None, None), "it asks");
        assert_eq!(manners.poll(at(start, 44), false), Some(Nudge::AskAgain));
        assert_eq!(manners.poll(at(start, 54), false), Some(Nudge::Goodbye(PolicyReason::CallerSilent)));
    }

    #[test]
    fn a_caller_who_speaks_is_asked_nothing_and_begins_the_count_anew() {
        let start = Instant::now();
        let mut manners = Manners::new(Conduct { idle_after_s: 10, idle_prompts: 1, ..Conduct::default() });
        assert_eq!(manners.poll(at(start, 0), false), None);
        assert_eq!(manners.poll(at(start, 10), false), Some(Nudge::AskAgain));
        manners.caller_spoke(at(start, 11));
        assert_eq!(manners.poll(at(start, 25), false), None, "a long story");
        manners.caller_stopped();
        assert_eq!((manners.poll(at(start, 26), false), manners.poll(at(start, 36), false)), (None, Some(Nudge::AskAgain)));
        manners.caller_spoke(at(start, 37));
        assert_eq!(
            (manners.poll(at(start, 67), false), manners.poll(at(start, 77), false)),
            (None, Some(Nudge::AskAgain)),
            "nobody told of its end"
        );
    }

    #[test]
    fn a_call_that_has_lasted_long_enough_ends_with_a_goodbye_whoever_speaks() {
        let start = Instant::now();
        let mut manners = Manners::new(Conduct { max_call_s: 60, ..Conduct::default() });
        assert_eq!(manners.poll_timeout(), None, "not before it is answered");
        manners.answered(at(start, 0));
        assert_eq!(
            (manners.poll(at(start, 59), true), manners.poll(at(start, 60), true)),
            (None, Some(Nudge::Goodbye(PolicyReason::MaxDuration)))
        );
        assert_eq!((manners.poll(at(start, 61), true), manners.poll_timeout()), (None, None), "once");
    }

    #[test]
    fn without_rules_nothing_wakes_the_call() {
        let now = Instant::now();
        let mut manners = Manners::new(Conduct::default());
        manners.answered(now);
        manners.caller_spoke(now);
        assert_eq!((manners.poll(now + Duration::from_secs(3_600), false), manners.poll_timeout()), (None, None));
    }
}
