//! Where the targets of trunks are: looked up again and again (RFC 3263), on a control thread.

use std::sync::Arc;
use std::time::Duration;

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
        for trunk in trunks.trunks() {
            let Some(target) = trunk.config.target_uri() else { continue };
            match locator.locate(&target).await {
                Ok(servers) => {
                    let few = servers.into_iter().take(MAX_SERVERS).collect();
                    if found.send((trunk.name.clone(), few)).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::warn!(trunk = %trunk.name, %error, "trunk_target_not_found"),
            }
        }
        tokio::select! {
            changed = directory.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Servers of one name that are tried.
const MAX_SERVERS: usize = 8;

/// Between two rounds; the cache of names keeps what may be kept longer.
const AGAIN: Duration = Duration::from_secs(60);
