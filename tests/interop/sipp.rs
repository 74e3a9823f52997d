//! Debian's `sip-tester` as caller.

use std::process::Command;
use std::time::Duration;

use crate::support::gateway::Gateway;
use crate::support::{ports, tools};

#[test]
fn sipp_places_200_calls_at_20_a_second_and_none_fails() {
    let Some(sipp) = tools::find("sipp") else { return };
    let gateway = Gateway::start("echo");
    call_200(Command::new(sipp).args(["-sn", "uac", "-d", "3000"]), &gateway);
}

#[test]
fn sipp_places_200_calls_with_sound_and_none_fails() {
    let Some(sipp) = tools::find("sipp") else { return };
    if !rustix::process::geteuid().is_root() {
        return tools::skip("sipp plays sound through a raw socket, which only root may open");
    }
    let gateway = Gateway::start("echo");
    // The scenario names its sound files relative to where sipp runs.
    std::os::unix::fs::symlink("/usr/share/sip-tester", gateway.folder().join("pcap")).expect("a link to the sound files");
    call_200(Command::new(sipp).args(["-sn", "uac_pcap"]), &gateway);
}

fn call_200(sipp: &mut Command, gateway: &Gateway) {
    let (own, errors) = (ports::free_udp(), gateway.folder().join("sipp.errors"));
    sipp.current_dir(gateway.folder())
        .arg(gateway.sip().to_string())
        .args(["-s", "1000", "-i", "127.0.0.1", "-p"])
        .arg(own.port().to_string());
    sipp.args(["-mi", "127.0.0.1", "-mp"]).arg(ports::free_udp().port().to_string());
    sipp.args(["-r", "20", "-m", "200", "-l", "400", "-nostdin", "-timeout", "90", "-timeout_error", "-trace_err", "-error_file"])
        .arg(&errors);
    let output = tools::run(sipp, Duration::from_secs(120));
    let said = String::from_utf8_lossy(&output.stdout);
    let count = |name: &str| -> Option<u64> { said.lines().rfind(|line| line.contains(name))?.rsplit('|').next()?.trim().parse().ok() };
    let errors = std::fs::read_to_string(errors).unwrap_or_default();
    assert_eq!((count("Successful call"), count("Failed call")), (Some(200), Some(0)), "{}\n{errors}", tools::text(&output));
    tools::assert_success("sipp", &output);
    gateway.wait_for_calls("200 calls, all completed", |calls| {
        calls.len() == 200 && calls.iter().all(|call| call["session_status"] == "completed")
    });
}
