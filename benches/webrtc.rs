//! What a call from a web page costs: Opus at complexity 5 to an agent at 24 kHz, 100 calls at once, and how soon each is set up.
//!
//! `make bench-webrtc`, or `cargo bench --bench webrtc -- all|quick`. The gateway is the binary that is shipped, in a process of its own; the
//! pages and the agent are another, whose CPU is not counted. A page is a client of WHIP, ICE, DTLS and SRTP without a codec: it sends
//! packets that were encoded before, at 50 a second, and opens what comes back. On a machine of two cores both processes share them:
//! the time of a set-up holds the page's own half of the handshake. Prints a table and one `RESULT` line, writes
//! `target/measured/webrtc.json` after a run of all, and fails when a gated figure is short.
#![expect(clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark on our own traffic, which reports on standard output")]

#[expect(dead_code, unused_imports, reason = "telephones are other benchmarks'")]
mod generator;

#[path = "webrtc/alone.rs"]
mod alone;
#[path = "webrtc/gates.rs"]
mod gates;
#[path = "webrtc/load.rs"]
mod load;
#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "webrtc/page.rs"]
mod page;
#[path = "webrtc/peer.rs"]
mod peer;
#[path = "media/speech.rs"]
#[expect(dead_code, reason = "frames in a ring are another benchmark's")]
mod speech;
#[path = "call_capacity/subject.rs"]
#[expect(dead_code, reason = "the bare loop and system calls are another benchmark's")]
mod subject;
#[path = "measured/table.rs"]
mod table;
#[path = "call_capacity/trial.rs"]
mod trial;
#[path = "webrtc/whip.rs"]
mod whip;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use load::Load;
use trial::{Job, Trial};

fn main() -> Result<ExitCode> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("load") => load::run(&load_from(&arguments)?).map(|()| ExitCode::SUCCESS),
        Some("quick") => measure(&[Job { seconds: 5, ..FEW }, Job { seconds: 5, ..MANY }], false),
        Some("all") | None => measure(&[MANY, FEW, MANY, FEW, MANY], true),
        Some(other) => bail!("unknown run `{other}` (all, quick)"),
    }
}

fn measure(plan: &[Job], save: bool) -> Result<ExitCode> {
    let mut trials: Vec<Trial> = Vec::new();
    for (turn, job) in plan.iter().enumerate() {
        eprintln!("turn {} of {}: {} pages", turn + 1, plan.len(), job.calls);
        trials.push(trial::run(job, Path::new("")).with_context(|| format!("{} pages", job.calls))?);
    }
    let figures = gates::figures(&trials, alone::opus_ms_per_call_second()?);
    gates::print(&trials, &figures);
    if save {
        measured::save("webrtc", "What a call from a web page costs", "make bench-webrtc", &figures)?;
    }
    Ok(table::verdict(&figures))
}

/// The load's side of the command line; `trial.rs` writes it.
fn load_from(arguments: &[String]) -> Result<Load> {
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).cloned();
    let number = |name: &'static str| option(name).context(name)?.parse::<u64>().context(name);
    Ok(Load {
        pages: number("--calls")?.try_into()?,
        seconds: number("--seconds")?,
        agent: option("--agent").context("--agent")?.parse().context("--agent")?,
        number: option("--number").context("--number")?,
    })
}

const MANY: Job = Job { gateway: true, number: "1000", wss: false, calls: 100, seconds: 20, tail: 0 };
const FEW: Job = Job { calls: 20, seconds: 10, ..MANY };
