//! Real browsers over networks that are not the best. What a page does stands in `chromium.mjs` and `firefox.mjs`, the network in
//! `line.mjs`: it ends at 127.0.0.2, where the gateway says that it is, and datagrams get no further than a test lets them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::gateway::{Gateway, SECRET, TURN_SECRET};
use crate::support::ports::{self, RtpRange};
use crate::support::{sound, tools};

#[test]
fn where_no_udp_gets_out_a_call_goes_over_tcp() {
    let Some(browser) = Browser::found() else { return };
    let (gateway, ports) = behind_a_line();
    chromium(&browser, &gateway, "tcp", &ports);
    assert_ended(&gateway, "completed", "hung_up");
}

#[test]
fn where_only_a_relay_gets_out_a_call_goes_through_coturn_with_credentials_of_the_gateway() {
    let Some(browser) = Browser::found() else { return };
    let Some(turnserver) = tools::find("turnserver") else { return };
    let relay = Relay::start(turnserver);
    let sections = format!("[webrtc]\nice_servers = [\"turn:{0}?transport=udp\", \"turn:{0}?transport=tcp\"]\n", relay.address);
    let gateway = Gateway::start_over("echo", "", &sections, "");
    chromium(&browser, &gateway, "turn", "");
    assert_ended(&gateway, "completed", "hung_up");
}

#[test]
fn a_browser_that_changes_networks_starts_ice_anew_and_keeps_its_call() {
    let Some(browser) = Browser::found() else { return };
    let (gateway, ports) = behind_a_line();
    chromium(&browser, &gateway, "change", &ports);
    assert_ended(&gateway, "completed", "hung_up");
}

#[test]
fn five_seconds_without_a_network_are_survived_and_half_a_minute_ends_the_call_with_its_reason() {
    let Some(browser) = Browser::found() else { return };
    let (gateway, ports) = behind_a_line();
    chromium(&browser, &gateway, "outage", &ports);
    assert_ended(&gateway, "failed", "consent_lost");
}

#[test]
fn firefox_calls_and_hears_its_own_tone() {
    let Some(browser) = Browser::firefox() else { return };
    let gateway = Gateway::start("echo");
    let mut command = Command::new(&browser.node);
    command.arg("tests/webrtc/firefox.mjs").env("SECRET", SECRET).env("FOLDER", gateway.folder());
    let output = tools::run(browser.at(&gateway, &mut command), Duration::from_secs(240));
    println!("{}", tools::text(&output));
    tools::assert_success("firefox", &output);
    assert_ended(&gateway, "completed", "hung_up");
}

/// A gateway that is reached through `line.mjs` only, and its media ports.
fn behind_a_line() -> (Gateway, String) {
    // The first of it is taken over TCP, which marks the range.
    let first = RtpRange::take().first + 2;
    let gateway = Gateway::start_over("echo", "", &format!("[webrtc]\nport = {first}\nadvertised = [\"127.0.0.2\"]\n"), "");
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u16;
    let ports: Vec<String> = (first..first + threads).map(|port| port.to_string()).collect();
    (gateway, ports.join(","))
}

fn chromium(browser: &Browser, gateway: &Gateway, scenario: &str, ports: &str) {
    let tone = gateway.folder().join("tone.wav");
    let samples: Vec<i16> = (0..8_000).map(|n| (8_000.0 * (f64::from(n) * HZ * std::f64::consts::TAU / 8_000.0).sin()) as i16).collect();
    sound::write_at(&tone, &samples, 48_000);
    let mut command = Command::new(&browser.node);
    command.args(["tests/webrtc/chromium.mjs", scenario]).env("SECRET", SECRET).env("TONE", &tone).env("HZ", HZ.to_string());
    command.env("PORTS", ports);
    let output = tools::run(browser.at(gateway, &mut command), Duration::from_secs(240));
    println!("{}", tools::text(&output));
    assert!(output.status.success(), "{scenario}: {}\n{}", tools::text(&output), gateway.log());
}

/// One call, and how it ended.
fn assert_ended(gateway: &Gateway, status: &str, reason: &str) {
    gateway.wait_for_calls("over", |calls| calls.len() == 1 && calls.iter().all(|call| call["call_status"] == "completed"));
    let id = gateway.calls()[0]["id"].as_str().expect("an id").to_owned();
    let whole: Value = gateway.get(&format!("/v1/calls/{id}")).json;
    assert_eq!((&whole["session_status"], &whole["termination"]["reason"]), (&json!(status), &json!(reason)), "{whole:#}");
}

/// A running coturn.
struct Relay {
    child: Child,
    address: SocketAddr,
}

impl Relay {
    fn start(program: PathBuf) -> Self {
        let address = ports::free_tcp();
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        let mut command = Command::new(program);
        command.args([
            "-n",
            "--listening-ip",
            &ip,
            "--listening-port",
            &port,
            "--relay-ip",
            &ip,
            "--min-port",
            "49200",
            "--max-port",
            "49300",
        ]);
        command.args(["--use-auth-secret", "--static-auth-secret", TURN_SECRET, "--realm", "auricle.test", "--allow-loopback-peers"]);
        command.args(["--no-cli", "--no-tls", "--no-dtls", "--no-multicast-peers", "--log-file", "stdout", "--pidfile", "/dev/null"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("coturn starts");
        let relay = Self { child, address };
        let limit = std::time::Instant::now() + Duration::from_secs(60);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(std::time::Instant::now() < limit, "coturn does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        relay
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What Chromium's microphone hears: whole periods in a second, so that the file can be played round and round.
const HZ: f64 = 700.0;
