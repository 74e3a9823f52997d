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
    /// How long a call lives without a refresh, as we ask for it (RFC 4028); the far end may shorten it. `None` asks for nothing, and
    /// agrees to what the far end asks for. At least `min_session_expires`.
    pub session_expires: Option<Duration>,
    /// The shortest life without a refresh that we agree to, 90 s or more; a far end that asks for less is told so with 422.
    pub min_session_expires: Duration,
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
            session_expires: Some(Duration::from_secs(1800)),
            min_session_expires: LEAST_SESSION_EXPIRES,
            max_transactions: 100_000,
            max_dialogs: 10_000,
            realm: "auricle".to_owned(),
            nonce_lifetime: Duration::from_secs(300),
            max_nonces: 10_000,
        }
    }
}

/// RFC 4028 §4.
pub(crate) const LEAST_SESSION_EXPIRES: Duration = Duration::from_secs(90);
