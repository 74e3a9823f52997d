//! Tasks that must not end: one that does, by a panic or otherwise, is started again after a pause, and everybody can see it.
//!
//! The pause doubles from 100 ms to 30 s, with as much chance in it as keeps two nodes apart, and is short again once the task
//! has run for a minute. Left out on purpose: tasks that may end, and what belongs to one call.

mod breaker;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use breaker::{Breaker, BreakerPolicy, BreakerState, BreakerStatus, Breakers};

/// Keeps tasks running; clones share them.
#[derive(Clone, Debug)]
pub struct Supervisor {
    tasks: Arc<Mutex<Vec<Task>>>,
    stopped: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    state: TaskState,
    restarts: u32,
}

/// What a stop does to a task.
#[derive(Clone, Copy)]
enum Stop {
    /// It ends it wherever it is.
    CutsOff,
    /// The task hears of it by itself, and ends when it has done what is left.
    IsHeard,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It runs.
    Running,
    /// It ended, and is about to be started again.
    Waiting,
    /// It was told to stop.
    Stopped,
}

/// How a task fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub state: TaskState,
    /// How often it had to be started again.
    pub restarts: u32,
}

impl Supervisor {
    /// Keeps tasks running until `stopped` says so.
    #[must_use]
    pub fn new(stopped: watch::Receiver<bool>) -> Self {
        Self { tasks: Arc::default(), stopped }
    }

    /// Runs what `start` makes, again whenever it ends.
    pub fn keep<F, T>(&self, name: &'static str, start: F) -> JoinHandle<()>
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.keep_until(name, self.stopped.clone(), Stop::CutsOff, start)
    }

    /// The same until `over` says so: what runs then knows it, and is waited for.
    pub fn keep_to_its_end<F, T>(&self, name: &'static str, over: watch::Receiver<bool>, start: F) -> JoinHandle<()>
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.keep_until(name, over, Stop::IsHeard, start)
    }

    fn keep_until<F, T>(&self, name: &'static str, mut stopped: watch::Receiver<bool>, stop: Stop, mut start: F) -> JoinHandle<()>
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = self.tasks();
        let place = tasks.len();
        tasks.push(Task { name, state: TaskState::Running, restarts: 0 });
        drop(tasks);
        let supervisor = self.clone();
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let begun = Instant::now();
                let mut running = tokio::spawn(start());
                let ended = tokio::select! {
                    ended = &mut running => ended,
                    () = told_to_stop(&mut stopped) => {
                        match stop {
                            Stop::CutsOff => running.abort(),
                            Stop::IsHeard => drop(running.await),
                        }
                        return supervisor.set(place, TaskState::Stopped);
                    }
                };
                if *stopped.borrow() {
                    return supervisor.set(place, TaskState::Stopped);
                }
                if begun.elapsed() > STEADY {
                    pause = FIRST_PAUSE;
                }
                let panicked = ended.is_err_and(|error| error.is_panic());
                tracing::error!(task = name, panicked, "background_task_ended");
                supervisor.set(place, TaskState::Waiting);
                tokio::time::sleep(jittered(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                supervisor.restarted(place);
            }
        })
    }

    /// Every task, in the order in which they were started first.
    #[must_use]
    pub fn status(&self) -> Vec<TaskStatus> {
        self.tasks().iter().map(|&Task { name, state, restarts }| TaskStatus { name, state, restarts }).collect()
    }

    fn set(&self, place: usize, state: TaskState) {
        self.tasks().get_mut(place).into_iter().for_each(|task| task.state = state);
    }

    fn restarted(&self, place: usize) {
        if let Some(task) = self.tasks().get_mut(place) {
            task.state = TaskState::Running;
            task.restarts = task.restarts.saturating_add(1);
        }
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until it is told to stop. May be given up and called again.
pub async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // Where nobody is left to tell, it is over, too.
    drop(stopped.wait_for(|stop| *stop).await);
}

/// Between half of a pause and all of it.
#[must_use]
pub fn jittered(pause: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness the whole pause is waited.
    let part = getrandom::fill(&mut random).map_or(1.0, |()| f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX));
    pause.mul_f64(0.5 + part / 2.0)
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A task that ran so long has recovered.
const STEADY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_or_panics_is_started_again_after_ever_longer_pauses() {
        let (stop, stopped) = watch::channel(false);
        let supervisor = Supervisor::new(stopped);
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let kept = supervisor.keep("restless", move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert!(run.is_multiple_of(2), "every second run") }
        });
        tokio::time::sleep(Duration::from_secs(10)).await;
        let in_ten_seconds = runs.load(Ordering::Relaxed);
        assert!((7..=9).contains(&in_ten_seconds), "{in_ten_seconds} runs");
        let status = supervisor.status();
        assert_eq!((status[0].name, status[0].restarts + 1), ("restless", in_ten_seconds));
        stop.send(true).unwrap();
        drop(kept);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_is_told_to_stop_is_not_started_again() {
        let (stop, stopped) = watch::channel(false);
        let supervisor = Supervisor::new(stopped);
        let kept = supervisor.keep("patient", std::future::pending::<()>);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(supervisor.status()[0].state, TaskState::Running);
        stop.send(true).unwrap();
        kept.await.unwrap();
        assert_eq!(supervisor.status(), [TaskStatus { name: "patient", state: TaskState::Stopped, restarts: 0 }]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_hears_of_the_stop_itself_does_what_is_left_and_is_not_started_again() {
        let ((_stop, stopped), (end, over)) = (watch::channel(true), watch::channel(false));
        let supervisor = Supervisor::new(stopped);
        let runs = Arc::new(AtomicU32::new(0));
        let (counted, heard) = (Arc::clone(&runs), over.clone());
        let kept = supervisor.keep_to_its_end("thorough", over, move || {
            let (counted, mut heard) = (Arc::clone(&counted), heard.clone());
            async move {
                told_to_stop(&mut heard).await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!((supervisor.status()[0].state, runs.load(Ordering::Relaxed)), (TaskState::Running, 0));
        end.send(true).unwrap();
        kept.await.unwrap();
        assert_eq!((supervisor.status()[0].state, runs.load(Ordering::Relaxed)), (TaskState::Stopped, 1));
    }
}
