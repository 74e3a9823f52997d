//! One turn: a fresh subject under a fresh load, measured over the load's window.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fmt, thread};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

use crate::generator::cpu;
use crate::subject::{AGENT, RTP_BASE, SIP, Subject};

/// What one turn measures.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Job {
    /// The gateway, or the bare loop.
    pub(crate) gateway: bool,
    /// Which number is called: 1000 with 24 kHz, 1001 with μ-law passed through.
    pub(crate) number: &'static str,
    pub(crate) wss: bool,
    pub(crate) calls: u64,
    pub(crate) seconds: u64,
    /// Seconds after the window in which system calls are counted; counting costs, so it is kept apart.
    pub(crate) tail: u64,
}

/// What one turn found.
#[derive(Serialize)]
pub(crate) struct Trial {
    pub(crate) job: Job,
    pub(crate) cpu_ms_per_call_second: f64,
    pub(crate) resident_kb: u64,
    /// The part of it that is not the kernel's.
    pub(crate) user_ms_per_call_second: f64,
    pub(crate) switches_per_call_and_tick: f64,
    /// All, then those of [`CALLS`].
    pub(crate) system_calls_per_call_and_tick: Option<Vec<f64>>,
    /// The load's own findings.
    pub(crate) load: Value,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.gateway, self.wss, self.number) {
            (false, ..) => "bare loop",
            (true, true, _) => "gateway, wss",
            (true, false, "1001") => "gateway, μ-law through",
            (true, false, _) => "gateway",
        };
        write!(f, "{name}, {} calls", self.calls)
    }
}

/// Runs one turn.
pub(crate) fn run(job: &Job, bare_loop: &Path) -> Result<Trial> {
    Ok(run_beside(job, bare_loop, || Ok(()))?.0)
}

/// Runs one turn, with something else beside the calls for as long as the window is.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(crate) fn run_beside<T: Send>(job: &Job, bare_loop: &Path, beside: impl FnOnce() -> Result<T> + Send) -> Result<(Trial, T)> {
    let folder = tempfile::tempdir()?;
    let authority = folder.path().join("authority.pem");
    let mut load = Running(spawn_load(job, &authority)?);
    let mut lines = BufReader::new(load.0.stdout.take().context("no standard output")?).lines();
    let mut next = |start: &str| -> Result<String> {
        let line = lines.next().with_context(|| format!("the load ended before `{start}`"))??;
        if line.starts_with(start) { Ok(line) } else { bail!("the load says `{line}`, not `{start}`") }
    };

    next("AGENT")?;
    let subject = Subject::start(job, bare_loop, &authority)?;
    load.0.stdin.take().context("no standard input")?.write_all(b"go\n")?;
    next("UP")?;
    next("START")?;
    let (from, before, switched) = (Instant::now(), cpu::of(subject.pid())?, subject.switches()?);
    let beside = thread::scope(|scope| {
        let beside = scope.spawn(beside);
        next("END")?;
        beside.join().unwrap_or_else(|_| bail!("what runs beside the calls panicked"))
    })?;
    let (wall, after, switched) = (from.elapsed(), cpu::of(subject.pid())?, subject.switches()? - switched);
    let call_seconds = job.calls as f64 * wall.as_secs_f64();
    let resident_kb = subject.resident_kb()?;
    let counted =
        job.tail.checked_sub(1).filter(|&seconds| seconds > 0).and_then(|seconds| Some((subject.system_calls(seconds)?, seconds)));
    let load_report = serde_json::from_str(&next("{")?)?;

    let trial = Trial {
        job: *job,
        cpu_ms_per_call_second: milliseconds(after.cpu() - before.cpu()) / call_seconds,
        user_ms_per_call_second: milliseconds(after.user - before.user) / call_seconds,
        switches_per_call_and_tick: switched as f64 / (TICKS_PER_SECOND as f64 * call_seconds),
        resident_kb,
        system_calls_per_call_and_tick: counted.map(|(counts, seconds)| {
            let ticks = (seconds * TICKS_PER_SECOND * job.calls) as f64;
            counts.into_iter().map(|count| count as f64 / ticks).collect()
        }),
        load: load_report,
    };
    Ok((trial, beside))
}

/// The load, as this same program in another process.
fn spawn_load(job: &Job, authority: &Path) -> Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args([
        "load",
        "--calls",
        &job.calls.to_string(),
        "--seconds",
        &job.seconds.to_string(),
        "--tail",
        &job.tail.to_string(),
        "--agent",
        AGENT,
    ]);
    if job.gateway {
        command.args(["--sip", SIP, "--number", job.number]);
    } else {
        command.args(["--rtp-base", &RTP_BASE.to_string()]);
    }
    if job.wss {
        command.arg("--tls").arg(authority);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("the load")
}

/// A child that ends with its owner, whatever happens between.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Packet times in a second.
const TICKS_PER_SECOND: u64 = 50;
