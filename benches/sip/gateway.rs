//! The built gateway with digest, store and audit, as a process of its own, and what callers see of it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail, ensure};
use sip::auth::Account;

use crate::http;
use crate::load::{Load, Outcome};

/// What was measured.
pub(crate) struct Calls {
    /// At 75 calls a second.
    pub(crate) calm: Outcome,
    /// At 150.
    pub(crate) busy: Outcome,
    /// Records in the store afterwards that are complete.
    pub(crate) recorded: u32,
    /// Bytes of the audit log.
    pub(crate) audited: u64,
}

/// Both rates, one after the other, into one gateway.
pub(crate) fn measure() -> Result<Calls> {
    let folder = tempfile::tempdir()?;
    let (sip, rest, agent) = (free_udp()?, free_tcp()?, free_tcp()?);
    let media = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    fs::write(folder.path().join("gateway.toml"), configuration(sip, rest, agent, folder.path()))?;
    let _agent = Running::start(Command::new(PROGRAM).args(["agent-simulator", "--listen", &agent.to_string(), "--behaviour", "echo"]))?;
    let mut serve = Command::new(PROGRAM);
    serve.args(["serve", "--config"]).arg(folder.path().join("gateway.toml"));
    serve.env("AURICLE__HTTP__ADMIN_SECRET", SECRET).env("BENCH_LOGIN_PASSWORD", PASSWORD);
    let _gateway = Running::start(&mut serve)?;
    let limit = Instant::now() + Duration::from_secs(20);
    while http::request(rest, "GET", "/health", SECRET, "").is_none_or(|answer| answer.status != 200) {
        ensure!(Instant::now() < limit, "the gateway does not get healthy");
        thread::sleep(Duration::from_millis(50));
    }
    let account = || Account::new("auricle", "bench", PASSWORD).context("an account");
    let media = media.local_addr()?;
    // The first calls of a process find nothing warm, and are not counted.
    Load::new("warm", sip, media, account()?)?.run(WARM, CALM)?;
    let calm = Load::new("calm", sip, media, account()?)?.run(CALM * SECONDS, CALM)?;
    let busy = Load::new("busy", sip, media, account()?)?.run(BUSY * SECONDS, BUSY)?;
    let recorded = records(rest, WARM + (CALM + BUSY) * SECONDS)?;
    Ok(Calls { calm, busy, recorded: recorded.saturating_sub(WARM), audited: bytes_below(&folder.path().join("store"), "audit") })
}

/// How many calls are in the store and completed, once `expected` are, or nothing more comes.
fn records(rest: SocketAddr, expected: u32) -> Result<u32> {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let (mut completed, mut path) = (0, "/v1/calls?limit=200".to_owned());
        loop {
            let Some(answer) = http::request(rest, "GET", &path, SECRET, "").filter(|answer| answer.status == 200) else {
                bail!("the list of calls is not told");
            };
            let items = answer.json.get("items").and_then(|items| items.as_array()).context("a list")?;
            completed += items.iter().filter(|call| call.get("session_status").is_some_and(|status| status == "completed")).count();
            match answer.json.get("next_cursor").and_then(|cursor| cursor.as_str()) {
                Some(cursor) => path = format!("/v1/calls?limit=200&cursor={cursor}"),
                None => break,
            }
        }
        if completed >= expected as usize || Instant::now() > limit {
            return Ok(u32::try_from(completed)?);
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// All files under `folder` with `part` in their path.
fn bytes_below(folder: &Path, part: &str) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(file) if file.is_dir() => bytes_below(&entry.path(), part),
        Ok(file) if entry.path().to_string_lossy().contains(part) => file.len(),
        _ => 0,
    });
    sizes.sum()
}

/// A process that ends with this value.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

fn configuration(sip: SocketAddr, rest: SocketAddr, agent: SocketAddr, folder: &Path) -> String {
    format!(
        "[sip]\nlisten = \"{sip}\"\nmax_calls_per_second = 0\nunknown_callers = \"refuse\"\n\
         [trunks.bench]\nlogin = \"bench\"\nlogin_password_env = \"BENCH_LOGIN_PASSWORD\"\n\
         [rtp]\naddress = \"127.0.0.1\"\nport_min = 20000\nport_max = 31999\nquarantine_s = 1\n\
         [calls]\nmax_concurrent = 1000\nexpected_calls_per_second = 200\nexpected_call_length_s = 1\n\
         [http]\nlisten = \"{rest}\"\napi_requests_per_minute = 1000000\n[store]\npath = \"{}\"\n[log]\nlevel = \"warn\"\n\
         [agents.bench]\nurl = \"ws://{agent}/\"\nformat = \"pcmu\"\n[numbers.1000]\nagent = \"bench\"\nanswer = \"immediately\"\n",
        folder.join("store").display()
    )
}

fn free_udp() -> Result<SocketAddr> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn free_tcp() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_auricle");
const SECRET: &str = "a-secret-of-the-benchmark-known-to-nobody-else";
const PASSWORD: &str = "a-password-of-the-benchmark";
const WARM: u32 = 150;
const CALM: u32 = 75;
const BUSY: u32 = 150;
/// Of each rate.
const SECONDS: u32 = 20;
