//! One wheel of 1 ms ticks for everything that waits on a media thread.
//!
//! A runtime's own timers are a millisecond late by design, and one timer a call wakes the thread once a call. Here a
//! single `timerfd` on the monotonic clock wakes it for all calls that are due in the same millisecond. The timer is
//! armed for the next tick in which somebody waits and for nothing else: an idle thread sleeps.
//!
//! A sleep ends in the first tick at or after its deadline, never before. What asks for times on the grid of the
//! ticks, as the slots of a [`PhaseLease`] are, is woken at its time and not up to a millisecond after it.
//!
//! The descriptor is never read: arming it again sets it back, and edge-triggered readiness announces each expiry by
//! itself. That saves a system call a tick.

mod phase;
mod sleep;
mod slots;
mod tick;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

pub use phase::PhaseLease;
use phase::Phases;
pub use sleep::WheelSleep;
use slots::Slots;
use tick::Ticks;

use crate::net::readiness::Readable;

/// The wheel of one thread, shared by its calls.
#[derive(Debug)]
pub struct Wheel {
    ticks: Ticks,
    slots: RefCell<Slots>,
    phases: Phases,
    timer: Readable<OwnedFd>,
    /// The tick for which the timer is armed.
    armed: Cell<Option<u64>>,
    stats: Cell<WheelStats>,
}

impl Wheel {
    /// A wheel that stands still until [`Self::run`] is polled.
    ///
    /// # Errors
    /// When the system gives no timer.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new() -> io::Result<Rc<Self>> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Rc::new(Self {
            ticks: Ticks::start(),
            slots: RefCell::new(Slots::new()),
            phases: Phases::default(),
            timer: Readable::new(timer)?,
            armed: Cell::new(None),
            stats: Cell::new(WheelStats::default()),
        }))
    }

    /// Turns the wheel. One task of the thread does this, for as long as the thread lives.
    pub async fn run(self: Rc<Self>) {
        let mut due = Vec::with_capacity(WAKERS);
        loop {
            if self.timer.announced().await.is_err() {
                return; // The runtime is shutting down.
            }
            self.turn(&mut due);
        }
    }

    /// Waits until the first tick at or after `deadline`.
    pub fn sleep_until(self: &Rc<Self>, deadline: Instant) -> WheelSleep {
        let mut sleep = WheelSleep::new(Rc::clone(self));
        sleep.reset(deadline);
        sleep
    }

    /// A place for one more stream of 20 ms packets: the emptiest of the twenty phases.
    #[must_use]
    pub fn phase(self: &Rc<Self>, now: Instant) -> PhaseLease {
        PhaseLease::take(Rc::clone(self), now)
    }

    /// How well the wheel keeps time.
    #[must_use]
    pub fn stats(&self) -> WheelStats {
        self.stats.get()
    }

    fn turn(&self, due: &mut Vec<Waker>) {
        let now = Instant::now();
        if let Some(tick) = self.armed.take() {
            self.stats.set(self.stats.get().count(now.saturating_duration_since(self.ticks.instant(tick))));
        }
        self.slots.borrow_mut().advance(self.ticks.passed(now), due);
        // Not while the slots are borrowed: a waker may run anything.
        due.drain(..).for_each(Waker::wake);
        let next = self.slots.borrow().next();
        if let Some(tick) = next {
            self.arm(tick);
        }
    }

    /// Makes the timer expire at `tick`, unless it does so earlier.
    fn arm(&self, tick: u64) {
        if self.armed.get().is_some_and(|armed| armed <= tick) {
            return;
        }
        let once = Itimerspec { it_interval: Ticks::NO_INTERVAL, it_value: self.ticks.monotonic(tick) };
        match timerfd_settime(self.timer.get(), TimerfdTimerFlags::ABSTIME, &once) {
            Ok(_) => self.armed.set(Some(tick)),
            // Not possible with a timer of ours and a valid time; said aloud, since every call of the thread would stand still.
            Err(error) => tracing::error!(event = "wheel_timer_refused", %error),
        }
    }
}

/// How well a wheel keeps time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WheelStats {
    /// Ticks in which the timer woke the thread.
    pub ticks: u64,
    /// Those that came more than a millisecond late: the thread was busy, or others kept it from its core.
    pub late: u64,
    /// The longest lateness.
    pub worst: Duration,
}

impl WheelStats {
    fn count(self, lateness: Duration) -> Self {
        let late = u64::from(lateness > LATE);
        Self { ticks: self.ticks + 1, late: self.late + late, worst: self.worst.max(lateness) }
    }
}

const LATE: Duration = Duration::from_millis(1);
/// Sleeps that may be due in one tick before the list of them grows once.
const WAKERS: usize = 256;

#[cfg(test)]
mod tests;
