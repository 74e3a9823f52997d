//! SIP over every transport against the built program: what the RFCs torture with, floods, and other people's clients and proxies.
#![expect(clippy::indexing_slicing, reason = "tests on files of their own: a wrong index is a failing test")]
#![expect(clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]

mod browser;
mod certificates;
mod client;
mod half_open;
mod kamailio;
#[path = "../hostile/messages.rs"]
#[expect(dead_code, reason = "a flood of them is another test's")]
mod messages;
mod names;
mod registered;
mod shapes;
mod sipp;
mod spoken;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what is said in calls is other tests' business")]
mod support;
mod torture;
#[path = "../../sip/tests/endpoint/torture_vectors.rs"]
mod torture_vectors;
