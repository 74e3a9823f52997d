//! Trunks that only work registered: our client at Kamailio's registrar, by every transport and either digest, kept through refreshes and a
//! registrar that forgets everything.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sip::transport::Transport;

use crate::kamailio::{self, Kamailio};
use crate::spoken::Spoken;
use crate::support::gateway::TRUNK_PASSWORD;
use crate::support::{ports, tools};

#[test]
fn a_trunk_registers_is_refreshed_and_called_by_its_registration_over_udp_tcp_and_tls() {
    let (Some(program), Some(sipp)) = (tools::find("kamailio"), tools::find("sipp")) else { return };
    if !kamailio::has_tls() {
        return;
    }
    for (transport, algorithm) in [(Transport::Udp, "MD5"), (Transport::Tcp, "SHA-256"), (Transport::Tls, "SHA-256")] {
        let mut registrar = None;
        let start = |authority: &Path| {
            let started = Kamailio::start(&program, authority, &configuration(algorithm));
            let sections = trunk(&started, transport, "kamailio.test");
            registrar = Some(started);
            sections
        };
        let spoken = Spoken::start_after(start, "");
        let registrar = registrar.expect("it was started");
        // Ten seconds are granted, so each refresh is due in less.
        wait_for(&registrar, "REGISTERED", 3, Duration::from_secs(40), &spoken);
        let log = registrar.log();
        let proofs = log.lines().filter(|line| line.contains("REGISTERED") && line.contains(&format!("algorithm={algorithm}"))).count();
        assert!(proofs >= 3, "{transport:?}: other digests than {algorithm}\n{log}");
        let mut call = Command::new(&sipp);
        call.current_dir(spoken.gateway.folder()).args(["-sn", "uac", "-m", "1", "-d", "500", "-s", "auricle", "-i", "127.0.0.1"]);
        call.args(["-p", &ports::free_udp().port().to_string(), "-mi", "127.0.0.1", "-nostdin", "-timeout", "20", "-timeout_error"]);
        let output = tools::run(call.arg(registrar.udp.to_string()), Duration::from_secs(30));
        assert!(output.status.success(), "{transport:?}\n{}\n{}\n{}", tools::text(&output), registrar.log(), spoken.gateway.log());
        spoken.gateway.wait_for_calls("the call that came by the registration", |calls| {
            calls.iter().any(|call| call["session_status"] == "completed")
        });
    }
}

#[test]
fn a_registrar_that_was_away_and_has_forgotten_us_knows_us_again() {
    let Some(program) = tools::find("kamailio") else { return };
    if !kamailio::has_tls() {
        return;
    }
    let mut registrar = None;
    let start = |authority: &Path| {
        let started = Kamailio::start(&program, authority, &configuration("MD5"));
        let sections = trunk(&started, Transport::Udp, "kamailio.test");
        registrar = Some(started);
        sections
    };
    let spoken = Spoken::start_after(start, "");
    let before = registrar.expect("it was started");
    wait_for(&before, "REGISTERED", 1, Duration::from_secs(20), &spoken);
    let addresses = (before.udp, before.tcp, before.tls);
    drop(before);
    // Long enough for a refresh that nobody hears.
    std::thread::sleep(Duration::from_secs(10));
    let again = Kamailio::start_at(&program, &spoken.authority, &configuration("MD5"), addresses);
    wait_for(&again, "REGISTERED", 2, Duration::from_secs(60), &spoken);
}

#[test]
fn a_registrar_of_another_realm_gets_no_credentials() {
    let Some(program) = tools::find("kamailio") else { return };
    if !kamailio::has_tls() {
        return;
    }
    let mut registrar = None;
    let start = |authority: &Path| {
        let started = Kamailio::start(&program, authority, &configuration("MD5"));
        let sections = trunk(&started, Transport::Udp, "another.test");
        registrar = Some(started);
        sections
    };
    let spoken = Spoken::start_after(start, "");
    let registrar = registrar.expect("it was started");
    wait_for(&registrar, "ASKED", 1, Duration::from_secs(20), &spoken);
    std::thread::sleep(Duration::from_secs(3));
    let log = registrar.log();
    assert!(!log.contains("CREDENTIALS") && !log.contains("REGISTERED"), "{log}");
}

/// Waits until a word stands in the registrar's log so many times.
fn wait_for(registrar: &Kamailio, word: &str, times: usize, patience: Duration, spoken: &Spoken) {
    let limit = Instant::now() + patience;
    while registrar.log().matches(word).count() < times {
        assert!(Instant::now() < limit, "not {times} times {word}\n{}\n{}", registrar.log(), spoken.gateway.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn trunk(registrar: &Kamailio, transport: Transport, realm: &str) -> String {
    let address = match transport {
        Transport::Tcp => registrar.tcp,
        Transport::Tls => registrar.tls,
        _ => registrar.udp,
    };
    format!(
        "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\ntarget = \"sip:{address};transport={}\"\nrealm = \"{realm}\"\nusername = \"auricle\"\n\
         password_env = \"AURICLE_TEST_TRUNK_PASSWORD\"\nregister = true\nprobe_s = 0\n[numbers.default]\nagent = \"linear\"\n",
        transport.uri_name()
    )
}

fn configuration(algorithm: &str) -> String {
    CONFIGURATION.replace("ALGORITHM", algorithm).replace("PASSWORD", TRUNK_PASSWORD)
}

const CONFIGURATION: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=2
auto_aliases=no
enable_tls=yes
LISTEN
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("tls", "config", "TLS_CFG")
modparam("auth", "algorithm", "ALGORITHM")
modparam("registrar", "max_expires", 10)
modparam("registrar", "min_expires", 1)
request_route {
    if (is_method("REGISTER")) {
        if ($hdr(Authorization) != $null) { xlog("L_ERR", "CREDENTIALS $hdr(Authorization)
"); }
        if (!pv_www_authenticate("kamailio.test", "PASSWORD", "0")) {
            xlog("L_ERR", "ASKED
");
            www_challenge("kamailio.test", "1");
            exit;
        }
        xlog("L_ERR", "REGISTERED $ct $hdr(Authorization)
");
        save("location");
        exit;
    }
    if (is_method("ACK|BYE|INVITE|CANCEL")) {
        if (!lookup("location")) { sl_send_reply("404", "Not here"); exit; }
        t_relay();
        exit;
    }
    sl_send_reply("200", "OK");
}
"#;
