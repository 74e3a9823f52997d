//! Debian's sipp over TCP: many calls, on one connection and on one each.

use std::process::Command;
use std::time::Duration;

use sip::transport::Transport;

use crate::spoken::Spoken;
use crate::support::{ports, tools};

#[test]
fn sipp_places_60_calls_over_one_tcp_connection_and_none_fails() {
    call("t1", 60);
}

#[test]
fn sipp_places_60_calls_over_a_tcp_connection_each_and_none_fails() {
    call("tn", 60);
}

fn call(mode: &str, calls: u32) {
    let Some(sipp) = tools::find("sipp") else { return };
    let spoken = Spoken::start("");
    let errors = spoken.gateway.folder().join("sipp.errors");
    let mut sipp = Command::new(sipp);
    sipp.current_dir(spoken.gateway.folder()).args(["-sn", "uac", "-d", "1000", "-t", mode, "-max_socket", "100"]);
    sipp.arg(spoken.address(Transport::Tcp).to_string()).args(["-s", "1000", "-i", "127.0.0.1", "-p"]);
    sipp.arg(ports::free_tcp().port().to_string()).args(["-mi", "127.0.0.1", "-mp"]).arg(ports::free_udp().port().to_string());
    sipp.args(["-r", "20", "-m", &calls.to_string(), "-nostdin", "-timeout", "40", "-timeout_error", "-trace_err", "-error_file"])
        .arg(&errors);
    let output = tools::run(&mut sipp, Duration::from_secs(60));
    let errors = std::fs::read_to_string(errors).unwrap_or_default();
    assert!(output.status.success(), "{}\n{errors}\n{}", tools::text(&output), spoken.gateway.log());
    spoken.gateway.wait_for_calls("all calls completed", |found| {
        found.len() == calls as usize && found.iter().all(|call| call["session_status"] == "completed")
    });
}
