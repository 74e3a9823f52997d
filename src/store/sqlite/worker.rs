//! A thread with one connection and a bounded queue of work for it.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::error::StoreError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to the thread; dropping it finishes what is queued and waits for the thread's end.
#[derive(Debug)]
pub(super) struct Worker {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// A thread named `name` that owns `connection`, and `lock` until it ends.
    pub(super) fn spawn(name: &str, mut connection: Connection, lock: Option<File>) -> io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE_LEN);
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            for job in jobs {
                job(&mut connection);
            }
            drop(connection);
            drop(lock);
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Does `work` on the thread; the work goes on even when nobody waits for its result any longer.
    pub(super) fn run<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A caller that has gone away wants no answer.
            let _ = reply.send(work(connection));
        });
        let queued = self.queue.as_ref().ok_or(StoreError::Closed).and_then(|queue| {
            queue.try_send(job).map_err(|refused| match refused {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Closed,
            })
        });
        async move {
            queued?;
            answer.await.map_err(|_| StoreError::Closed)?
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

/// Pieces of work that may wait; one more is refused.
const QUEUE_LEN: usize = 256;
