//! How long a call takes: the median of many short runs.

use std::time::{Duration, Instant};

/// Nanoseconds of one call of each, run in turns, so that a change of the machine's mood meets both.
pub(crate) fn duel(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64) {
    let (ours_per_run, theirs_per_run) = (calls_per_run(&mut ours), calls_per_run(&mut theirs));
    let (mut ours_took, mut theirs_took) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours_took.push(run(&mut ours, ours_per_run));
        theirs_took.push(run(&mut theirs, theirs_per_run));
    }
    (median(ours_took), median(theirs_took))
}

/// Nanoseconds of one call.
pub(crate) fn alone(mut call: impl FnMut()) -> f64 {
    let per_run = calls_per_run(&mut call);
    median((0..RUNS).map(|_| run(&mut call, per_run)).collect())
}

/// As many calls as take about half a millisecond; also what warms caches and buffers up.
fn calls_per_run(call: &mut impl FnMut()) -> u32 {
    let mut calls = 1;
    loop {
        let took = run(call, calls) * f64::from(calls);
        if took >= RUN.as_nanos() as f64 {
            return calls;
        }
        calls *= 2;
    }
}

fn run(call: &mut impl FnMut(), calls: u32) -> f64 {
    let begun = Instant::now();
    (0..calls).for_each(|_| call());
    begun.elapsed().as_nanos() as f64 / f64::from(calls)
}

fn median(mut took: Vec<f64>) -> f64 {
    took.sort_unstable_by(f64::total_cmp);
    took.get(took.len() / 2).copied().unwrap_or(f64::NAN)
}

const RUN: Duration = Duration::from_micros(500);
const RUNS: usize = 301;
