//! Trunks, numbers and the switch through REST against the built program: in force at once, over a carrier's socket, and after a restart.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::gateway::Gateway;

const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

#[test]
fn a_trunk_made_by_rest_carries_a_call_within_a_second_stands_after_a_restart_and_is_stopped_within_a_second() {
    let carrier = Carrier(UdpSocket::bind("127.0.0.1:0").expect("a carrier"));
    carrier.0.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
    let target = format!("sip:{}", carrier.0.local_addr().expect("an address"));
    let mut gateway = Gateway::start_over("echo", "", "[outbound]\nenabled = true\n", "");

    let made = Instant::now();
    let trunk = json!({ "name": "carrier", "target": target, "caller_id": "+4930901820", "probe_s": 0 });
    let answer = gateway.send("POST", "/v1/trunks", &trunk.to_string());
    assert_eq!(answer.status, 201, "{}", answer.body);
    let path = format!("/v1/trunks/{}", answer.json["id"].as_str().expect("an identifier"));
    let rules = json!({ "countries": ["DE"], "max_calls": 2, "minutes_per_day": 3, "routes": [{ "prefix": "+", "trunks": ["carrier"] }] });
    let answer = gateway.send("PUT", "/v1/dialling", &rules.to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
    call(&gateway);
    let invite = carrier.receive("INVITE");
    let took = made.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    println!("from the wish for a trunk to its first INVITE: {took:?}");
    assert!(invite.0.starts_with("INVITE sip:+4989123456@"), "{}", invite.0);
    carrier.respond(&invite, "200 OK", ANSWER);
    carrier.receive("ACK");

    // A change leaves the call that is up as it is.
    assert_eq!(gateway.send("PATCH", &path, r#"{"max_calls": 30}"#).status, 200);
    let status = gateway.get(&format!("{path}/status")).json;
    assert_eq!((status["calls"]["outbound"].as_u64(), status["calls"]["max_calls"].as_u64()), (Some(1), Some(30)), "{status:#}");
    assert_eq!(gateway.get("/v1/dialling").json["today"]["active_calls"], 1);

    let off = Instant::now();
    assert_eq!(gateway.send("POST", "/v1/dialling/stop", "").status, 200);
    let bye = carrier.receive("BYE");
    let took = off.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    println!("from the wish to stop to BYE: {took:?}");
    carrier.respond(&bye, "200 OK", "");
    gateway.wait_for_calls("it says why it ended", |calls| {
        calls.iter().any(|call| call["termination"]["area"] == "policy" && call["termination"]["reason"] == "outbound_stopped")
    });

    gateway.kill_hard();
    gateway.restart();
    let rules = gateway.get("/v1/dialling").json;
    assert_eq!((rules["stop"]["stopped"].as_bool(), rules["today"]["minutes"].as_u64()), (Some(true), Some(1)), "{rules:#}");
    assert_eq!(gateway.send("POST", "/v1/calls", r#"{"to": "+4989123456", "agent": "linear"}"#).status, 403);
    assert_eq!(gateway.send("POST", "/v1/dialling/resume", "").status, 200);
    call(&gateway);
    let invite = carrier.receive("INVITE");
    carrier.respond(&invite, "200 OK", ANSWER);
    carrier.receive("ACK");
    // And with the trunk goes the call.
    assert_eq!(gateway.send("DELETE", &path, "").status, 204);
    let bye = carrier.receive("BYE");
    carrier.respond(&bye, "200 OK", "");
    assert_eq!(gateway.get(&path).status, 404);
}

/// Starts a call as soon as the trunk's server is known.
fn call(gateway: &Gateway) {
    let limit = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = gateway.send("POST", "/v1/calls", r#"{"to": "+4989123456", "agent": "linear"}"#);
        if (200..300).contains(&answer.status) {
            return;
        }
        assert!(answer.status == 503 && Instant::now() < limit, "{} {}", answer.status, answer.body);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Somebody who answers by hand.
struct Carrier(UdpSocket);

impl Carrier {
    /// The next request of a method; others are passed over.
    fn receive(&self, method: &str) -> (String, SocketAddr) {
        let limit = Instant::now() + Duration::from_secs(10);
        let mut buffer = vec![0; 4_096];
        while Instant::now() < limit {
            let Ok((length, from)) = self.0.recv_from(&mut buffer) else { continue };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with(method) {
                return (text, from);
            }
        }
        panic!("no {method} within 10 s");
    }

    fn respond(&self, (request, to): &(String, SocketAddr), status: &str, sdp: &str) {
        let kept = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        let (kind, length) = if sdp.is_empty() { ("", 0) } else { ("Content-Type: application/sdp\r\n", sdp.len()) };
        let response = format!(
            "SIP/2.0 {status}\r\n{}\r\n{}\r\n{};tag=t\r\n{}\r\n{}\r\nContact: <sip:{}>\r\n{kind}Content-Length: {length}\r\n\r\n{sdp}",
            kept("Via:"),
            kept("From:"),
            kept("To:").split(";tag").next().unwrap_or_default(),
            kept("Call-ID:"),
            kept("CSeq:"),
            self.0.local_addr().expect("an address"),
        );
        self.0.send_to(response.as_bytes(), to).expect("a response is sent");
    }
}
