//! The agent side: one event model, one adapter a provider, one socket client.
//!
//! ```text
//! call  ── AgentCommand, audio ──▶  session (pure)  ── Transmit ──▶  client (socket)  ──▶  provider
//!       ◀── AgentEvent ───────────  protocol/*      ◀── Incoming ──                    ◀──
//! ```
//!
//! No name of a provider stands above [`session`]; no rule of a protocol stands in [`client`]. The [`simulator`] is
//! the other end: a strict server for tests, demonstrations and measurements.

pub mod bots;
pub mod check;
pub mod client;
pub mod conduct;
pub mod config;
pub mod embedded;
pub mod kept;
pub mod model;
mod protocol;
pub mod session;
pub mod simulator;
pub mod tools;
pub mod variables;
