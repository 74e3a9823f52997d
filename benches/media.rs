//! What the media core costs: a frame of every codec against the bare library, a resampled frame, a tick of a call's
//! pipelines, the memory of a call, and what it costs to listen to a line or to make
//! it cleaner.
//!
//! `make bench-media`, or `cargo bench --bench media`. On one thread, without sockets. Figures are medians of many runs of
//! about half a millisecond; what is compared runs in turns. Prints a table and one `RESULT` line, writes
//! `target/measured/media.json`, and fails when a gated figure is short.
#![expect(clippy::print_stdout, reason = "a measurement is read from standard output")]

#[path = "media/call.rs"]
mod call;
#[path = "media/calls.rs"]
mod calls;
#[path = "media/codecs.rs"]
mod codecs;
#[path = "media/listening.rs"]
mod listening;
#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "media/speech.rs"]
mod speech;
#[path = "measured/table.rs"]
mod table;
#[path = "media/timing.rs"]
mod timing;

use std::process::ExitCode;

use measured::Figure;

fn main() -> anyhow::Result<ExitCode> {
    let mut figures = Vec::new();
    codecs::measure(&mut figures)?;
    codecs::resampling(&mut figures)?;
    calls::ticks(&mut figures)?;
    calls::memory(&mut figures)?;
    listening::measure(&mut figures);
    measured::save("media", "What the media core costs", "make bench-media", &figures)?;
    table::print("media", &figures, 4);
    Ok(table::verdict(&figures))
}

/// A figure that is only recorded.
fn recorded(name: String, what: String, value: f64) -> Figure {
    Figure { name: name.leak(), what: what.leak(), value: Some(value), gate: None, at_least: false }
}

/// A figure with an upper limit.
fn gated(name: String, what: String, value: f64, gate: f64) -> Figure {
    Figure { gate: Some(gate), ..recorded(name, what, value) }
}
