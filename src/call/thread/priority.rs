//! How urgent a thread is to the kernel.
//!
//! A real-time thread that never sleeps would starve its core; the kernel's own bound (95 % of each second, unless an
//! administrator has lifted it) leaves the rest of the system alive then.

use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

/// How the kernel schedules a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// Like any other thread, as configured.
    Normal,
    /// SCHED_RR: before every thread that is not real-time.
    RealTime,
    /// Like any other thread, because the system refused real-time priority (it takes `CAP_SYS_NICE` or `RLIMIT_RTPRIO`).
    Refused,
}

/// Asks for real-time priority for the calling thread.
pub(super) fn request_realtime() -> Scheduling {
    // The lowest is enough to go before everything that is not real-time, and leaves the kernel's own threads in front.
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    match set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy) {
        Ok(()) => Scheduling::RealTime,
        Err(_) => Scheduling::Refused,
    }
}

/// Whether a thread that asks for real-time priority gets it, found out by one that asks and ends.
#[must_use]
pub fn realtime_is_granted() -> bool {
    std::thread::spawn(request_realtime).join().is_ok_and(|scheduling| scheduling == Scheduling::RealTime)
}

/// Puts the calling thread behind all others.
pub(super) fn yield_to_all() {
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    // Giving up priority is never refused; if it were, the thread would only be more urgent than it needs to be.
    let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
}
