//! Turns between a caller and an agent, over sockets: who is interrupted stops at once, and nobody's first word is lost.
//!
//! The caller and the agents stand in this process, so that both ends of the gateway are seen by one clock.
//! `AURICLE_FULL=1` makes 200 calls with a greeting instead of 40, 1,000 cuts of 100 calls instead of 100 of 25,
//! and 1,000 interruptions in 100 calls instead of 200 in 20.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test outside of test functions")]

#[path = "../support/agents.rs"]
mod agents;
mod agreement;
mod barge_in;
mod beeper;
#[path = "../support/caller.rs"]
#[expect(dead_code, reason = "where RTP goes is another test's")]
mod caller;
mod cuts;
mod daily;
#[path = "../support/echo.rs"]
mod echo;
mod first_words;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/measured.rs"]
mod measured;
mod pipecat;
#[path = "../support/ports.rs"]
mod ports;
mod protocols;
mod ringing;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "memory is another test's")]
mod server;
#[path = "../support/speech.rs"]
mod speech;
#[path = "../support/tools.rs"]
#[expect(dead_code, reason = "tools that are run to their end are another test's")]
mod tools;
#[path = "../../benches/generator/sip.rs"]
mod uac;
mod wishes;

use std::time::Duration;

use measured::Figure;

/// Whether figures are to be kept to the millisecond, which a machine that others use cannot do.
fn measuring() -> bool {
    ["AURICLE_MEASURE", "AURICLE_FULL"].into_iter().any(|name| std::env::var_os(name).is_some())
}

/// Whether all counts are wanted, which are what is saved.
fn full() -> bool {
    std::env::var_os("AURICLE_FULL").is_some()
}

/// A time that has a limit, for `docs/measured.md`.
fn figure(name: &'static str, what: &'static str, time: Duration, limit: Duration) -> Figure {
    Figure { name, what, value: Some(time.as_secs_f64() * 1e3), gate: Some(limit.as_secs_f64() * 1e3), at_least: false }
}

/// Each test wants the machine to itself: what they measure is time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
