//! How long a call's task goes on before the others of its thread have their turn.
//!
//! A task is asked again while there is something to read. Of an agent that sends thousands of messages at once, or of a flood at a
//! call's port, that would be a hundred messages or thousands of datagrams in a row, and the packets of all other calls would wait.

use std::time::{Duration, Instant};

/// Since when a call's task is at work without a pause.
#[derive(Debug, Default)]
pub(super) struct Stint {
    since: Option<Instant>,
    over: bool,
    /// What is due has waited for as much as it may wait for.
    urgent: bool,
}

impl Stint {
    /// Something more is taken; answers with the time.
    pub(super) fn goes_on(&mut self) -> Instant {
        let now = Instant::now();
        self.goes_on_at(now);
        now
    }

    fn goes_on_at(&mut self, now: Instant) {
        self.over = now.saturating_duration_since(*self.since.get_or_insert(now)) >= LONGEST;
    }

    /// Whether the others are to be let in.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// The others had their turn, or there is nothing more to do.
    pub(super) const fn ends(&mut self) {
        (self.since, self.urgent, self.over) = (None, self.over, false);
    }

    /// Whether what is due since then is so late that what has come meanwhile goes first, which it does for one stint.
    pub(super) fn catches_up(&self, due: Option<Instant>) -> bool {
        !self.urgent && due.is_some_and(|due| due.elapsed() >= BEHIND)
    }

    /// What was due is done.
    pub(super) const fn caught_up(&mut self) {
        self.urgent = false;
    }
}

/// Twenty times what a slot and an agent's message take together, and a twentieth of a packet's time.
const LONGEST: Duration = Duration::from_millis(1);
/// Half a packet's time: no wake-up is that late as long as its thread runs.
const BEHIND: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_much_to_do_lets_others_in_each_millisecond_and_who_has_little_never_waits() {
        let (start, mut stint) = (Instant::now(), Stint::default());
        let mut over_at = |micros: &[u64]| {
            stint.ends();
            micros.iter().position(|micros| {
                stint.goes_on_at(start + Duration::from_micros(*micros));
                stint.is_over()
            })
        };
        assert_eq!(over_at(&[0, 50, 100, 999]), None);
        assert_eq!(over_at(&[0, 50, 999, 1_000, 1_100]), Some(3));
        assert_eq!(over_at(&[30_000, 30_999]), None, "what was before the pause does not count");
        assert_eq!(over_at(&[60_000, 65_000]), Some(1), "one that takes long is the last one");
    }

    #[test]
    fn what_has_come_while_the_thread_stood_still_goes_before_what_is_due_for_one_stint() {
        let (now, mut stint) = (Instant::now(), Stint::default());
        assert!(!stint.catches_up(None) && !stint.catches_up(Some(now)), "in time");
        let due = now.checked_sub(BEHIND);
        assert!(stint.catches_up(due));
        stint.goes_on_at(now);
        stint.goes_on_at(now + LONGEST);
        assert!(stint.catches_up(due) && stint.is_over());
        stint.ends();
        assert!(!stint.catches_up(due), "no longer");
        stint.caught_up();
        assert!(stint.catches_up(due), "the next time again");
    }
}
