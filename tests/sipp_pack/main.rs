//! Scenarios of Debian's sipp against the built program: each line of a protocol that sipp can speak, with the flow asserted
//! by sipp itself, message by message, and what came of it by the record of the call.
//!
//! A scenario is written by [`flow::Flow`]; another subject is another file here. A tool that is missing is named aloud,
//! and its test skipped.
#![expect(clippy::indexing_slicing, reason = "tests on files of their own: a wrong index is a failing test")]
#![expect(clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]

mod flow;
mod holding;
mod keys;
mod offers;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what is said in calls is other tests' business")]
mod support;
mod transfers;
