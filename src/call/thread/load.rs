//! How busy a thread is, measured, and which thread the next call goes to.
//!
//! A thread that wakes for one call finds its neighbours' work waiting: calls together cost less than calls spread out
//! (at 100 plain calls on two threads, about a third more CPU). So threads are filled one after the other, each to a
//! share of its core and not to a count: a call of Opus under SRTP costs four times a plain one, and analysis doubles
//! either. Beyond that share lateness grows before the core is full, since all that is due waits for what is before it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What a thread and the others both see of its calls.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Calls that run or are about to.
    running: AtomicUsize,
    /// Millionths of a core, over the last interval.
    busy_ppm: AtomicU32,
    /// Calls that ran then.
    measured: AtomicUsize,
    /// Tasks that were alive then.
    tasks: AtomicUsize,
}

impl Load {
    pub(super) fn accept(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn release(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Tasks that were alive at the end of the last whole [`INTERVAL`].
    pub(super) fn tasks(&self) -> usize {
        self.tasks.load(Ordering::Relaxed)
    }

    /// The share of a core that the thread took in the last whole [`INTERVAL`], 0 to 1.
    pub(super) fn busy(&self) -> f64 {
        f64::from(self.busy_ppm.load(Ordering::Relaxed)) / PPM
    }

    /// The share that it will take with the calls that it has now: those that came since the last measurement are
    /// reckoned like the others, or as plain ones where there were hardly any.
    pub(super) fn expected(&self) -> f64 {
        let (busy, measured) = (self.busy(), self.measured.load(Ordering::Relaxed));
        let each = if measured < FEW { PLAIN } else { (busy / measured as f64).max(LEAST) };
        busy + each * self.running().saturating_sub(measured) as f64
    }
}

/// Measures the thread that it is called on.
#[derive(Debug)]
pub(super) struct Meter {
    at: Instant,
    cpu: Duration,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { at: Instant::now(), cpu: cpu_time() }
    }

    /// Says how busy the thread was since the last time, and how many tasks are alive on it.
    pub(super) fn measure(&mut self, load: &Load, tasks: usize) {
        let (at, cpu) = (Instant::now(), cpu_time());
        let (elapsed, spent) = (at.duration_since(self.at), cpu.saturating_sub(self.cpu));
        (self.at, self.cpu) = (at, cpu);
        let share = spent.as_secs_f64() / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        load.busy_ppm.store((share.min(1.0) * PPM) as u32, Ordering::Relaxed);
        load.measured.store(load.running(), Ordering::Relaxed);
        load.tasks.store(tasks, Ordering::Relaxed);
    }
}

/// The order in which threads are asked to take a call: the first that is not filled, then the least busy.
pub(super) fn rank(expected: f64) -> u32 {
    if expected < FILLED { 0 } else { (expected * PPM) as u32 }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// How often a thread is measured.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// The share of a core up to which a thread is filled before the next gets any. 400 plain calls cost a sixth less on one thread than on two,
/// and are sent as punctually up to about this share.
const FILLED: f64 = 0.5;
/// What a plain call takes of a core: 2 ms a second.
const PLAIN: f64 = 0.002;
/// What any call is reckoned to take at least, however quiet those before it were.
const LEAST: f64 = 0.000_5;
/// From so few calls nothing is concluded.
const FEW: usize = 8;
const PPM: f64 = 1e6;

#[cfg(test)]
mod tests {
    use super::*;

    fn load(running: usize, measured: usize, busy: f64) -> Load {
        Load { running: running.into(), busy_ppm: ((busy * PPM) as u32).into(), measured: measured.into(), tasks: 0.into() }
    }

    #[test]
    fn calls_since_the_last_measurement_are_reckoned_like_those_before() {
        let expected = |running, measured, busy| (load(running, measured, busy).expected() * 1e4).round() / 1e4;
        assert_eq!(expected(0, 0, 0.0), 0.0);
        assert_eq!(expected(100, 0, 0.0), 0.2, "nothing is known: plain calls");
        assert_eq!(expected(100, 100, 0.15), 0.15);
        assert_eq!(expected(120, 100, 0.15), 0.18);
        assert_eq!(expected(30, 20, 0.12), 0.18, "dear calls");
        assert_eq!(expected(200, 100, 0.0), 0.05, "held calls may begin to talk");
        assert_eq!(expected(50, 100, 0.15), 0.15, "that some ended is seen with the next measurement");
    }

    #[test]
    fn threads_are_filled_in_turn_and_full_ones_share() {
        let choose = |loads: [f64; 3]| (0..3).min_by_key(|thread| rank(loads[*thread])).unwrap();
        assert_eq!(choose([0.0, 0.0, 0.0]), 0);
        assert_eq!(choose([0.49, 0.0, 0.0]), 0);
        assert_eq!(choose([0.5, 0.0, 0.0]), 1);
        assert_eq!(choose([0.5, 0.9, 0.1]), 2);
        assert_eq!(choose([0.9, 0.6, 0.7]), 1);
        assert_eq!(choose([0.9, 0.6, 0.2]), 2, "calls have ended there");
    }

    #[test]
    fn a_thread_that_works_is_seen_to_and_one_that_sleeps_is_not() {
        let (load, mut meter) = (Load::default(), Meter::start());
        let until = cpu_time() + Duration::from_millis(20);
        while cpu_time() < until {}
        let begun = Instant::now();
        meter.measure(&load, 0);
        assert!(load.busy() > 0.0);
        std::thread::sleep(Duration::from_millis(50));
        meter.measure(&load, 0);
        assert!(load.busy() < 0.5 * begun.elapsed().as_secs_f64() / 0.05, "{}", load.busy());
    }
}
