//! The signalling of real calls, while they run and after they have ended, and its capture read by tcpdump.

use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::gateway::Gateway;
use crate::support::{sound, tools};

/// What the ladder of the only call says once it satisfies `fact`.
fn ladder(gateway: &Gateway, id: &str, fact: impl Fn(&Value) -> bool) -> Value {
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = gateway.get(&format!("/v1/calls/{id}/ladder"));
        if answer.status == 200 && fact(&answer.json) {
            return answer.json;
        }
        assert!(Instant::now() < limit, "{} {}", answer.status, answer.body);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `INVITE`, `100`, … as they are labelled, with the direction of each.
fn labels(ladder: &Value) -> Vec<String> {
    let label = |message: &Value| match (message["method"].as_str(), message["status"].as_u64()) {
        (Some(method), _) => format!("{} {method}", message["direction"].as_str().unwrap_or("?")),
        (None, status) => format!("{} {}", message["direction"].as_str().unwrap_or("?"), status.unwrap_or_default()),
    };
    ladder["messages"].as_array().expect("messages").iter().filter(|message| message["repeated"] == false).map(label).collect()
}

#[test]
fn a_calls_messages_are_all_there_in_mid_call_and_afterwards_and_tcpdump_reads_them() {
    let gateway = Gateway::start("echo");
    let (played, recorded) = (gateway.folder().join("in.wav"), gateway.folder().join("out.wav"));
    sound::write(&played, &vec![1_000; 16_000]);
    let arguments = ["--to", &gateway.uri("1000"), "--play", &played.display().to_string(), "--record", &recorded.display().to_string()];
    let arguments = arguments.map(str::to_owned);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| gateway.phone(&arguments.each_ref().map(String::as_str), 3));
        gateway.wait_for_calls("one call", |calls| calls.len() == 1);
        let id = gateway.calls()[0]["id"].as_str().expect("an id").to_owned();
        let running = ladder(&gateway, &id, |ladder| labels(ladder).contains(&"received ACK".to_owned()));
        assert_eq!(running["running"], true);
        call.join().expect("the phone ends");
        let over = ladder(&gateway, &id, |ladder| ladder["running"] == false);
        let labels = labels(&over);
        let expected = ["received INVITE", "sent 200", "received ACK"];
        assert!(expected.iter().all(|label| labels.iter().any(|found| found == label)), "{labels:?}");
        assert!(labels.iter().any(|label| label.ends_with("BYE")), "{labels:?}");
        read_by_tcpdump(&gateway, &id, over["messages"].as_array().expect("messages").len());
    });
}

fn read_by_tcpdump(gateway: &Gateway, id: &str, messages: usize) {
    let Some(tcpdump) = tools::find("tcpdump") else { return };
    let file = gateway.folder().join("ladder.pcap");
    std::fs::write(&file, gateway.download(&format!("/v1/calls/{id}/ladder?format=pcap"))).expect("the capture is written");
    let output = tools::run(Command::new(tcpdump).args(["-nn", "-vv", "-A", "-r"]).arg(&file), Duration::from_secs(10));
    tools::assert_success("tcpdump", &output);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches("udp sum ok").count(), messages, "{text}");
    assert!(!text.contains("bad cksum") && text.contains("INVITE sip:1000@"), "{text}");
}

#[test]
fn a_call_of_ours_that_is_refused_has_a_ladder_that_shows_why() {
    let gateway = Gateway::start("echo");
    let callee = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    callee.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let to = format!("sip:someone@{}", callee.local_addr().expect("an address"));
    let started = gateway.post("/v1/calls", &format!(r#"{{"to": "{to}", "agent": "linear"}}"#));
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.json["id"].as_str().expect("an id").to_owned();
    let mut datagram = [0; 8192];
    let (length, from) = callee.recv_from(&mut datagram).expect("the INVITE");
    let invite = String::from_utf8_lossy(&datagram[..length]).into_owned();
    let kept: String = invite
        .lines()
        .filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)))
        .fold(String::new(), |kept, line| kept + line + if line.starts_with("To:") { ";tag=no\r\n" } else { "\r\n" });
    callee.send_to(format!("SIP/2.0 486 Busy Here\r\n{kept}Content-Length: 0\r\n\r\n").as_bytes(), from).expect("it is refused");
    let over = ladder(&gateway, &id, |ladder| ladder["running"] == false);
    assert_eq!(labels(&over), ["sent INVITE", "received 486", "sent ACK"]);
    let text = gateway.get(&format!("/v1/calls/{id}/ladder?format=text")).body;
    assert!(text.contains("486 Busy Here") && text.contains(&format!("INVITE {to} SIP/2.0")), "{text}");
}
