//! Real callers against the built program: sipp, baresip, PJSIP, the built-in phone; and what a kill -9 leaves behind.
//!
//! Each test starts a gateway and an agent of its own on free ports. A tool that is missing is named aloud, and its test skipped.
#![expect(clippy::indexing_slicing, reason = "tests on files of their own: a wrong index is a failing test")]
#![expect(clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]

mod baresip;
mod command_line;
mod crash;
mod hep;
mod ladder;
mod messages;
mod ping;
mod pjsip;
mod registered;
mod setup;
mod sipp;
mod sound;
mod stir;
mod stop;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what REST is asked from outside is another test's")]
mod support;
mod telephone;
mod through;
mod trunks;
/// The callers' SIP of the benchmark: written apart from the `sip` crate.
#[path = "../../benches/generator/sip.rs"]
mod uac;
mod webhooks;
