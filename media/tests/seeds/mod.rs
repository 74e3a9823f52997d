//! Histories drawn from seeds: all of a range on every core, or the one that `AURICLE_SEED` names.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

/// Runs `history` for each of `seeds`; fails when one does, which names its seed. Says how many there were, for `make histories`.
pub(crate) fn each(what: &str, seeds: RangeInclusive<u64>, history: impl Fn(u64) + Sync) {
    if let Ok(seed) = std::env::var("AURICLE_SEED") {
        return history(seed.parse().unwrap());
    }
    let begun = Instant::now();
    let (next, last) = (AtomicU64::new(*seeds.start()), *seeds.end());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let _others = StopOthers(&next, last);
                loop {
                    let first = next.fetch_add(SHARE, Ordering::Relaxed);
                    if first > last {
                        break;
                    }
                    (first..=last.min(first + SHARE - 1)).for_each(&history);
                }
            });
        }
    });
    eprintln!("RESULT histories_{what} count={} seconds={:.0}", last + 1 - seeds.start(), begun.elapsed().as_secs_f64());
}

/// After a failure nobody begins another share.
struct StopOthers<'a>(&'a AtomicU64, u64);

impl Drop for StopOthers<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(self.1 + 1, Ordering::Relaxed);
        }
    }
}

/// Seeds that a thread takes at a time.
const SHARE: u64 = 16;
