//! Writes ladders that are complete, beside everything else.

use std::time::Duration;

use tokio::sync::mpsc;

use super::tap::LadderBook;
use crate::domain::ladder::Ladder;
use crate::store::StoreError;
use crate::store::ladders::Ladders;
use crate::telemetry::metrics::Metrics;

/// Writes what a [`super::Tap`] hands on.
#[derive(Debug)]
pub struct LadderKeeper {
    book: LadderBook,
    store: Ladders,
    finished: mpsc::Receiver<Ladder>,
    metrics: Metrics,
}

impl LadderKeeper {
    /// The keeper of a book, and the way to it.
    #[must_use]
    pub fn new(book: LadderBook, store: Ladders, metrics: Metrics) -> (Self, mpsc::Sender<Ladder>) {
        let (sender, finished) = mpsc::channel(QUEUE_LEN);
        (Self { book, store, finished, metrics }, sender)
    }

    /// Writes until the tap is gone and nothing is left.
    pub async fn run(mut self) {
        while let Some(ladder) = self.finished.recv().await {
            if let Err(error) = self.write(&ladder).await {
                tracing::error!(call = %ladder.id, %error, "sip_ladder_not_written");
                self.metrics.sip_ladder_dropped("store");
            }
            self.book.book().forget(&ladder.id);
        }
    }

    async fn write(&self, ladder: &Ladder) -> Result<(), StoreError> {
        for pause in PAUSES {
            match self.store.put(ladder).await {
                Err(StoreError::Busy | StoreError::Database(_)) => tokio::time::sleep(pause).await,
                outcome => return outcome,
            }
        }
        self.store.put(ladder).await
    }
}

/// Ladders that may wait for the store.
const QUEUE_LEN: usize = 1_024;
/// Between attempts. A store that is away for longer loses ladders and no records.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(1_000)];
