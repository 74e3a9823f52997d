//! A gateway process whose agents, numbers and log the test chooses; the agents run in the test's own process.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Answer};
use super::ports::{self, RtpRange};

/// A running `auricle serve`, killed when dropped.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    pub(crate) sip: SocketAddr,
    pub(crate) rest: SocketAddr,
    rtp: RtpRange,
}

/// What a test wants of its gateway.
pub(crate) struct Wanted {
    /// `[agents.…]` and `[numbers.…]`, TOML.
    pub(crate) agents: String,
    /// `log.level`.
    pub(crate) log_level: &'static str,
    /// `log.format`.
    pub(crate) log_format: &'static str,
}

impl Server {
    /// Starts it and waits until it is healthy.
    pub(crate) fn start(wanted: &Wanted) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (sip, rest, rtp) = (ports::free_udp(), ports::free_tcp(), RtpRange::take());
        let Wanted { agents, log_level, log_format } = wanted;
        let text = format!(
            "[sip]\nlisten = \"{sip}\"\nmax_calls_per_second = 0\n\
             [outbound]\nenabled = true\n[tenants.org_default]\ncountries = [\"US\"]\n\
             [rtp]\naddress = \"127.0.0.1\"\nport_min = {first}\nport_max = {last}\nquarantine_s = 1\n\
             [calls]\nmax_concurrent = 300\nexpected_calls_per_second = 10\nexpected_call_length_s = 60\n\
             [http]\nlisten = \"{rest}\"\napi_requests_per_minute = 1000000\n\
             [store]\npath = \"{store}\"\n\
             [log]\nlevel = \"{log_level}\"\nformat = \"{log_format}\"\n\
             {agents}",
            first = rtp.first,
            last = rtp.last,
            store = folder.path().join("store").display(),
        );
        fs::write(folder.path().join("gateway.toml"), text).expect("the configuration is written");
        let log = File::create(folder.path().join("gateway.log")).expect("the gateway's log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_auricle"));
        command.args(["serve", "--config"]).arg(folder.path().join("gateway.toml")).env("AURICLE__HTTP__ADMIN_SECRET", SECRET);
        let output = log.try_clone().expect("the log once more");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().expect("the built program starts");
        let mut server = Self { child, folder, sip, rest, rtp };
        let limit = Instant::now() + Duration::from_secs(60);
        while http::request(server.rest, "GET", "/health", SECRET, "").is_none_or(|answer| answer.status != 200) {
            assert!(server.is_alive() && Instant::now() < limit, "the gateway does not get healthy\n{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Whether the process runs still.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("the gateway can be asked").is_none()
    }

    /// Asks the REST interface.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        http::request(self.rest, method, path, SECRET, body).unwrap_or_else(|| panic!("no answer to {method} {path}\n{}", self.log()))
    }

    /// The records of all calls, whole, once `count` calls are over.
    pub(crate) fn records(&self, count: usize) -> Vec<Value> {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            let calls = self.list();
            let over = calls.iter().filter(|call| !call["ended_at"].is_null()).count();
            if over == count && calls.len() == count {
                return calls.iter().map(|call| self.ask("GET", &format!("/v1/calls/{}", text(call, "id")), "").json).collect();
            }
            assert!(Instant::now() < limit, "not {count} calls over within a minute: {calls:#?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The first and the last port of RTP and RTCP.
    pub(crate) const fn rtp_ports(&self) -> (u16, u16) {
        (self.rtp.first, self.rtp.last)
    }

    /// All that was logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("gateway.log")).unwrap_or_default()
    }

    /// Ends the process as a power cut would, once it has written what `is_written` looks for in its folder or 10 s have passed; what it
    /// leaves there: `store` and the log.
    pub(crate) fn leave_once(mut self, is_written: impl Fn(&Path) -> bool) -> TempDir {
        let limit = Instant::now() + Duration::from_secs(10);
        while !is_written(self.folder.path()) && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill().expect("the gateway runs");
        self.child.wait().expect("a killed process ends");
        let other = tempfile::tempdir().expect("a temporary folder");
        std::mem::replace(&mut self.folder, other)
    }

    /// Resident memory in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = PathBuf::from(format!("/proc/{}/statm", self.child.id()));
        let pages = fs::read_to_string(path).ok().and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
        pages.expect("the process has a memory") * rustix::param::page_size() as u64
    }

    /// Every page of the list of calls.
    fn list(&self) -> Vec<Value> {
        let (mut calls, mut path) = (Vec::new(), "/v1/calls?limit=200".to_owned());
        loop {
            let answer = self.ask("GET", &path, "");
            assert_eq!(answer.status, 200, "{}", answer.body);
            calls.extend(answer.json["items"].as_array().expect("a list").iter().cloned());
            match answer.json["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/calls?limit=200&cursor={cursor}"),
                None => return calls,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the gateway's last lines:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
    }
}

/// A field that is a string.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value:#}"))
}

const SECRET: &str = "a-secret-for-tests-of-thirty-two-bytes-and-more";
