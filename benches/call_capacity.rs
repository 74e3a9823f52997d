//! What a call costs: CPU, memory, delay and lateness at 100 and 400 calls, in turns with the bare loop.
//!
//! `make bench-call`, or `cargo bench --bench call_capacity -- all|quick|bare`. The gateway is the binary that is shipped, in a process
//! of its own, so are the bare loop, and the load (callers and agent, whose CPU is not counted). On a machine of two
//! cores all three share them: delays hold the load's own share of waiting. Prints a table and one `RESULT` line, writes
//! `target/measured/call_capacity.json` after a run of all, and fails when a gated figure is short.
#![expect(clippy::indexing_slicing, clippy::print_stdout, reason = "a benchmark on our own traffic, which reports on standard output")]

mod generator;

#[path = "call_capacity/gates.rs"]
mod gates;
#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "call_capacity/report.rs"]
mod report;
#[path = "call_capacity/subject.rs"]
mod subject;
#[path = "measured/table.rs"]
mod table;
#[path = "call_capacity/trial.rs"]
mod trial;

use std::env;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use generator::{Load, Target};
use measured::Figure;
use trial::{Job, Trial};

fn main() -> Result<ExitCode> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("load") => generator::run(&load_from(&arguments)?).map(|()| ExitCode::SUCCESS),
        Some("quick") => measure(&QUICK).map(|figures| table::verdict(&figures)),
        Some("bare") => measure(&[BARE, Job { calls: 400, tail: 6, ..BARE }]).map(|figures| table::verdict(&figures)),
        Some("all") | None => {
            let figures = measure(ALL)?;
            measured::save("call_capacity", "What a call costs", "make bench-call", &figures)?;
            Ok(table::verdict(&figures))
        }
        Some(other) => bail!("unknown run `{other}` (all, quick, bare)"),
    }
}

fn measure(plan: &[Job]) -> Result<Vec<Figure>> {
    let bare_loop = subject::bare_loop_path()?;
    let mut trials: Vec<Trial> = Vec::new();
    for (turn, job) in plan.iter().enumerate() {
        eprintln!("turn {} of {}: {job}", turn + 1, plan.len());
        trials.push(trial::run(job, &bare_loop).with_context(|| job.to_string())?);
    }
    let figures = gates::figures(&trials);
    report::print(&trials, &figures);
    Ok(figures)
}

/// The load's side of the command line; `trial.rs` writes it.
fn load_from(arguments: &[String]) -> Result<Load> {
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).cloned();
    let number = |name: &'static str| option(name).context(name)?.parse::<u64>().context(name);
    let target = match option("--sip") {
        Some(address) => {
            let address = address.parse().context("--sip")?;
            Target::Sip { uri: format!("sip:{}@{address}", option("--number").context("--number")?), address }
        }
        None => Target::Bare { rtp_base: number("--rtp-base")?.try_into()? },
    };
    Ok(Load {
        calls: number("--calls")?.try_into()?,
        seconds: number("--seconds")?,
        tail: number("--tail")?,
        agent: option("--agent").context("--agent")?.parse().context("--agent")?,
        tls: option("--tls").map(Into::into),
        target,
    })
}

const GATEWAY: Job = Job { gateway: true, number: "1000", wss: false, calls: 100, seconds: 20, tail: 0 };
const BARE: Job = Job { gateway: false, ..GATEWAY };
const QUICK: [Job; 2] = [Job { seconds: 10, ..GATEWAY }, Job { seconds: 10, ..BARE }];
/// In turns, so that a change of the machine's mood meets both.
const ALL: &[Job] = &[
    GATEWAY,
    BARE,
    GATEWAY,
    BARE,
    Job { calls: 400, tail: 6, ..GATEWAY },
    Job { calls: 400, tail: 6, ..BARE },
    Job { calls: 400, tail: 6, ..GATEWAY },
    Job { calls: 400, tail: 6, ..BARE },
    Job { wss: true, ..GATEWAY },
    Job { number: "1001", ..GATEWAY },
    Job { number: "1001", calls: 400, ..GATEWAY },
    Job { calls: 50, ..GATEWAY },
];
