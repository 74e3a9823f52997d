//! One call: its state machine, its driver, and the table of all calls.

pub mod action;
pub mod agents;
#[expect(clippy::module_inception, reason = "the call itself is what this module is named after")]
pub mod call;
pub mod callers;
pub mod command;
pub mod config;
mod course;
pub mod driver;
mod ears;
pub mod event;
mod farewell;
pub mod journal;
mod keys;
pub mod launch;
pub mod listening;
pub mod look;
mod manners;
mod own_offers;
mod playback;
pub mod records;
pub mod registry;
mod seldom;
pub mod session;
mod speech;
pub mod thread;
mod timed_words;
mod timers;
pub mod tools;
pub mod transfer;
mod turns;
