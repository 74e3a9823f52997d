//! The threads on which calls run.
//!
//! A call lives on one media thread from answer to end: its session, leg, pipelines and agent link share no lock and
//! make no hop between threads on the way of the audio. What crosses over is a start, through a bounded queue, and
//! events. Everything else (SIP, REST, store, audit, passwords) runs on [`control`] threads.
//!
//! Each media thread has its own runtime, readiness and one [`wheel`] that paces all its calls. A call that panics
//! ends alone.

pub mod control;
mod load;
mod priority;
pub mod wheel;
mod worker;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use smallvec::SmallVec;
use tokio::sync::{mpsc, oneshot, watch};

use super::mux::{Mux, MuxSockets};
use load::{Load, rank};
pub use priority::{Scheduling, realtime_is_granted};
use wheel::stats::Counters;
use wheel::{Wheel, WheelStats};

/// How many media threads there are, and how urgent they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaThreadsConfig {
    /// Threads; 0 stands for one a core. Default: 0.
    pub threads: usize,
    /// Whether to ask for real-time priority (SCHED_RR). Refused, the threads run without it, and the status says so. Default: true.
    pub realtime: bool,
}

impl Default for MediaThreadsConfig {
    fn default() -> Self {
        Self { threads: 0, realtime: true }
    }
}

/// What a call finds on its thread.
#[derive(Clone, Debug)]
pub struct ThreadContext {
    /// Paces everything that the call does by time.
    pub wheel: Rc<Wheel>,
    /// The thread's number, from 0.
    pub thread: usize,
    /// Where its browsers arrive; none where browsers may not call.
    pub mux: Option<Rc<Mux>>,
}

/// Makes a call on the thread where it will live; what it returns never leaves that thread.
pub type CallTask = Box<dyn FnOnce(ThreadContext) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// All media threads. Dropped, they end at once, with their calls.
#[derive(Debug)]
pub struct MediaThreads {
    threads: Vec<MediaThread>,
    stop: watch::Sender<Option<Instant>>,
}

impl MediaThreadsConfig {
    /// How many threads that makes on this machine.
    #[must_use]
    pub fn count(&self) -> usize {
        match self.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }
}

impl MediaThreads {
    /// Starts the threads; when this returns they take calls.
    ///
    /// # Errors
    /// When the system gives no thread, or a thread gets no readiness or timer.
    pub fn start(config: &MediaThreadsConfig) -> Result<Self, StartError> {
        Self::start_with(config, Vec::new())
    }

    /// The same with a port for browsers for each of the first threads.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(config: &MediaThreadsConfig, sockets: Vec<MuxSockets>) -> Result<Self, StartError> {
        let (stop, _) = watch::channel(None);
        let mut sockets = sockets.into_iter();
        let start = |index| MediaThread::start(index, config.realtime, stop.subscribe(), sockets.next());
        let threads = (0..config.count()).map(start).collect::<Result<_, _>>()?;
        Ok(Self { threads, stop })
    }

    /// The thread that the next call would go to, for a call whose answer names the port of its thread.
    #[must_use]
    pub fn choose(&self) -> usize {
        let ranks = self.threads.iter().enumerate().map(|(index, thread)| (rank(thread.shared.load.expected()), index));
        ranks.min().map_or(0, |(_, index)| index)
    }

    /// Hands a call to one thread and no other.
    ///
    /// # Errors
    /// [`Saturated`] when it does not take it; the task is dropped then.
    pub fn spawn_on(&self, thread: usize, task: CallTask) -> Result<(), Saturated> {
        self.threads.get(thread).ok_or(Saturated)?.accept(task).map_err(|_| Saturated)
    }

    /// Hands a call to the first thread that is not filled yet, or to the least busy when all are.
    ///
    /// # Errors
    /// [`Saturated`] when no thread takes it; the task is dropped then.
    pub fn spawn(&self, mut task: CallTask) -> Result<(), Saturated> {
        let mut by_load: SmallVec<[(u32, &MediaThread); 16]> =
            self.threads.iter().map(|thread| (rank(thread.shared.load.expected()), thread)).collect();
        // Stable: among threads with room the first comes first.
        by_load.sort_by_key(|(rank, _)| *rank);
        for (_, thread) in by_load {
            match thread.accept(task) {
                Ok(()) => return Ok(()),
                Err(refused) => task = refused,
            }
        }
        Err(Saturated)
    }

    /// Takes no more calls, waits for those that run until `deadline`, and ends the rest.
    ///
    /// That the calls should end is not said here: they hear it from the registry of calls.
    pub async fn stop(&self, deadline: Instant) -> Stopped {
        self.stop.send_replace(Some(deadline));
        let mut stopped = Stopped { aborted: 0 };
        for thread in &self.threads {
            let ended = thread.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(ended) = ended {
                stopped.aborted += ended.await.unwrap_or_default();
            }
        }
        stopped
    }

    /// Calls that run or are about to.
    #[must_use]
    pub fn running(&self) -> usize {
        self.threads.iter().map(|thread| thread.shared.load.running()).sum()
    }

    /// One entry a thread.
    #[must_use]
    pub fn status(&self) -> Vec<ThreadStatus> {
        self.threads.iter().map(MediaThread::status).collect()
    }
}

/// One thread, as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadStatus {
    /// `media-0` and so on, as in `top -H`.
    pub name: String,
    /// Calls that run or are about to.
    pub running: usize,
    /// The share of a core that it took in the last second, 0 to 1.
    pub busy: f64,
    /// Tasks that were alive at the end of the last second: those of calls, and few of the thread's own.
    pub tasks: usize,
    /// Calls that ended by a panic.
    pub panicked: u64,
    /// How urgent the thread is.
    pub scheduling: Scheduling,
    /// How well its wheel keeps time.
    pub wheel: WheelStats,
}

/// How the threads ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Calls that still ran at the deadline.
    pub aborted: usize,
}

/// No media thread takes one more call for now: the queue of each is full, or they are stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no media thread takes one more call")]
pub struct Saturated;

/// Why the media threads did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gives no thread.
    #[error("media thread {thread} was not started")]
    Thread {
        /// Its number.
        thread: usize,
        /// The system's reason.
        source: io::Error,
    },
    /// The thread has no readiness or no timer.
    #[error("media thread {thread} has no runtime")]
    Runtime {
        /// Its number.
        thread: usize,
        /// The system's reason.
        source: io::Error,
    },
}

/// A thread, seen from outside.
struct MediaThread {
    name: String,
    starts: mpsc::Sender<CallTask>,
    shared: Arc<Shared>,
    scheduling: Scheduling,
    timing: Arc<Counters>,
    /// Says how many calls were aborted, once the thread is done; taken by who waits for that.
    ended: Mutex<Option<oneshot::Receiver<usize>>>,
}

/// What a thread and the others both see.
#[derive(Debug, Default)]
struct Shared {
    load: Load,
    panicked: AtomicU64,
}

impl MediaThread {
    fn start(
        index: usize,
        realtime: bool,
        stop: watch::Receiver<Option<Instant>>,
        sockets: Option<MuxSockets>,
    ) -> Result<Self, StartError> {
        let name = format!("media-{index}");
        let (starts, inbox) = mpsc::channel(STARTS);
        let (report, ended) = oneshot::channel();
        let (ready, started) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let worker = worker::Worker { index, inbox, stop, shared: Arc::clone(&shared), sockets };
        thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                // Nobody listens any more when the threads are dropped instead of stopped.
                let _ = report.send(worker.run(realtime, &ready));
            })
            .map_err(|source| StartError::Thread { thread: index, source })?;
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let worker::Started { scheduling, timing } =
            started.recv().unwrap_or_else(|_| Err(gone())).map_err(|source| StartError::Runtime { thread: index, source })?;
        if scheduling == Scheduling::Refused {
            tracing::warn!(event = "realtime_refused", thread = %name, "the thread runs without real-time priority: audio may be late on a busy machine");
        }
        Ok(Self { name, starts, shared, scheduling, timing, ended: Mutex::new(Some(ended)) })
    }

    /// Gives the task back when the queue is full or closed.
    fn accept(&self, task: CallTask) -> Result<(), CallTask> {
        // Counted first, so that a burst of starts spreads before the first of them runs.
        self.shared.load.accept();
        self.starts.try_send(task).map_err(|refused| {
            self.shared.load.release();
            refused.into_inner()
        })
    }

    fn status(&self) -> ThreadStatus {
        ThreadStatus {
            name: self.name.clone(),
            running: self.shared.load.running(),
            busy: self.shared.load.busy(),
            tasks: self.shared.load.tasks(),
            panicked: self.shared.panicked.load(Ordering::Relaxed),
            scheduling: self.scheduling,
            wheel: self.timing.read(),
        }
    }
}

impl fmt::Debug for MediaThread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status().fmt(formatter)
    }
}

/// Starts that may wait for a thread. It takes them between two wake-ups, so this is a burst of signalling within milliseconds.
const STARTS: usize = 64;

#[cfg(test)]
mod tests;
