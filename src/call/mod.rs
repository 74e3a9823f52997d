//! One call: its state machine, its driver, and the table of all calls.

pub mod command;
pub mod config;
pub mod event;
pub mod journal;
pub mod registry;
pub mod session;
pub mod thread;
