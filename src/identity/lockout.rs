//! How often somebody may try: at once twice, then after 1, 2, 4 … 30 seconds, and after ten failures (five for
//! administrators) not for a quarter of an hour. NIST SP 800-63B-4 section 3.2.2 asks for a hundred at most.
//!
//! An attempt is counted before it is judged, in the store: a hundred at one time are no more than a hundred in a row. While
//! somebody has to wait, neither a right nor a wrong password is looked at, and the answer is that of a wrong one. Running
//! sign-ins go on: to lock somebody out who is in would make the lock a weapon.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::access::Role;
use crate::domain::credentials::Attempts;

/// Counts an attempt, or says until when none is looked at.
pub(super) fn count(attempts: &mut Attempts, role: Role, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
    let most = if role.needs_second_factor() { MOST_ADMIN } else { MOST };
    if let Some(last_at) = attempts.last_at {
        if attempts.count >= most && now >= last_at + LOCKED_FOR {
            attempts.count = 0;
        }
        let until = last_at + if attempts.count >= most { LOCKED_FOR } else { pause(attempts.count) };
        if now < until {
            return Err(until);
        }
    }
    *attempts = Attempts { count: attempts.count.saturating_add(1), last_at: Some(now) };
    Ok(())
}

/// After so many failures, how long the next attempt has to wait.
fn pause(failures: u32) -> TimeDelta {
    match failures {
        0..=1 => TimeDelta::zero(),
        failures => TimeDelta::seconds(1_i64 << (failures - 2).min(5)).min(LONGEST_PAUSE),
    }
}

const MOST: u32 = 10;
const MOST_ADMIN: u32 = 5;
const LOCKED_FOR: TimeDelta = TimeDelta::minutes(15);
const LONGEST_PAUSE: TimeDelta = TimeDelta::seconds(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    /// Attempts one after the other, each as soon as it is looked at: when each was.
    fn seconds_of(role: Role, attempts: usize) -> Vec<i64> {
        let (mut counted, mut now, mut seconds) = (Attempts::default(), start(), Vec::new());
        while seconds.len() < attempts {
            match count(&mut counted, role, now) {
                Ok(()) => seconds.push((now - start()).num_seconds()),
                Err(until) => now = until,
            }
        }
        seconds
    }

    #[test]
    fn pauses_grow_and_ten_failures_lock_for_a_quarter_of_an_hour() {
        let seconds = seconds_of(Role::Staff, 12);
        assert_eq!(seconds[..10], [0, 0, 1, 3, 7, 15, 31, 61, 91, 121]);
        assert_eq!(seconds[10] - seconds[9], 900);
        assert_eq!(seconds[11], seconds[10]);
    }

    #[test]
    fn administrators_are_locked_after_five() {
        let seconds = seconds_of(Role::OrgAdmin, 6);
        assert_eq!(seconds[5] - seconds[4], 900);
    }

    #[test]
    fn nobody_gets_a_hundred_guesses_an_hour() {
        let within = seconds_of(Role::Staff, 200).into_iter().filter(|second| *second < 3_600).count();
        assert!(within < 50, "{within}");
    }
}
