//! Where the targets of trunks are: names looked up again and again, on a control thread.
//!
//! Left out on purpose: NAPTR and SRV (RFC 3263 §4.1, §4.2); a name is looked up for its addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::outbound::transport_of;
use super::trunks::{Directory, TrunkName};

/// Addresses that were found for a trunk's target.
pub type Found = (TrunkName, Vec<SocketAddr>);

/// Looks up, until nobody wants to know any more. What cannot be looked up keeps the addresses that it had.
pub async fn look_up(mut directory: watch::Receiver<Arc<Directory>>, found: mpsc::Sender<Found>) {
    let mut known: HashMap<TrunkName, Vec<SocketAddr>> = HashMap::new();
    loop {
        let trunks = Arc::clone(&directory.borrow_and_update());
        known.retain(|name, _| trunks.trunk(name).is_some());
        for trunk in trunks.trunks() {
            let Some(target) = trunk.config.target_uri() else { continue };
            let host = target.host().trim_matches(['[', ']']).to_owned();
            if host.parse::<std::net::IpAddr>().is_ok() {
                continue;
            }
            let port = target.port().unwrap_or_else(|| transport_of(&target).default_port());
            let Ok(Ok(addresses)) = timeout(PATIENCE, lookup_host((host, port))).await else {
                tracing::warn!(trunk = %trunk.name, "trunk_target_not_found");
                continue;
            };
            let mut addresses: Vec<SocketAddr> = addresses.take(MAX_ADDRESSES).collect();
            // The order of answers changes from one to the next: that is no news.
            addresses.sort_unstable();
            if known.get(&trunk.name) != Some(&addresses) {
                known.insert(trunk.name.clone(), addresses.clone());
                if found.send((trunk.name.clone(), addresses)).await.is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            changed = directory.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// How long name servers may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two rounds; the system's resolver keeps what may be kept longer.
const AGAIN: Duration = Duration::from_secs(60);
