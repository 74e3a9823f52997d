//! Whole calls in virtual time: caller, gateway and agent without a socket, over links that behave as the seed says.
//!
//! Every scenario is run for many seeds; `SIM_SEED=n` runs one of them alone, `SIM_SEEDS=n` so many. Whatever happens, the invariants of
//! `book.rs`, `scenario.rs` and `world.rs` hold: one end and one record a call, nothing left behind, every packet and
//! every sample accounted for, and the agent told exactly what was heard.
#![expect(clippy::indexing_slicing, reason = "a wrong index is a failing test")]
#![expect(clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]

mod agent;
mod book;
mod caller;
mod clock;
mod ear;
mod gateway;
mod link;
mod mind;
mod plan;
mod post;
mod scenario;
mod scenarios;
mod words;
mod world;
