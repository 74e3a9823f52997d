//! When a delivery that failed is tried again: soon, then ever later, and not for ever.

use chrono::{DateTime, TimeDelta, Utc};

/// When the next attempt is made after `attempts` of them, the last at `now`; none when it is given up. `chance`, from
/// 0 to 1, keeps those apart that failed together.
#[must_use]
pub(super) fn next_attempt(created_at: DateTime<Utc>, now: DateTime<Utc>, attempts: u32, chance: f64) -> Option<DateTime<Utc>> {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << attempts.saturating_sub(1).min(20)).min(LONGEST_PAUSE_MS);
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "an hour in milliseconds fits either way")]
    let pause = (doubled as f64 * (0.5 + chance.clamp(0.0, 1.0) / 2.0)) as i64;
    let next = now + TimeDelta::milliseconds(pause);
    (next < created_at + LIFE).then_some(next)
}

const FIRST_PAUSE_MS: i64 = 5_000;
const LONGEST_PAUSE_MS: i64 = 3_600_000;
/// How long a delivery is tried.
const LIFE: TimeDelta = TimeDelta::hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_an_hour_and_end_after_a_day() {
        let created = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (mut now, mut pauses) = (created, Vec::new());
        while let Some(next) = next_attempt(created, now, pauses.len() as u32 + 1, 1.0) {
            pauses.push((next - now).num_seconds());
            now = next;
        }
        assert_eq!(pauses[..12], [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
        assert!(pauses.len() < 40 && now < created + LIFE && now > created + LIFE - TimeDelta::hours(1));
        assert_eq!(next_attempt(created, created, 1, 0.0), Some(created + TimeDelta::milliseconds(2_500)), "with as much chance");
    }
}
