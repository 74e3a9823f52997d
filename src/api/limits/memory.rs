//! Counts in memory: for each key the moments of the last uses, as many as its rule allows.
//!
//! That is exact, whenever the window begins: a counter for fixed windows lets twice as many through around its edge. Each
//! row has a table of its own, so what fills one is felt in no other. It is bounded; whoever comes when it is full of others
//! who are not done shares one count with all the rest of the row, so a flood of strangers can neither grow it nor push
//! somebody's count out of it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Counters, Key, Row, Rule, Verdict};
use crate::store::BoxFuture;

/// Counts of one node.
#[derive(Debug)]
pub struct InMemory {
    rows: Mutex<HashMap<Row, Table>>,
    capacity: usize,
}

/// Whose uses are counted in one row.
#[derive(Debug, Default)]
struct Table {
    uses: HashMap<String, Uses>,
    swept: Option<Instant>,
}

#[derive(Debug, Default)]
struct Uses {
    moments: VecDeque<Instant>,
    /// When the last of them is out of its window.
    over: Option<Instant>,
}

impl InMemory {
    /// Room for `capacity` keys in each row.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { rows: Mutex::default(), capacity }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Row, Table>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, Key { row, whose }: Key, rule: Rule, now: Instant) -> Verdict {
        let mut rows = self.rows();
        let table = rows.entry(row).or_default();
        table.sweep(now, self.capacity);
        let room = table.uses.len() < self.capacity || table.uses.contains_key(&whose);
        table.uses.entry(if room { whose } else { CROWD.to_owned() }).or_default().count(rule, now)
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Counters for InMemory {
    fn take<'a>(&'a self, key: Key, rule: Rule, now: Instant) -> BoxFuture<'a, Verdict> {
        let verdict = self.count(key, rule, now);
        Box::pin(std::future::ready(verdict))
    }
}

impl Table {
    /// Forgets what is over: now and then, and at once where room is needed, but never twice a second.
    fn sweep(&mut self, now: Instant, capacity: usize) {
        let pause = if self.uses.len() >= capacity { FULL_SWEEP } else { SWEEP };
        if self.swept.is_some_and(|swept| now.saturating_duration_since(swept) < pause) {
            return;
        }
        self.swept = Some(now);
        self.uses.retain(|_, uses| uses.over.is_some_and(|over| over > now));
    }
}

impl Uses {
    fn count(&mut self, rule: Rule, now: Instant) -> Verdict {
        while self.moments.front().is_some_and(|first| now.saturating_duration_since(*first) >= rule.window) {
            self.moments.pop_front();
        }
        let limit = rule.limit as usize;
        let allowed = self.moments.len() < limit;
        if allowed {
            self.moments.push_back(now);
            self.over = Some(now + rule.window);
        }
        let remaining = u32::try_from(limit.saturating_sub(self.moments.len())).unwrap_or(u32::MAX);
        let reset = self.moments.front().map(|first| rule.window.saturating_sub(now.saturating_duration_since(*first)));
        Verdict { allowed, limit: rule.limit, remaining, reset: reset.unwrap_or_default() }
    }
}

/// Principals, addresses and mailboxes that are counted in a row at one time: some 16 MB for the API's when each has used it
/// up, a fifth of that for all others.
const CAPACITY: usize = 10_000;
/// What all share that a row has no room for; nobody else is called so.
const CROWD: &str = "";
const SWEEP: Duration = Duration::from_secs(60);
const FULL_SWEEP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { limit: 3, window: Duration::from_secs(60) };

    fn key(n: usize) -> Key {
        Key { row: Row::Login, whose: n.to_string() }
    }

    #[test]
    fn no_window_of_the_rules_length_holds_more_than_it_allows() {
        let (counters, start) = (InMemory::default(), Instant::now());
        let mut allowed = Vec::new();
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            if counters.count(key(1), RULE, now).allowed {
                allowed.push(second);
            }
        }
        assert_eq!(allowed.len(), 30);
        for window in allowed.windows(4) {
            assert!(window[3] - window[0] >= 60, "{window:?}");
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back_and_then_it_is_allowed() {
        let (counters, start) = (InMemory::default(), Instant::now());
        for left in [2, 1, 0] {
            assert_eq!(counters.count(key(1), RULE, start).remaining, left);
        }
        let refused = counters.count(key(1), RULE, start + Duration::from_secs(10));
        assert_eq!((refused.allowed, refused.reset), (false, Duration::from_secs(50)));
        assert!(!counters.count(key(1), RULE, start + Duration::from_secs(10) + refused.reset - Duration::from_millis(1)).allowed);
        assert!(counters.count(key(1), RULE, start + Duration::from_secs(10) + refused.reset).allowed);
        assert!(counters.count(key(2), RULE, start).allowed, "others have their own count");
    }

    #[test]
    fn a_flood_of_strangers_shares_one_count_and_pushes_nobody_out() {
        let (counters, now) = (InMemory::new(100), Instant::now());
        for _ in 0..3 {
            counters.count(key(0), RULE, now);
        }
        let let_in = (1..100_000).filter(|n| counters.count(key(*n), RULE, now).allowed).count();
        assert_eq!(let_in, 99 + 3, "99 with a count of their own, 3 of the crowd");
        assert!(counters.rows()[&Row::Login].uses.len() <= 101);
        assert!(!counters.count(key(0), RULE, now).allowed, "the count that was used up stands");
        assert!(counters.count(key(7_000_000), RULE, now + RULE.window).allowed, "what is over makes room");
    }

    #[test]
    fn whoever_fills_one_row_is_felt_in_no_other() {
        let (counters, now) = (InMemory::new(100), Instant::now());
        let rule = Rule { limit: 5, window: Duration::from_secs(900) };
        for n in 0..100 {
            assert!(counters.count(Key { row: Row::OneTimeCode, ..key(n) }, rule, now).allowed);
        }
        for n in 0..6 {
            assert!(counters.count(key(n), rule, now).allowed, "{n}");
        }
    }
}
