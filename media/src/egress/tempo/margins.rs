//! How much later audio could have come and still be in time.
//!
//! Kept as the least of each quarter of a second, as if the play-out had never been moved, so that a change of speed
//! does not look like one of the margin. Times are nanoseconds of audio.

use std::time::{Duration, Instant};

/// The least margins of the last 10 s.
#[derive(Debug)]
pub(super) struct Margins {
    /// The least of each quarter, and how many there were; the newest last.
    quarters: [(i64, u32); QUARTERS],
    /// The number of the newest quarter.
    newest: u64,
    first: Option<Instant>,
    /// The greatest of all quarters' leasts since the first.
    greatest: i64,
    /// By how much the play-out was moved on.
    moved: i64,
}

impl Margins {
    pub(super) const fn new() -> Self {
        Self { quarters: [NOTHING; QUARTERS], newest: 0, first: None, greatest: i64::MIN, moved: 0 }
    }

    pub(super) fn note(&mut self, now: Instant, margin: i64) {
        self.advance(now);
        if let Some((least, count)) = self.quarters.last_mut() {
            (*least, *count) = ((*least).min(margin + self.moved), *count + 1);
        }
    }

    /// The play-out was moved on.
    pub(super) const fn move_on(&mut self, by: i64) {
        self.moved += by;
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// The least of the last half second, if enough came in it.
    pub(super) fn near(&mut self, now: Instant) -> Option<i64> {
        self.least(now, NEAR, 3)
    }

    /// The least of the last 10 s, once there were two.
    pub(super) fn far(&mut self, now: Instant) -> Option<i64> {
        let settled = self.first.is_some_and(|first| now.saturating_duration_since(first) >= SETTLED);
        self.least(now, QUARTERS, 8).filter(|_| settled)
    }

    /// Whether there was a quarter whose margins were all greater than `margin` by `fall`.
    pub(super) fn has_fallen(&self, margin: i64, fall: i64) -> bool {
        self.greatest.saturating_sub(self.moved) > margin + fall
    }

    fn least(&mut self, now: Instant, quarters: usize, enough: u32) -> Option<i64> {
        self.advance(now);
        let newest = self.quarters.iter().rev().take(quarters);
        let (least, count) = newest.fold(NOTHING, |(least, count), (other, more)| (least.min(*other), count + more));
        (count >= enough).then_some(least - self.moved)
    }

    fn advance(&mut self, now: Instant) {
        let first = *self.first.get_or_insert(now);
        let number = (now.saturating_duration_since(first).as_nanos() / QUARTER.as_nanos()) as u64;
        if number <= self.newest {
            return;
        }
        if let Some((least, _)) = self.quarters.last().filter(|(_, count)| *count > 0) {
            self.greatest = self.greatest.max(*least);
        }
        let passed = usize::try_from(number - self.newest).unwrap_or(QUARTERS).min(QUARTERS);
        self.quarters.rotate_left(passed % QUARTERS);
        self.quarters.iter_mut().rev().take(passed).for_each(|quarter| *quarter = NOTHING);
        self.newest = number;
    }
}

const NOTHING: (i64, u32) = (i64::MAX, 0);
const QUARTER: Duration = Duration::from_millis(250);
/// 10 s of quarters.
const QUARTERS: usize = 40;
/// The quarter that runs, and the one before.
const NEAR: usize = 2;
/// A clock's drift shows over this long.
const SETTLED: Duration = Duration::from_secs(2);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(20);

    #[test]
    fn the_least_is_forgotten_with_its_quarter() {
        let (mut margins, start) = (Margins::new(), Instant::now());
        (0..50).for_each(|n| margins.note(start + STEP * n, if n == 3 { 1 } else { 100 }));
        let now = start + Duration::from_secs(1);
        assert_eq!((margins.near(now), margins.far(now)), (Some(100), None), "one second is too little for the far one");
        (50..150).for_each(|n| margins.note(start + STEP * n, 100));
        assert_eq!(margins.far(start + STEP * 150), Some(1));
        (150..700).for_each(|n| margins.note(start + STEP * n, 100));
        assert_eq!(margins.far(start + STEP * 700), Some(100));
        assert_eq!(margins.near(start + STEP * 800), None, "nothing came for two seconds");
    }

    #[test]
    fn what_the_play_out_was_moved_by_is_not_taken_for_a_fall() {
        let (mut margins, start) = (Margins::new(), Instant::now());
        (0..50).for_each(|n| margins.note(start + STEP * n, 100));
        margins.move_on(60);
        (50..100).for_each(|n| margins.note(start + STEP * n, 40));
        assert_eq!(margins.near(start + STEP * 100), Some(40));
        assert!(!margins.has_fallen(40, 1));
        (100..150).for_each(|n| margins.note(start + STEP * n, 20));
        assert!(margins.has_fallen(20, 10) && !margins.has_fallen(20, 20));
    }
}
