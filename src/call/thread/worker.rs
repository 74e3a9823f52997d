//! The inside of a media thread: takes starts, runs calls, counts how they end.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use tokio::runtime::{Builder, Handle, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval, timeout_at};

use super::load::{INTERVAL, Meter};
use super::priority::{Scheduling, request_realtime, yield_to_all};
use super::wheel::Wheel;
use super::wheel::stats::Counters;
use super::{CallTask, Shared, ThreadContext};
use crate::call::mux::{Mux, MuxSockets};

/// One thread's end of everything that reaches it.
pub(super) struct Worker {
    pub(super) index: usize,
    pub(super) inbox: mpsc::Receiver<CallTask>,
    pub(super) stop: watch::Receiver<Option<Instant>>,
    pub(super) shared: Arc<Shared>,
    pub(super) sockets: Option<MuxSockets>,
}

impl Worker {
    /// Runs until it is stopped; the number of calls that had to be aborted.
    pub(super) fn run(mut self, realtime: bool, ready: &SyncSender<io::Result<Started>>) -> usize {
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return report(ready, Err(error)),
        };
        runtime.block_on(async {
            let opened = self.sockets.take().map(Mux::open).transpose();
            match Wheel::new().and_then(|wheel| Ok((wheel, opened?))) {
                Ok((wheel, mux)) => {
                    spawn_local(Rc::clone(&wheel).run());
                    let scheduling = if realtime { request_realtime() } else { Scheduling::Normal };
                    report(ready, Ok(Started { scheduling, timing: wheel.counters() }));
                    self.serve(wheel, mux).await
                }
                Err(error) => report(ready, Err(error)),
            }
        })
    }

    async fn serve(&mut self, wheel: Rc<Wheel>, mux: Option<Rc<Mux>>) -> usize {
        let context = ThreadContext { wheel, thread: self.index, mux };
        let (mut meter, mut due) = (Meter::start(), interval(INTERVAL));
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut calls = JoinSet::new();
        loop {
            tokio::select! {
                Some(ended) = calls.join_next() => self.count_end(ended),
                start = self.inbox.recv() => match start {
                    Some(task) => {
                        let context = context.clone();
                        // Made inside the task: a panic while it is made ends that call alone, too.
                        calls.spawn_local(async move { task(context).await });
                    }
                    None => break,
                },
                _ = due.tick() => meter.measure(&self.shared.load, Handle::current().metrics().num_alive_tasks()),
                _ = self.stop.changed() => break,
            }
        }
        self.wind_up(calls).await
    }

    /// Refuses new calls and lets the others run until the deadline; without one they end at once.
    async fn wind_up(&mut self, mut calls: JoinSet<()>) -> usize {
        self.inbox.close();
        while self.inbox.try_recv().is_ok() {
            self.shared.load.release();
        }
        let deadline = *self.stop.borrow();
        if let Some(deadline) = deadline {
            while let Ok(Some(ended)) = timeout_at(deadline.into(), calls.join_next()).await {
                self.count_end(ended);
            }
        }
        let aborted = calls.len();
        calls.abort_all();
        while let Some(ended) = calls.join_next().await {
            self.count_end(ended);
        }
        aborted
    }

    fn count_end(&self, ended: Result<(), JoinError>) {
        self.shared.load.release();
        if ended.is_err_and(|error| error.is_panic()) {
            self.shared.panicked.fetch_add(1, Ordering::Relaxed);
            // Not what it said: the text of a panic may hold anything of the call.
            tracing::error!(event = "call_panicked", thread = self.index, "a call ended by a panic; the others go on");
        }
    }
}

/// What a thread says of itself once it takes calls.
pub(super) struct Started {
    pub(super) scheduling: Scheduling,
    pub(super) timing: Arc<Counters>,
}

fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .max_blocking_threads(1)
        // A thread for blocking work inherits the urgency of the one that starts it, and must not have it.
        .on_thread_start(yield_to_all)
        .build_local(LocalOptions::default())
}

fn report(ready: &SyncSender<io::Result<Started>>, outcome: io::Result<Started>) -> usize {
    // Fails only when the starter has gone; then there is nobody to tell.
    let _ = ready.send(outcome);
    0
}

/// Tasks between two looks at sockets and timer. A call's turn takes 10 to 20 µs, so nothing waits for longer than
/// about 0.3 ms behind others that were there first; a look is one system call, shared by so many.
const EVENT_INTERVAL: u32 = 16;
