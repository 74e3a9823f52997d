//! Transactions (RFC 3261 §17 with RFC 6026): four strict machines and the table that drives them.
//!
//! Each machine is an enum of one struct a state; a step consumes the old state and says in an `Actions` what to send and what to
//! report. Left out on purpose: Timer C (proxies only), provisional responses to anything but INVITE (RFC 4320).

mod backoff;
mod detour;
mod invite_client;
mod invite_server;
mod key;
mod non_invite_client;
mod non_invite_server;
mod table;
mod timers;

use bytes::Bytes;

pub(crate) use self::backoff::{Backoff, BackoffStep};
pub(crate) use self::detour::Ways;
pub(crate) use self::key::{ClientKey, ServerKey, merge_key};
pub(crate) use self::table::{AckReceived, ClientId, Opening, Reported, ServerId, TransactionTable};
pub use self::timers::Timers;
pub(crate) use self::timers::{Pacing, Timer};

/// What a step of a machine asks for.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    /// Put this on the wire.
    pub(crate) send: Option<Bytes>,
    /// Tell the transaction user.
    pub(crate) report: Option<Report>,
}

/// What a transaction tells its user on its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// A client transaction: nobody answered (Timers B and F).
    TimedOut,
    /// A client transaction: the request could not be sent (§8.1.3.1).
    Unreachable,
    /// Nothing will come from this transaction any more.
    Terminated,
}
