//! Where the targets of trunks are: looked up again and again (RFC 3263), on a control thread.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, watch};

use super::locate::Locator;
use super::transport::Destination;
use super::trunks::{Directory, TrunkName};

/// The servers that were found for a trunk's target, the best first.
pub type Found = (TrunkName, Vec<Destination>);

/// Looks up, until nobody wants to know any more. What cannot be looked up keeps the servers that it had.
pub async fn look_up(locator: Locator, mut directory: watch::Receiver<Arc<Directory>>, found: mpsc::Sender<Found>) {
    loop {
        let trunks = Arc::clone(&directory.borrow_and_update());
        let looked_up = trunks.trunks().filter_map(|trunk| Some((trunk.name.clone(), trunk.config.target_uri()?))).map(|(name, target)| {
            let locator = &locator;
            async move { (name, locator.locate(&target).await) }
        });
        // A name that is not found keeps none of the others waiting.
        let mut looked_up = stream::iter(looked_up.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        while let Some((name, servers)) = looked_up.next().await {
            match servers {
                Ok(servers) => {
                    let few = servers.into_iter().take(MAX_SERVERS).collect();
                    if found.send((name, few)).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::warn!(trunk = %name, %error, "trunk_target_not_found"),
            }
        }
        tokio::select! {
            changed = directory.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Names that are looked up at one time.
const AT_ONCE: usize = 16;

/// Servers of one name that are tried.
const MAX_SERVERS: usize = 8;

/// Between two rounds; the cache of names keeps what may be kept longer.
const AGAIN: Duration = Duration::from_secs(60);
