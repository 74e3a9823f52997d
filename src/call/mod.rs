//! One call: its state machine, its driver, and the table of all calls.

pub mod action;
pub mod agent_health;
pub mod agents;
mod browser;
#[expect(clippy::module_inception, reason = "the call itself is what this module is named after")]
pub mod call;
pub mod callers;
pub mod command;
pub mod config;
mod course;
pub mod driver;
mod ears;
pub mod egress_policy;
pub mod event;
pub mod journal;
mod keys;
pub mod launch;
pub mod listening;
pub mod look;
pub mod mux;
mod own_offers;
mod page;
pub mod phrase;
mod playback;
pub mod records;
pub mod registry;
mod ringing;
mod seldom;
pub mod session;
mod speech;
pub mod thread;
mod timers;
pub mod transfer;
mod turns;
mod whep;
pub mod wire;
