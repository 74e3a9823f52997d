//! When a call's task wakes, and what is done where nothing comes of it.
//!
//! A deadline that lies in the past and that nothing moves would wake the task again before any other of its thread: no call of that
//! thread would get its packets. That is a fault of ours wherever it happens, and costs no more than a line in the log and this call's
//! punctuality: such a deadline is looked at ten times a second.

use std::time::{Duration, Instant};

/// The deadline of one call.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    due: Option<Instant>,
    /// How often in a row it has passed and stood as before.
    passed: u32,
}

impl Deadline {
    /// The task woke for it, and does what is due.
    pub(super) const fn passes(&mut self) {
        self.passed = self.passed.saturating_add(1);
    }

    /// This is the deadline now; answers with when to wake for it. Errors, once, where it stands still.
    pub(super) fn set(&mut self, now: impl FnOnce() -> Instant, due: Option<Instant>) -> Result<Option<Instant>, Stuck> {
        if std::mem::replace(&mut self.due, due) != due || due.is_none() {
            self.passed = 0;
        }
        if self.passed < STUCK {
            return Ok(due);
        }
        let later = now() + RELIEF;
        if self.passed == STUCK { Err(Stuck { wake_at: later }) } else { Ok(Some(later)) }
    }

    /// What the task waits for.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}

/// A deadline passes again and again, and nothing comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    /// When to wake all the same.
    pub(super) wake_at: Instant,
}

/// A deadline may pass so often and stand as before: the wheel may wake a task a little early.
const STUCK: u32 = 16;
/// How often it is looked at then.
const RELIEF: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_nothing_moves_is_looked_at_less_often_and_told_of_once() {
        let (start, mut deadline) = (Instant::now(), Deadline::default());
        assert_eq!(deadline.set(|| start, Some(start)), Ok(Some(start)));
        let mut told = 0;
        for _ in 0..100 {
            deadline.passes();
            match deadline.set(|| start, Some(start)) {
                Ok(Some(wake_at)) => assert!(told == 0 && wake_at == start || told == 1 && wake_at == start + RELIEF),
                Ok(None) => panic!("it is due"),
                Err(stuck) => {
                    assert_eq!(stuck.wake_at, start + RELIEF);
                    told += 1;
                }
            }
        }
        assert_eq!(told, 1);
    }

    #[test]
    fn a_deadline_that_moves_is_kept_however_late_the_task_is() {
        let (start, mut deadline) = (Instant::now(), Deadline::default());
        for tick in 0..1_000 {
            let due = Some(start + Duration::from_millis(20 * tick));
            assert_eq!(deadline.set(|| start + Duration::from_secs(60), due), Ok(due));
            deadline.passes();
        }
        assert_eq!((deadline.set(|| start, None), deadline.due()), (Ok(None), None));
    }
}
