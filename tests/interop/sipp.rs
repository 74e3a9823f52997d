//! Debian's `sip-tester` as caller.

use std::process::Command;
use std::time::Duration;

use crate::support::gateway::Gateway;
use crate::support::{ports, tools};

/// 200 at 20 a second with `AURICLE_FULL=1`, 100 at 10 a second otherwise.
#[test]
fn sipp_places_100_calls_with_sound_and_none_fails() {
    let Some(sipp) = tools::find("sipp") else { return };
    let gateway = Gateway::start("echo");
    let mut sipp = Command::new(sipp);
    if rustix::process::geteuid().is_root() {
        // The scenario names its sound files relative to where sipp runs.
        std::os::unix::fs::symlink("/usr/share/sip-tester", gateway.folder().join("pcap")).expect("a link to the sound files");
        sipp.args(["-sn", "uac_pcap"]);
    } else {
        tools::skip("sipp plays sound through a raw socket, which only root may open; its calls are silent");
        sipp.args(["-sn", "uac", "-d", "3000"]);
    }
    let (calls, rate) = if std::env::var_os("AURICLE_FULL").is_some() { (200, "20") } else { (100, "10") };
    call_often(&mut sipp, &gateway, calls, rate);
}

#[test]
fn keys_that_sipp_plays_reach_the_agent_once_each_and_in_order() {
    let Some(sipp) = tools::find("sipp") else { return };
    if !rustix::process::geteuid().is_root() {
        return tools::skip("sipp plays keys through a raw socket, which only root may open");
    }
    let gateway = Gateway::start("echo");
    std::os::unix::fs::symlink("/usr/share/sip-tester", gateway.folder().join("pcap")).expect("a link to the keys");
    let scenario = tools::run(Command::new(&sipp).args(["-sd", "uac_pcap"]), Duration::from_secs(10));
    let play = |key: char| {
        format!("<nop><action><exec play_pcap_audio=\"pcap/dtmf_2833_{key}.pcap\"/></action></nop><pause milliseconds=\"700\"/>")
    };
    // Two seconds of speech, and in the place of one key several.
    let scenario = String::from_utf8_lossy(&scenario.stdout).replace("<pause milliseconds=\"8000\"/>", "<pause milliseconds=\"2000\"/>");
    let (before, after) = scenario.split_once("<!-- Play an out of band DTMF '1'").expect("sipp's own scenario");
    let (_, after) = after.split_once("<pause milliseconds=\"1000\"/>").expect("sipp's own scenario");
    let keys: String = PRESSED.chars().map(play).collect();
    std::fs::write(gateway.folder().join("keys.xml"), format!("{before}{keys}{after}")).expect("the scenario is written");
    let mut sipp = Command::new(sipp);
    sipp.current_dir(gateway.folder()).args(["-sf", "keys.xml", "-m", "1", "-s", "1000", "-i", "127.0.0.1", "-p"]);
    sipp.arg(ports::free_udp().port().to_string()).args(["-mi", "127.0.0.1", "-mp"]).arg(ports::free_udp().port().to_string());
    sipp.args(["-nostdin", "-timeout", "40", "-timeout_error"]).arg(gateway.sip().to_string());
    let output = tools::run(&mut sipp, Duration::from_secs(60));
    tools::assert_success("sipp", &output);
    let received = std::fs::read_to_string(gateway.received_by_agent()).expect("what the agent received");
    let told: String = received.split("pressed the key ").skip(1).filter_map(|rest| rest.chars().next()).collect();
    assert_eq!(told, PRESSED, "{}", gateway.log());
    gateway.wait_for_calls("a call, completed", |calls| calls.len() == 1 && calls[0]["session_status"] == "completed");
    let id = gateway.calls()[0]["id"].as_str().expect("a call's id").to_owned();
    let record = gateway.get(&format!("/v1/calls/{id}")).json;
    let pressed = record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == "key_pressed");
    assert_eq!(pressed.count(), PRESSED.len(), "{record:#}");
}

/// What sipp presses: no key twice, since each is a recording that would come with the same timestamps again.
const PRESSED: &str = "1593720";

fn call_often(sipp: &mut Command, gateway: &Gateway, calls: usize, rate: &str) {
    let (own, errors) = (ports::free_udp(), gateway.folder().join("sipp.errors"));
    sipp.current_dir(gateway.folder())
        .arg(gateway.sip().to_string())
        .args(["-s", "1000", "-i", "127.0.0.1", "-p"])
        .arg(own.port().to_string());
    sipp.args(["-mi", "127.0.0.1", "-mp"]).arg(ports::free_udp().port().to_string());
    sipp.args([
        "-r",
        rate,
        "-m",
        &calls.to_string(),
        "-l",
        "400",
        "-nostdin",
        "-timeout",
        "90",
        "-timeout_error",
        "-trace_err",
        "-error_file",
    ])
    .arg(&errors);
    let output = tools::run(sipp, Duration::from_secs(120));
    let said = String::from_utf8_lossy(&output.stdout);
    let count = |name: &str| -> Option<u64> { said.lines().rfind(|line| line.contains(name))?.rsplit('|').next()?.trim().parse().ok() };
    let errors = std::fs::read_to_string(errors).unwrap_or_default();
    assert_eq!((count("Successful call"), count("Failed call")), (Some(calls as u64), Some(0)), "{}\n{errors}", tools::text(&output));
    tools::assert_success("sipp", &output);
    gateway
        .wait_for_calls("calls, all completed", |all| all.len() == calls && all.iter().all(|call| call["session_status"] == "completed"));
}
