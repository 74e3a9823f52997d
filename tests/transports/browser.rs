//! JsSIP, the SIP client that browsers run, over secure WebSocket.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sip::transport::Transport;

use crate::spoken::Spoken;
use crate::support::{ports, tools};

#[test]
fn jssip_calls_over_secure_websocket_and_hangs_up() {
    let Some(node) = tools::find("node") else { return };
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node/node_modules");
    if !modules.join("jssip").is_dir() {
        return tools::skip("JsSIP is not installed (make test does it)");
    }
    let spoken = Spoken::start("");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transports/jssip.js");
    let mut command = Command::new(node);
    command.arg(script).arg(format!("wss://localhost:{}/", spoken.address(Transport::Wss).port())).arg("sip:1000@127.0.0.1");
    command.arg(ports::free_udp().port().to_string()).env("NODE_EXTRA_CA_CERTS", &spoken.authority).env("NODE_PATH", modules);
    let output = tools::run(&mut command, Duration::from_secs(30));
    let said = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = said.lines().filter(|line| *line != "progress").collect();
    assert_eq!(
        words,
        ["connected", "accepted 200", "confirmed", "ended local", "options"],
        "{}\n{}",
        tools::text(&output),
        spoken.gateway.log()
    );
    spoken.gateway.wait_for_calls("a call, completed", |calls| calls.len() == 1 && calls[0]["session_status"] == "completed");
}
