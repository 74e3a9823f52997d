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
        *self = Self { since: None, over: false };
    }
}

/// Twenty times what a slot and an agent's message take together, and a twentieth of a packet's time.
const LONGEST: Duration = Duration::from_millis(1);

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
}
