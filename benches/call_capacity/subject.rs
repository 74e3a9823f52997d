//! What is measured: the gateway or the bare loop, as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::trial::Job;

/// A running subject; it ends when dropped.
pub(crate) struct Subject {
    child: Child,
    /// The gateway's store and configuration, gone with it.
    _folder: TempDir,
}

impl Subject {
    /// Starts what `job` names and waits until it is ready. The agent listens already.
    pub(crate) fn start(job: &Job, bare_loop: &Path, authority: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = if job.gateway { gateway(job, folder.path(), authority)? } else { bare(job, bare_loop)? };
        let ready = if job.gateway { wait_for_health(&mut child) } else { wait_for_line(&mut child, "ready") };
        let subject = Self { child, _folder: folder };
        ready.map(|()| subject)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, kB.
    pub(crate) fn resident_kb(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// System calls within `seconds`, by perf: all of them, then those of [`CALLS`]; nothing where perf may not count them.
    pub(crate) fn system_calls(&self, seconds: u64) -> Option<Vec<u64>> {
        let (pid, seconds) = (self.pid().to_string(), seconds.to_string());
        let named = CALLS.map(|name| format!("syscalls:sys_enter_{name}"));
        let events = [&["raw_syscalls:sys_enter".to_owned()], named.as_slice()].concat();
        let counted =
            Command::new("perf").args(["stat", "-x,", "-e", &events.join(","), "-p", &pid, "--", "sleep", &seconds]).output().ok()?;
        // perf writes its figures to standard error: count, unit, event, …
        let said = String::from_utf8_lossy(&counted.stderr).into_owned();
        let count = |event: &String| said.lines().find(|line| line.contains(&format!(",{event},")))?.split(',').next()?.parse().ok();
        events.iter().map(count).collect()
    }

    /// How often the system has taken the CPU from one of the threads, or been given it.
    pub(crate) fn switches(&self) -> Result<u64> {
        let mut switches = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            // A thread may end meanwhile.
            let Ok(status) = fs::read_to_string(thread?.path().join("status")) else { continue };
            let counts = status.lines().filter(|line| line.contains("voluntary_ctxt_switches"));
            switches += counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>();
        }
        Ok(switches)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // Both hold no state that anybody wants, so neither is asked politely.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Builds the bare loop and answers where it stands.
pub(crate) fn bare_loop_path() -> Result<PathBuf> {
    // What cargo tells a benchmark of its package is nothing to build with: what depends on it would be built anew, twice a run.
    let told = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("CARGO_"));
    let told = told.filter(|name| name != "CARGO_HOME" && name != "CARGO_TARGET_DIR").chain(["OUT_DIR".into()]);
    let mut build = Command::new(env!("CARGO"));
    for name in told {
        build.env_remove(name);
    }
    let build = build
        .args(["bench", "--profile", "dist", "--locked", "--bench", "bare_loop", "--no-run", "--message-format", "json"])
        .stderr(Stdio::inherit())
        .output()?;
    if !build.status.success() {
        bail!("the bare loop does not build");
    }
    let messages = build.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let path = messages
        .filter(|message| message["target"]["name"] == "bare_loop")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    path.context("cargo names no executable for the bare loop")
}

fn gateway(job: &Job, folder: &Path, authority: &Path) -> Result<Child> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = fs::read_to_string(root.join("config/bench.toml")).context("config/bench.toml")?;
    if job.wss {
        // The same configuration, with the agents behind TLS of a private authority.
        let authority = authority.display();
        config = config.replace("url = \"ws://127.0.0.1:9202/\"", &format!("url = \"wss://localhost:9202/\"\nca_file = \"{authority}\""));
    }
    let path = folder.join("bench.toml");
    fs::write(&path, config)?;
    Command::new(env!("CARGO_BIN_EXE_auricle"))
        .arg("serve")
        .arg("--config")
        .arg(&path)
        .env("AURICLE__STORE__PATH", folder.join("store"))
        .env("AURICLE__HTTP__ADMIN_SECRET", SECRET)
        .stdout(Stdio::null())
        .spawn()
        .context("the gateway, which is built with the benchmark")
}

fn bare(job: &Job, path: &Path) -> Result<Child> {
    let seconds = (job.seconds - 1).to_string();
    let options = ["--calls", &job.calls.to_string(), "--seconds", &seconds, "--rtp-base", &RTP_BASE.to_string(), "--agent", AGENT];
    Command::new(path).args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(|| path.display().to_string())
}

fn wait_for_health(child: &mut Child) -> Result<()> {
    let limit = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("the gateway ended at its start: {status}");
        }
        if is_healthy().unwrap_or(false) {
            return Ok(());
        }
        if Instant::now() > limit {
            bail!("the gateway does not answer /health at {REST}");
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn is_healthy() -> Result<bool> {
    let mut stream = TcpStream::connect(REST)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {REST}\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer.ends_with(b" 200"))
}

fn wait_for_line(child: &mut Child, line: &str) -> Result<()> {
    let mut output = BufReader::new(child.stdout.take().context("no standard output")?);
    let mut read = String::new();
    while output.read_line(&mut read)? > 0 {
        if read.trim_end() == line {
            // The rest is its own figure, measured by its own clock; it must not block on a full pipe.
            thread::spawn(move || output.lines().for_each(drop));
            return Ok(());
        }
        read.clear();
    }
    bail!("it ended at its start");
}

/// The system calls of audio and of waiting for it, as the kernel names them.
pub(crate) const CALLS: [&str; 6] = ["epoll_wait", "epoll_pwait", "recvfrom", "sendto", "timerfd_settime", "futex"];

/// As in `config/bench.toml`.
pub(crate) const SIP: &str = "127.0.0.1:5090";
pub(crate) const AGENT: &str = "127.0.0.1:9202";
pub(crate) const REST: &str = "127.0.0.1:8090";
/// Who bears it may everything.
pub(crate) const SECRET: &str = "a-secret-of-the-benchmark-known-to-nobody-else";
/// The bare loop's first RTP port, apart from the gateway's range and from ephemeral ports.
pub(crate) const RTP_BASE: u16 = 12_000;
const START_LIMIT: Duration = Duration::from_secs(20);
