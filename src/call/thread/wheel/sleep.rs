//! Waiting for a time on the wheel.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::Wheel;
use super::slots::Key;

/// Ready from its deadline on; set anew as often as wanted, forgotten when dropped. Allocates nothing after its creation.
#[derive(Debug)]
#[must_use = "a sleep that is not awaited wakes nobody"]
pub struct WheelSleep {
    wheel: Rc<Wheel>,
    key: Key,
}

impl WheelSleep {
    /// A sleep without an end, until it is given one.
    pub(super) fn new(wheel: Rc<Wheel>) -> Self {
        let key = wheel.slots.borrow_mut().add();
        Self { wheel, key }
    }

    /// Ends in the first tick at or after `deadline`; at once, at the next poll, when that has passed.
    ///
    /// Cheap when it falls into the same tick as before. Wakes nobody by itself: the task that waits is the one that calls this.
    pub fn reset(&mut self, deadline: Instant) {
        let now = Instant::now();
        if deadline <= now {
            return self.wheel.slots.borrow_mut().fire(self.key);
        }
        let (tick, passed) = (self.wheel.ticks.due(deadline), self.wheel.ticks.passed(now));
        if self.wheel.slots.borrow_mut().arm(self.key, tick, passed) {
            self.wheel.arm(tick);
        }
    }

    /// Never ends, until it is set again.
    pub fn disarm(&mut self) {
        self.wheel.slots.borrow_mut().disarm(self.key);
    }

    /// [`Self::reset`] or [`Self::disarm`], as state machines name their next time-out.
    pub fn set(&mut self, deadline: Option<Instant>) {
        match deadline {
            Some(deadline) => self.reset(deadline),
            None => self.disarm(),
        }
    }
}

impl Future for WheelSleep {
    type Output = ();

    /// Ready again at each poll after the deadline, until it is set anew.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut slots = self.wheel.slots.borrow_mut();
        if slots.is_due(self.key) {
            return Poll::Ready(());
        }
        let stale = slots.watch(self.key, context.waker());
        drop(slots);
        drop(stale);
        Poll::Pending
    }
}

impl Drop for WheelSleep {
    fn drop(&mut self) {
        let waker = self.wheel.slots.borrow_mut().remove(self.key);
        drop(waker);
    }
}
