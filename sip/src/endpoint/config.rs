//! What an endpoint must be told once.

use std::net::SocketAddr;
use std::time::Duration;

use crate::transaction::Timers;

/// Configuration of an [`Endpoint`](super::Endpoint).
#[derive(Clone)]
pub struct EndpointConfig {
    /// Product name and version, for User-Agent and Server; control characters are dropped. Empty: no such header.
    pub user_agent: String,
    /// Retransmission and patience.
    pub timers: Timers,
    /// Our end of TCP connections as peers know it. Requests above 1300 bytes that would go by UDP go by TCP then, and by UDP only when
    /// no connection can be had (RFC 3261 §18.1.1); without it all stays with UDP.
    pub tcp: Option<SocketAddr>,
    /// How long one of several servers of a name is waited for before the next is asked (RFC 3263 §4.3); default 5 s.
    pub failover_after: Duration,
    /// Random bytes, fresh for each endpoint in the field: all identifiers come from them.
    pub seed: [u8; 32],
    /// Transactions at once. When full, new calls are refused with 503 and other requests are answered without keeping state.
    /// A call holds one or two, for 32 s beyond each of its requests.
    pub max_transactions: usize,
    /// The realm of our challenges.
    pub realm: String,
    /// How long a nonce of ours may be used.
    pub nonce_lifetime: Duration,
    /// Nonces in use at once.
    pub max_nonces: usize,
    /// Calls at once, ringing or up. When full, new calls are refused with 503.
    pub max_dialogs: usize,
}

impl Default for EndpointConfig {
    /// Room for 10,000 calls at once and 1,000 new ones a second; the seed is zero and must be replaced.
    fn default() -> Self {
        Self {
            user_agent: String::new(),
            timers: Timers::default(),
            tcp: None,
            failover_after: Duration::from_secs(5),
            seed: [0; 32],
            max_transactions: 100_000,
            max_dialogs: 10_000,
            realm: "auricle".to_owned(),
            nonce_lifetime: Duration::from_secs(300),
            max_nonces: 10_000,
        }
    }
}
