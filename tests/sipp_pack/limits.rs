//! How many calls are taken: a full trunk and a full tenant are busy (486), too many new calls at once are for later (480), and the gateway
//! alone says 503, which carriers take for the whole of it, with Retry-After.

use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::time::Duration;

use crate::flow::{Flow, Sipp, has_header, lacks_header, sdp};
use crate::pack::end;
use crate::support::gateway::Gateway;
use crate::support::http::Answer;

#[test]
fn a_trunk_that_has_its_calls_is_busy_until_one_ends() {
    let pbx = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\nmax_calls = 2\n";
    let gateway = Gateway::start_over("echo", "", pbx, "");
    assert_full_at_two(&gateway, "486", "busy");
}

#[test]
fn a_tenant_that_has_its_calls_is_busy_by_whichever_trunk() {
    let tenant = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\n[tenants.org_default]\nmax_calls_in = 2\n";
    let gateway = Gateway::start_over("echo", "", tenant, "");
    assert_full_at_two(&gateway, "486", "busy");
}

#[test]
fn a_gateway_that_is_full_says_when_to_come_again() {
    let narrow = |configuration: String| configuration.replace("max_concurrent = 400", "max_concurrent = 2");
    let gateway = Gateway::start_changed("echo", "", "", "", narrow);
    assert_full_at_two(&gateway, "503", "unavailable");
}

#[test]
fn too_many_new_calls_of_a_trunk_are_for_later() {
    let pbx = "[trunks.pbx]\naddresses = [\"127.0.0.1\"]\nmax_calls_per_second = 1\n";
    let gateway = Gateway::start_over("echo", "", pbx, "");
    assert_too_fast(&gateway, "480", "temporarily_unavailable");
}

#[test]
fn too_many_new_calls_of_a_tenant_are_for_later() {
    let tenant = "[tenants.org_default]\nmax_calls_in_per_second = 1\n";
    let gateway = Gateway::start_over("echo", "", tenant, "");
    assert_too_fast(&gateway, "480", "temporarily_unavailable");
}

#[test]
fn too_many_new_calls_of_everybody_are_told_when_to_come_again() {
    let slow = |configuration: String| configuration.replace("max_calls_per_second = 0", "max_calls_per_second = 1");
    let gateway = Gateway::start_changed("echo", "", "", "", slow);
    assert_too_fast(&gateway, "503", "unavailable");
}

/// Two calls are up; more are refused, leave no record, and are taken once there is room again.
fn assert_full_at_two(gateway: &Gateway, status: &str, counted_as: &str) {
    let up = |name: &str| Flow::up().hung_up().start(name, gateway, "1000");
    let Some(first) = up("first") else { return };
    let Some(second) = up("second") else { return };
    gateway.wait_for_calls("two calls are up", |calls| calls.iter().filter(|call| call["session_status"] == "running").count() == 2);
    for name in ["third", "fourth"] {
        refused(status).start(name, gateway, "1000").expect("sipp").finish(gateway);
    }
    assert_eq!(gateway.calls().len(), 2, "who is refused leaves no record");
    assert!(counts(&gateway.get("/metrics"), counted_as, 2), "{}", gateway.get("/metrics").body);
    end(gateway);
    [first, second].into_iter().for_each(|sipp: Sipp| sipp.finish(gateway));
    gateway.wait_for_calls("both are over", |calls| calls.iter().all(|call| !call["ended_at"].is_null()));
    Flow::up().bye().start("fifth", gateway, "1000").expect("sipp").finish(gateway);
}

/// Of ten calls at once one is taken, or two where the machine makes a second of the instant; a second later the next one is.
fn assert_too_fast(gateway: &Gateway, status: &str, counted_as: &str) {
    let (taken, refusals) = invite_ten(gateway);
    assert!((1..=2).contains(&taken) && refusals.len() == 10 - taken, "{taken} taken, {refusals:?}");
    for refusal in &refusals {
        assert!(refusal.starts_with(&format!("SIP/2.0 {status} ")), "{refusal}");
        // For the whole gateway it says when to come again, and for that alone.
        assert_eq!(refusal.contains("\r\nRetry-After:"), status == "503", "{refusal}");
    }
    gateway.wait_for_calls("who is taken is recorded, and who is refused is not", |calls| calls.len() == taken);
    assert!(counts(&gateway.get("/metrics"), counted_as, refusals.len()), "{}", gateway.get("/metrics").body);
    end(gateway);
    std::thread::sleep(Duration::from_millis(1_100));
    let Some(third) = Flow::up().bye().start("third", gateway, "1000") else { return };
    third.finish(gateway);
}

/// Ten INVITEs back to back; how many are taken, and what the others are told.
fn invite_ten(gateway: &Gateway) -> (usize, Vec<String>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    let (own, to) = (socket.local_addr().expect("an address"), gateway.sip());
    let sdp = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
    let request = |method: &str, branch: &str, number: usize, tag: &str, body: &str| {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:1000@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-{branch}-{number};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:x@{own}>;tag=x\r\nTo: <sip:1000@{to}>{tag}\r\nCall-ID: burst-{number}@{own}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:x@{own}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}",
            length = body.len()
        )
    };
    for number in 0..10 {
        socket.send_to(request("INVITE", "burst", number, "", sdp).as_bytes(), to).expect("SIP is sent");
    }
    let (mut taken, mut refused, mut datagram) = (BTreeSet::new(), BTreeMap::new(), [0; 4_096]);
    while taken.len() + refused.len() < 10 {
        let length = socket.recv(&mut datagram).unwrap_or_else(|error| panic!("{error}: only {taken:?}, {refused:?}\n{}", gateway.log()));
        let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
        let number =
            text.split("Call-ID: burst-").nth(1).and_then(|rest| rest.split('@').next()?.parse::<usize>().ok()).expect("a call of ours");
        let status: u16 = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        if status < 200 {
            continue;
        }
        // That of a refusal belongs to the transaction, that of an answer to the call.
        let branch = if status < 300 { "answered" } else { "burst" };
        let tag = text.lines().find_map(|line| line.strip_prefix("To:")?.split_once(";tag=")).expect("a tag").1.trim();
        let ack = request("ACK", branch, number, &format!(";tag={tag}"), "");
        socket.send_to(ack.as_bytes(), to).expect("SIP is sent");
        if status < 300 {
            taken.insert(number);
        } else {
            refused.insert(number, text);
        }
    }
    (taken.len(), refused.into_values().collect())
}

/// A call that is refused so, with Retry-After where it is for the whole gateway, and there alone.
fn refused(status: &str) -> Flow {
    let check = if status == "503" { has_header("Retry-After", "[0-9]+") } else { lacks_header("Retry-After") };
    Flow::calling(&sdp("sendrecv", 1), "").expect("100", true, "").expect(status, false, &check).ack_refusal()
}

fn counts(metrics: &Answer, cause: &str, calls: usize) -> bool {
    let line = format!("auricle_call_refused_total{{reason=\"{cause}\"}} {calls}");
    metrics.body.lines().any(|text| text == line)
}
