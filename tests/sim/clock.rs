//! Virtual time and repeatable chance: a run is given by its seed.

use std::time::{Duration, Instant};

/// An origin for virtual time; nothing else ever reads the clock.
pub(crate) fn origin() -> Instant {
    Instant::now()
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Runs `scenario` for the first `count` seeds (`SIM_SEEDS`: so many instead), or for the one in `SIM_SEED`. A seed that
/// fails is printed.
pub(crate) fn for_seeds(count: u64, mut scenario: impl FnMut(u64)) {
    if let Some(seed) = number("SIM_SEED") {
        return run_named(seed, &mut scenario);
    }
    (0..number("SIM_SEEDS").unwrap_or(count)).for_each(|seed| run_named(seed, &mut scenario));
}

/// The same for scenarios that take a second of the machine: of the seeds in `SIM_SEEDS` a hundredth, and no fewer than `count`.
pub(crate) fn for_long_seeds(count: u64, mut scenario: impl FnMut(u64)) {
    if let Some(seed) = number("SIM_SEED") {
        return run_named(seed, &mut scenario);
    }
    let many = number("SIM_SEEDS").map_or(count, |seeds| count.max(seeds / 100));
    (0..many).for_each(|seed| run_named(seed, &mut scenario));
}

/// Whether enough seeds run to expect that every outcome is seen.
pub(crate) fn is_broad() -> bool {
    number("SIM_SEED").is_none() && number("SIM_SEEDS").is_none_or(|count| count >= 1_000)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run_named(seed: u64, scenario: &mut impl FnMut(u64)) {
    let _printed = PrintedOnFailure(seed);
    scenario(seed);
}

struct PrintedOnFailure(u64);

impl Drop for PrintedOnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat this failure: SIM_SEED={}", self.0);
        }
    }
}

/// xorshift64*: enough for links and plans.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// `purpose` keeps the parts of one run from choosing alike.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self((seed ^ purpose.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From nought to below `bound`; nought for a bound of nought.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound.max(1)
    }

    /// True in so many of 1,000 cases.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    pub(crate) fn up_to(&mut self, bound: Duration) -> Duration {
        Duration::from_micros(self.below(bound.as_micros() as u64))
    }
}
