//! Bad input against the built program: a flood at its open ports beside calls, and RTP from somebody who was not invited.
//!
//! `AURICLE_FULL=1` makes the flood last 30 s instead of 10.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "a test outside of test functions")]

#[path = "../support/agents.rs"]
mod agents;
#[path = "../support/caller.rs"]
#[expect(dead_code, reason = "a gateway that hangs up is another test's")]
mod caller;
mod flood;
#[path = "../support/http.rs"]
mod http;
mod injection;
#[path = "../support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "all of them in turn are the transports' business")]
mod messages;
mod packets;
#[path = "../support/ports.rs"]
mod ports;
mod registers;
#[path = "../support/server.rs"]
mod server;
#[path = "../support/speech.rs"]
#[expect(dead_code, reason = "nobody speaks here")]
mod speech;
mod streams;
mod talkers;
#[path = "../../benches/generator/sip.rs"]
mod uac;
mod wishes;

/// Each test wants the machine to itself: beside the load of another one, no line goes on as it should.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
