//! What REST does beside calls: 500 mixed requests a second beside 50 calls, and guesses at passwords beside everything.
//!
//! `make bench-api`, or `cargo bench --bench api -- all|quick`. The gateway is the binary that is shipped, in a process of its own,
//! the callers are another, and the requests come from this one: on a machine of two cores all three share them. Turns
//! with and without requests alternate. Prints a table and one `RESULT` line, writes `target/measured/api.json` after a run
//! of all, and fails when a gated figure is short.
#![expect(clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark on our own traffic, which reports on standard output")]

#[expect(dead_code, reason = "the bare loop is another benchmark's")]
mod generator;

#[path = "api/connection.rs"]
mod connection;
#[path = "api/gates.rs"]
mod gates;
#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "api/requests.rs"]
mod requests;
#[path = "api/store.rs"]
mod store;
#[path = "call_capacity/subject.rs"]
#[expect(dead_code, reason = "the bare loop and system calls are another benchmark's")]
mod subject;
#[path = "measured/table.rs"]
mod table;
#[path = "call_capacity/trial.rs"]
#[expect(dead_code, reason = "the bare loop and system calls are another benchmark's")]
mod trial;

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use generator::{Load, Target};
use requests::{Mix, Requests};
use trial::{Job, Trial};

fn main() -> Result<ExitCode> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("load") => generator::run(&load_from(&arguments)?).map(|()| ExitCode::SUCCESS),
        Some("quick") => measure(10, &[Turn::Quiet, Turn::Mixed, Turn::Spray], false),
        Some("all") | None => measure(25, &[Turn::Quiet, Turn::Mixed, Turn::Quiet, Turn::Mixed, Turn::Spray], true),
        Some(other) => bail!("unknown run `{other}` (all, quick)"),
    }
}

/// What goes on beside the calls of one turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Quiet,
    Mixed,
    Spray,
}

fn measure(seconds: u64, plan: &[Turn], save: bool) -> Result<ExitCode> {
    let job = Job { gateway: true, number: "1000", wss: false, calls: CALLS, seconds, tail: 0 };
    // Seeding and the last answers lie within the window too.
    let length = Duration::from_secs(seconds - 3);
    let mut turns: Vec<(Turn, Trial, Option<Requests>)> = Vec::new();
    for (number, &turn) in plan.iter().enumerate() {
        eprintln!("turn {} of {}: {turn:?}", number + 1, plan.len());
        let requests = || match turn {
            Turn::Quiet => Ok(None),
            Turn::Mixed => requests::send(&Mix { per_second: 500, guesses_per_second: 0, length }).map(Some),
            Turn::Spray => requests::send(&Mix { per_second: 50, guesses_per_second: 100, length }).map(Some),
        };
        let (trial, requests) = trial::run_beside(&job, Path::new(""), requests).with_context(|| format!("{turn:?}"))?;
        turns.push((turn, trial, requests));
    }
    let figures = gates::figures(&turns);
    gates::print(&turns, &figures);
    if save {
        measured::save("api", "REST beside calls", "make bench-api", &figures)?;
    }
    Ok(table::verdict(&figures))
}

/// The load's side of the command line; `trial.rs` writes it.
fn load_from(arguments: &[String]) -> Result<Load> {
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).cloned();
    let number = |name: &'static str| option(name).context(name)?.parse::<u64>().context(name);
    let address = option("--sip").context("--sip")?.parse().context("--sip")?;
    Ok(Load {
        calls: number("--calls")?.try_into()?,
        seconds: number("--seconds")?,
        tail: number("--tail")?,
        agent: option("--agent").context("--agent")?.parse().context("--agent")?,
        tls: None,
        target: Target::Sip { uri: format!("sip:{}@{address}", option("--number").context("--number")?), address },
    })
}

const CALLS: u64 = 50;
