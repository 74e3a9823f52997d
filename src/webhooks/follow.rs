//! From what calls tell to what webhooks are told.

use tokio::sync::{broadcast, watch};

use super::Webhooks;
use crate::domain::event::Event;
use crate::domain::webhook::Happening;
use crate::store::OrgScope;
use crate::supervision::told_to_stop;

impl Webhooks {
    /// Tells webhooks what happens in calls, until no call can happen any more, as `over` says, and all that happened is told; run
    /// it on a control thread. A call never waits for it: what comes faster than the store takes it is missed, and counted.
    pub async fn follow(self, mut events: broadcast::Receiver<Event>, mut over: watch::Receiver<bool>) {
        loop {
            let received = tokio::select! {
                biased;
                received = events.recv() => received,
                () = told_to_stop(&mut over) => return,
            };
            match received {
                Ok(event) => {
                    if let Some(happening) = Happening::of_call(&event) {
                        self.tell_if_possible(&OrgScope::new(event.org_id), &happening).await;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    self.shared.parts.metrics.webhook_delivery("missed");
                    tracing::error!(missed, "webhooks_lag_behind_calls");
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}
