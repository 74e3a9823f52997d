//! Auricle: a voice gateway that puts a streaming AI on the telephone.
//!
//! The pure crates `media` and `sip` hold the protocols; this one holds sockets, tasks and wiring. Who may import
//! whom stands in `ARCHITECTURE.md` and is checked by `tests/architecture.rs`.

pub mod agent;
pub mod api;
pub mod app;
pub mod audit;
pub mod call;
pub mod cli;
pub mod config;
pub mod domain;
pub mod identity;
pub mod leg;
pub mod net;
pub mod phone;
pub mod shutdown;
pub mod signalling;
pub mod store;
pub mod supervision;
pub mod telemetry;
pub mod webhooks;
