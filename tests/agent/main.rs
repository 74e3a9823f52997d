//! The agent link over real sockets: client and session on one side, the simulator or a hostile server on the other.

#![expect(clippy::unwrap_used, reason = "a test says so by failing")]

mod asking;
mod behaviours;
mod checking;
mod connecting;
mod faults;
mod link;
mod protocols;
mod speech;
mod stalled;
