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
pub(super) mod stats;
mod tick;

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

pub use phase::PhaseLease;
use phase::Phases;
pub use sleep::WheelSleep;
use slots::Slots;
use stats::Counters;
pub use stats::WheelStats;
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
    counters: Arc<Counters>,
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
            counters: Arc::default(),
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
        self.counters.read()
    }

    /// The same, to be read from other threads.
    pub(super) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    fn turn(&self, due: &mut Vec<Waker>) {
        let now = Instant::now();
        if let Some(tick) = self.armed.take() {
            self.counters.count(now.saturating_duration_since(self.ticks.instant(tick)));
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

/// Sleeps that may be due in one tick before the list of them grows once.
const WAKERS: usize = 256;

#[cfg(test)]
mod tests;
