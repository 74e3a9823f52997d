//! When somebody should look: limits that are reached, and many wishes for numbers that are not allowed.
//!
//! An alarm is given at once and then at most once in five minutes for each organisation and cause, with how often it came meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::domain::event::TollAlarm;
use crate::domain::ids::OrgId;

/// Alarms of all organisations. Bounded by those that dial, and five causes each.
#[derive(Debug, Default)]
pub struct Alarms {
    refused: BTreeMap<OrgId, VecDeque<Instant>>,
    given: BTreeMap<(OrgId, TollAlarm), Given>,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    at: Instant,
    since: u32,
}

impl Alarms {
    /// Something happened that is an alarm by itself; how often since the last one, when one is to be given now.
    pub fn raise(&mut self, now: Instant, org: &OrgId, cause: TollAlarm) -> Option<u32> {
        match self.given.get_mut(&(org.clone(), cause)) {
            Some(given) if now.saturating_duration_since(given.at) < PAUSE => {
                given.since = given.since.saturating_add(1);
                None
            }
            Some(given) => {
                let times = given.since.saturating_add(1);
                *given = Given { at: now, since: 0 };
                Some(times)
            }
            None => {
                self.given.insert((org.clone(), cause), Given { at: now, since: 0 });
                Some(1)
            }
        }
    }

    /// A number that is not allowed was asked for; how many of late, when that is an alarm.
    pub fn refuse(&mut self, now: Instant, org: &OrgId) -> Option<u32> {
        let times = self.refused.entry(org.clone()).or_default();
        times.retain(|at| now.saturating_duration_since(*at) < BURST_WITHIN);
        times.push_back(now);
        if times.len() < BURST {
            return None;
        }
        times.clear();
        self.raise(now, org, TollAlarm::RefusedDestinations).map(|bursts| bursts.saturating_mul(u32::try_from(BURST).unwrap_or(u32::MAX)))
    }
}

/// So many refused numbers...
const BURST: usize = 5;
/// ...within so long are no slip of a finger.
const BURST_WITHIN: Duration = Duration::from_secs(60);
/// Between two alarms of one organisation and cause.
const PAUSE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_refused_numbers_within_a_minute_are_an_alarm_and_five_in_an_hour_are_none() {
        let (mut alarms, now, org) = (Alarms::default(), Instant::now(), OrgId::default_org());
        let slowly: Vec<_> = (0..5).map(|n| alarms.refuse(now + Duration::from_secs(720 * n), &org)).collect();
        assert_eq!(slowly, [None; 5]);
        let later = now + Duration::from_secs(7_200);
        let fast: Vec<_> = (0..5).map(|n| alarms.refuse(later + Duration::from_secs(n), &org)).collect();
        assert_eq!(fast, [None, None, None, None, Some(5)]);
    }

    #[test]
    fn a_cause_that_goes_on_is_told_again_after_five_minutes_with_its_count() {
        let (mut alarms, now, org) = (Alarms::default(), Instant::now(), OrgId::default_org());
        assert_eq!(alarms.raise(now, &org, TollAlarm::MinutesLimit), Some(1));
        assert_eq!(alarms.raise(now, &org, TollAlarm::SpendLimit), Some(1));
        for second in 1..10 {
            assert_eq!(alarms.raise(now + Duration::from_secs(second), &org, TollAlarm::MinutesLimit), None);
        }
        assert_eq!(alarms.raise(now + PAUSE, &org, TollAlarm::MinutesLimit), Some(10));
        assert_eq!(alarms.raise(now, &"org_other".parse().unwrap(), TollAlarm::MinutesLimit), Some(1));
    }
}
