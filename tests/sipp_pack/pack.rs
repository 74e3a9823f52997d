//! Runs scenarios of sipp against a gateway of their own.

use std::net::SocketAddr;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::json;
use sip::transport::Transport;

use crate::scenario::Scenario;
use crate::support::gateway::Gateway;
use crate::support::{ports, tools};

/// A port for sipp's audio. It takes the second one behind as well, for the video that nobody sends.
pub(crate) fn media_port() -> u16 {
    let rows = std::iter::repeat_with(|| [(); 3].map(|()| ports::free_udp().port()));
    let [first, ..] = { rows }.find(|[first, _, last]| *last == first + 2).expect("three free ports in a row");
    first
}

/// A gateway that speaks UDP and TCP, and calls out to whom it is told on this machine.
pub(crate) struct Pack {
    pub(crate) gateway: Gateway,
    tcp: SocketAddr,
    sipp: std::path::PathBuf,
}

impl Pack {
    /// `None` without sipp. With more lines in `[sip]`, and more sections.
    pub(crate) fn start(sip_lines: &str, sections: &str) -> Option<Self> {
        let sipp = tools::find("sipp")?;
        let tcp = ports::free_tcp();
        let sip_lines = format!("listeners = [\"tcp:{tcp}\"]\n{sip_lines}");
        let gateway = Gateway::start_over("echo", &sip_lines, &format!("[outbound]\nenabled = true\n{sections}\n"), "");
        Some(Self { gateway, tcp, sipp })
    }

    /// Runs it to its end, over one transport.
    pub(crate) fn run(&self, transport: Transport, scenario: &Scenario) {
        self.run_while(transport, scenario, |_| {});
    }

    /// The same, and does something meanwhile.
    pub(crate) fn run_while(&self, transport: Transport, scenario: &Scenario, act: impl FnOnce(&Gateway)) {
        let own = if transport == Transport::Tcp { ports::free_tcp() } else { ports::free_udp() };
        let file = self.gateway.folder().join(format!("{}.xml", scenario.name()));
        std::fs::write(&file, scenario.xml()).expect("the scenario is written");
        let errors = self.gateway.folder().join(format!("{}.errors", scenario.name()));
        let messages = self.gateway.folder().join(format!("{}.messages", scenario.name()));
        let to = if transport == Transport::Tcp { self.tcp } else { self.gateway.sip() };
        let mut sipp = Command::new(&self.sipp);
        sipp.current_dir(self.gateway.folder()).arg("-sf").arg(&file).args(["-t", if transport == Transport::Tcp { "t1" } else { "u1" }]);
        sipp.args(["-s", "1000", "-i", "127.0.0.1", "-p", &own.port().to_string(), "-mi", "127.0.0.1"]);
        sipp.args(["-mp", &media_port().to_string(), "-m", "1", "-nostdin", "-timeout", "100", "-timeout_error"]);
        sipp.arg("-trace_err").arg("-error_file").arg(&errors).arg("-trace_msg").arg("-message_file").arg(&messages);
        sipp.arg(to.to_string());
        let running = std::thread::spawn(move || tools::run(&mut sipp, Duration::from_secs(110)));
        if scenario.is_callee() {
            self.call(transport, own);
        }
        act(&self.gateway);
        let output = running.join().unwrap_or_else(|_| panic!("sipp did not end: {transport:?} {}", scenario.name()));
        let read = |file| std::fs::read_to_string(file).unwrap_or_default();
        self.judge(&output, &format!("{transport:?} {}\n{}\n{}", scenario.name(), read(&errors), read(&messages)));
    }

    /// Has the gateway call sipp, once that listens.
    fn call(&self, transport: Transport, own: SocketAddr) {
        wait_until_bound(transport, own);
        let to = format!("sip:sipp@{own};transport={}", transport.uri_name());
        let answer = self.gateway.send("POST", "/v1/calls", &json!({ "to": to, "agent": "linear" }).to_string());
        assert!((200..300).contains(&answer.status), "{} {}\n{}", answer.status, answer.body, self.gateway.log());
    }

    fn judge(&self, output: &Output, context: &str) {
        assert_eq!(output.status.code(), Some(0), "{context}\n{}", self.gateway.log());
    }
}

/// Until somebody has the port.
fn wait_until_bound(transport: Transport, own: SocketAddr) {
    let table = if transport == Transport::Tcp { "/proc/net/tcp" } else { "/proc/net/udp" };
    let (place, limit) = (format!(":{:04X} ", own.port()), Instant::now() + Duration::from_secs(20));
    let is_bound = || {
        let rows = std::fs::read_to_string(table).unwrap_or_default();
        rows.lines().skip(1).any(|row| row.split_once(": ").is_some_and(|(_, rest)| rest.get(8..14) == Some(&place)))
    };
    while !is_bound() {
        assert!(Instant::now() < limit, "sipp does not listen at {own}");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It has its socket, and begins to read from it.
    std::thread::sleep(Duration::from_millis(100));
}

/// A scenario over UDP and TCP, against a gateway with the usual settings.
pub(crate) fn over_both(scenario: impl Fn() -> Scenario) {
    over_both_while(scenario, |_| {});
}

/// The same, and does something while it runs.
pub(crate) fn over_both_while(scenario: impl Fn() -> Scenario, act: impl Fn(&Gateway)) {
    let Some(pack) = Pack::start("", "") else { return };
    for transport in [Transport::Udp, Transport::Tcp] {
        pack.run_while(transport, &scenario(), &act);
    }
}

/// Waits until a call is up, and hangs it up by REST.
pub(crate) fn hang_up(gateway: &Gateway) {
    gateway.wait_for_calls("a call is up", |calls| calls.iter().any(|call| call["session_status"] == "running"));
    std::thread::sleep(Duration::from_millis(300));
    end(gateway);
}

/// Ends every call that is not over.
pub(crate) fn end(gateway: &Gateway) {
    for call in gateway.calls().iter().filter(|call| call["ended_at"].is_null()) {
        let answer = gateway.ask("DELETE", &format!("/v1/calls/{}", call["id"].as_str().expect("an id")));
        assert!(answer.status < 500, "{} {}", answer.status, answer.body);
    }
}
