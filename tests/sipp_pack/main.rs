//! Debian's sipp against the built program, over UDP and TCP: a scenario for what it can speak of SIP, each of which fails at the first message
//! that is not the one that is due. Any exit but 0 is a failure, 255 included. What came of it is told by the record of the call.
//!
//! `AURICLE_FULL=1` runs what waits for minutes, too: refreshes of sessions.
//!
//! Left out: 483 (a proxy's answer; a user agent is the last hop, and takes 0), 421 (we require no extension of anybody), 482 (sipp gives a
//! call up when anything comes between two messages that it sends; an INVITE that comes again by another way is answered so in
//! `sip/tests/endpoint/refusals.rs`).
#![expect(clippy::indexing_slicing, reason = "tests on files of their own: a wrong index is a failing test")]
#![expect(clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]

mod arrivals;
mod calls_in;
mod calls_out;
mod extensions;
mod flow;
mod holding;
mod keys;
mod limits;
mod offers;
mod pack;
mod proof;
mod refusals;
mod routes;
mod scenario;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what is said in calls is other tests' business")]
mod support;
mod transfers;
