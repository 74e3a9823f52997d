//! A gateway and an agent of one's own: the built program, on free ports, gone when dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Answer};
use super::ports::{self, RtpRange};

/// A running `auricle serve`, with the numbers 1000 (24 kHz) and 1001 (μ-law passed through) to one simulator.
pub(crate) struct Gateway {
    child: Child,
    agent: Agent,
    folder: TempDir,
    sip: SocketAddr,
    http: SocketAddr,
    _rtp: RtpRange,
    /// One gateway at a time: real callers and their clocks suffer from a second one on a machine of two cores.
    _alone: MutexGuard<'static, ()>,
}

impl Gateway {
    /// Starts an agent with `behaviour` and a gateway in front of it, and waits until it is healthy.
    pub(crate) fn start(behaviour: &str) -> Self {
        Self::start_with(behaviour, "")
    }

    /// As [`Self::start`], with more lines in the section `[rtp]`.
    pub(crate) fn start_with(behaviour: &str, rtp_lines: &str) -> Self {
        Self::start_over(behaviour, "", "", rtp_lines)
    }

    /// As [`Self::start_with`], with more lines in the section `[sip]`, and more sections, in which `{own}` stands for where SIP is.
    pub(crate) fn start_over(behaviour: &str, sip_lines: &str, sections: &str, rtp_lines: &str) -> Self {
        Self::start_changed(behaviour, sip_lines, sections, rtp_lines, |configuration| configuration)
    }

    /// As [`Self::start_over`], with the configuration changed once it is whole.
    pub(crate) fn start_changed(
        behaviour: &str,
        sip_lines: &str,
        sections: &str,
        rtp_lines: &str,
        change: impl FnOnce(String) -> String,
    ) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let agent = Agent::start(behaviour, folder.path());
        let (sip, http, rtp) = (ports::free_udp(), ports::free_tcp(), RtpRange::take());
        let sections = sections.replace("{own}", &sip.to_string());
        let configuration =
            configuration(sip, http, &rtp, folder.path(), agent.address).replace("[calls]", &format!("{rtp_lines}\n{sections}\n[calls]"));
        let configuration = configuration.replace("\n[rtp]", &format!("{sip_lines}\n[rtp]"));
        fs::write(folder.path().join("gateway.toml"), change(configuration)).expect("the configuration is written");
        let child = serve(folder.path());
        let mut gateway = Self { child, agent, folder, sip, http, _rtp: rtp, _alone: alone };
        gateway.wait_for_health();
        gateway
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// `host:port` that SIP listens on.
    pub(crate) fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// `host:port` that REST listens on.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// The SIP URI of `number` at this gateway.
    pub(crate) fn uri(&self, number: &str) -> String {
        format!("sip:{number}@{}", self.sip)
    }

    /// For files of the test.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What callers said, as the agent received it: one file for each call in which it heard anything.
    pub(crate) fn heard_by_agent(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.agent.dump).expect("the agent's dump folder");
        let spoken = |entry: &fs::DirEntry| entry.metadata().is_ok_and(|file| file.len() > 0);
        let mut found: Vec<PathBuf> = entries.flatten().filter(spoken).map(|entry| entry.path()).collect();
        found.sort();
        found
    }

    /// Every message that the agent received, one JSON line each.
    pub(crate) fn received_by_agent(&self) -> PathBuf {
        self.folder().join("received.jsonl")
    }

    /// Asks the REST interface.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path)
    }

    /// Asks the REST interface for something to be done.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(method, path, "")
    }

    /// The same with a body.
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        http::request(self.http, method, path, SECRET, body).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// What stands at a path of the REST interface, as it came.
    pub(crate) fn download(&self, path: &str) -> Vec<u8> {
        let (status, octets) = http::exchange(self.http, "GET", path, SECRET, "").unwrap_or_else(|| panic!("no answer to GET {path}"));
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&octets));
        octets
    }

    /// Tells the REST interface something.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        http::request(self.http, "POST", path, SECRET, body).unwrap_or_else(|| panic!("no answer to POST {path}"))
    }

    /// Every call record that the REST interface lists.
    pub(crate) fn calls(&self) -> Vec<Value> {
        let answer = self.get("/v1/calls?limit=200");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let list = answer.json.get("items").or_else(|| answer.json.get("calls")).unwrap_or(&answer.json);
        list.as_array().unwrap_or_else(|| panic!("a list of calls, not {}", answer.body)).clone()
    }

    /// Waits until `fact` holds of the calls.
    pub(crate) fn wait_for_calls(&self, what: &str, fact: impl Fn(&[Value]) -> bool) {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            let calls = self.calls();
            if fact(&calls) {
                return;
            }
            assert!(Instant::now() < limit, "not within a minute: {what}; the calls are {calls:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// SIGTERM: stop in good order.
    pub(crate) fn ask_to_stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the gateway runs");
    }

    /// Waits until the process has ended by itself.
    pub(crate) fn wait_for_end(&mut self, limit: Duration) -> std::process::ExitStatus {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().expect("the gateway is ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "not ended within {limit:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGKILL: no shutdown, no flush.
    pub(crate) fn kill_hard(&mut self) {
        self.child.kill().expect("the gateway runs");
        self.child.wait().expect("a killed process ends");
    }

    /// Starts it anew on the same configuration and store.
    pub(crate) fn restart(&mut self) {
        self.child = serve(self.folder.path());
        self.wait_for_health();
    }

    /// Runs the built-in phone against this gateway: its exit status and its JSON.
    pub(crate) fn phone(&self, arguments: &[&str], seconds: u64) -> (bool, Value) {
        let mut command = Command::new(PROGRAM);
        command.arg("call").args(arguments).args(["--seconds", &seconds.to_string()]);
        let output = super::tools::run(&mut command, Duration::from_secs(seconds + 20));
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", super::tools::text(&output)));
        (output.status.success(), json)
    }

    fn wait_for_health(&mut self) {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("the gateway can be asked") {
                panic!("the gateway ended at its start: {status}\n{}", self.log());
            }
            if http::request(self.http, "GET", "/health", SECRET, "").is_some_and(|answer| answer.status == 200) {
                return;
            }
            assert!(Instant::now() < limit, "the gateway is not healthy within a minute\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The last lines of its log.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("gateway.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the gateway's last lines:\n{}", self.log());
        }
    }
}

/// A running `auricle agent-simulator`.
struct Agent {
    child: Child,
    address: SocketAddr,
    dump: PathBuf,
}

impl Agent {
    fn start(behaviour: &str, folder: &Path) -> Self {
        let address = ports::free_tcp();
        let dump = folder.join("heard");
        fs::create_dir_all(&dump).expect("the dump folder");
        let log = fs::File::create(folder.join("agent.log")).expect("the agent's log");
        let mut command = Command::new(PROGRAM);
        command.args(["agent-simulator", "--listen", &address.to_string(), "--behaviour", behaviour, "--dump-audio"]).arg(&dump);
        command.arg("--log-received").arg(folder.join("received.jsonl"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the built program starts");
        let agent = Self { child, address, dump };
        let limit = Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(
                Instant::now() < limit,
                "the agent simulator does not listen\n{}",
                fs::read_to_string(folder.join("agent.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn serve(folder: &Path) -> Child {
    let log = fs::File::create(folder.join("gateway.log")).expect("the gateway's log");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--config"]).arg(folder.join("gateway.toml")).env("AURICLE__HTTP__ADMIN_SECRET", SECRET);
    command.env("AURICLE__WEBRTC__TURN_SECRET", TURN_SECRET);
    command.env("AURICLE_TEST_TRUNK_PASSWORD", TRUNK_PASSWORD);
    let output = log.try_clone().expect("the log once more");
    command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().expect("the built program starts")
}

fn configuration(sip: SocketAddr, http: SocketAddr, rtp: &RtpRange, folder: &Path, agent: SocketAddr) -> String {
    format!(
        r#"
[sip]
listen = "{sip}"
max_calls_per_second = 0

[rtp]
address = "127.0.0.1"
port_min = {first}
port_max = {last}

[calls]
max_concurrent = 400
expected_calls_per_second = 20
expected_call_length_s = 10

[http]
listen = "{http}"
api_requests_per_minute = 1000000

[store]
path = "{store}"

[log]
level = "info"
format = "text"

[agents.linear]
url = "ws://{agent}/"
format = "pcm24k"

[agents.ulaw]
url = "ws://{agent}/"
format = "pcmu"

[numbers.1000]
agent = "linear"

[numbers.1001]
agent = "ulaw"
"#,
        first = rtp.first,
        last = rtp.last,
        store = folder.join("store").display(),
    )
}

static ALONE: Mutex<()> = Mutex::new(());
/// The built program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_auricle");
/// What trunks of tests prove themselves with: `AURICLE_TEST_TRUNK_PASSWORD`.
pub(crate) const TRUNK_PASSWORD: &str = "zanzibar";
/// What the gateway shares with TURN servers, where a test has one.
pub(crate) const TURN_SECRET: &str = "a-secret-shared-with-the-turn-server-of-tests";
/// The admin secret.
pub(crate) const SECRET: &str = "a-secret-for-tests-of-thirty-two-bytes-and-more";
