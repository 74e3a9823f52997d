//! From what calls tell to what webhooks are told.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, watch};

use super::Webhooks;
use crate::domain::event::Event;
use crate::domain::webhook::Happening;
use crate::store::{OrgScope, StoreError};
use crate::supervision::told_to_stop;

/// In whose calls something happened, what, and when.
type News = (OrgScope, Happening, DateTime<Utc>);

impl Webhooks {
    /// Tells webhooks what happens in calls, until no call can happen any more, as `over` says, and all that happened is told; run
    /// it on a control thread. A call never waits for it: while the store does not take it, 32,768 events wait in memory, and what
    /// is more is missed, and counted.
    pub async fn follow(self, events: broadcast::Receiver<Event>, over: watch::Receiver<bool>) {
        let (news, waiting) = mpsc::channel(BACKLOG);
        tokio::join!(self.clone().gather(events, over, news), self.write_down(waiting));
    }

    /// Waits for nothing but events: their queue is that of everybody who follows calls.
    async fn gather(self, mut events: broadcast::Receiver<Event>, mut over: watch::Receiver<bool>, news: mpsc::Sender<News>) {
        loop {
            let received = tokio::select! {
                biased;
                received = events.recv() => received,
                () = told_to_stop(&mut over) => return,
            };
            match received {
                Ok(event) => {
                    let Some(happening) = Happening::of_call(&event) else { continue };
                    if let Err(TrySendError::Full(_)) = news.try_send((OrgScope::new(event.org_id), happening, Utc::now())) {
                        self.missed(1);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed(missed),
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    fn missed(&self, count: u64) {
        self.shared.parts.metrics.webhook_delivery("missed");
        tracing::error!(count, "webhooks_lag_behind_calls");
    }

    async fn write_down(self, mut waiting: mpsc::Receiver<News>) {
        while let Some((scope, happening, at)) = waiting.recv().await {
            self.tell_at_last(&scope, &happening, at).await;
        }
    }

    /// Tells what happened in a call, which happens once: while the store fails it is asked again. Each webhook is told once, however
    /// often that takes.
    async fn tell_at_last(&self, scope: &OrgScope, happening: &Happening, at: DateTime<Utc>) {
        let event_id = happening.event_id();
        for pause in PAUSES.iter().copied().chain(std::iter::repeat(LONGEST_PAUSE)) {
            match self.tell_as(scope, happening, &event_id, at).await {
                Ok(_) => return,
                Err(error @ (StoreError::Database(_) | StoreError::Busy)) => {
                    tracing::warn!(%error, event = happening.event_type().name(), "webhooks_not_told_yet");
                    tokio::time::sleep(pause).await;
                }
                Err(error) => {
                    self.shared.parts.metrics.webhook_delivery("missed");
                    tracing::error!(%error, event = happening.event_type().name(), "webhooks_not_told");
                    return;
                }
            }
        }
    }
}

/// Between the first tries to write something down.
const PAUSES: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];
/// Between all later ones.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What may wait to be written: of 150 calls a second what a store is away for a minute and a half, and some ten megabytes.
const BACKLOG: usize = 32_768;
