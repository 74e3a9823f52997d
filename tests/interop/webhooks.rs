//! Webhooks of the built program: nothing that was written down is lost to a kill, and a call whose caller is known is told with the patient.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::gateway::Gateway;
use crate::support::ports;

#[test]
fn what_was_to_be_told_before_a_kill_is_told_after_the_restart_under_the_same_name() {
    let address = ports::free_tcp();
    let mut gateway = Gateway::start_over("echo", "", &may_reach(address), "");
    make_webhook(&gateway, address, &["patient_created"]);
    // The first is on its way and never answered; of the second nobody has heard when the process dies.
    let silent = TcpListener::bind(address).expect("the receiver listens");
    make_patient(&gateway, "+1 555 010 0101");
    let (mut held, _) = silent.accept().expect("a delivery comes");
    let (first, _) = read_request(&mut held).expect("a request");
    drop(silent);
    make_patient(&gateway, "+1 555 010 0102");
    gateway.kill_hard();
    drop(held);

    let hooks = Hooks::listen(address);
    gateway.restart();
    let mut told: BTreeMap<String, Value> = BTreeMap::new();
    while told.len() < 2 {
        let Some((head, body)) = hooks.next(Duration::from_secs(30)) else { panic!("only {told:?}\n{}", gateway.log()) };
        told.insert(header(&head, "auricle-delivery"), body);
    }
    assert!(told.contains_key(&header(&first, "auricle-delivery")), "the one that was on its way has another name now: {told:?}");
    assert!(told.values().all(|body| body["type"] == "patient_created"), "{told:?}");
    assert_eq!(told.values().map(|body| body["data"]["patient_id"].to_string()).collect::<std::collections::BTreeSet<_>>().len(), 2);
    // Both were taken: nobody is told again.
    assert!(hooks.next(Duration::from_secs(3)).is_none(), "something came once more");
}

#[test]
fn a_caller_whose_number_a_patient_has_is_recognised_and_the_calls_end_is_told_with_the_patient() {
    let address = ports::free_tcp();
    let gateway = Gateway::start_over("echo", "", &may_reach(address), "");
    let hooks = Hooks::listen(address);
    make_webhook(&gateway, address, &["call_answered", "call_ended"]);
    let patient = make_patient(&gateway, "+1 555 010 0199");
    let status = || gateway.get(&format!("/v1/patients/{patient}")).json["call_status"].clone();
    let before = status();
    let caller = Caller::call(gateway.sip(), "+15550100199");
    gateway.wait_for_calls("the caller is recognised", |calls| calls.iter().any(|call| call["patient_id"] == patient.as_str()));
    let limit = Instant::now() + Duration::from_secs(5);
    while status() == before {
        assert!(Instant::now() < limit, "the patient is not in a call: {before}\n{}", gateway.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let during = status();
    caller.hang_up();
    gateway.wait_for_calls("the call is over", |calls| calls.iter().all(|call| call["session_status"] == "completed"));
    let mut ended = None;
    while ended.is_none() {
        let Some((_, body)) = hooks.next(Duration::from_secs(20)) else { panic!("the end is not told\n{}", gateway.log()) };
        ended = Some(body).filter(|body| body["type"] == "call_ended");
    }
    let ended = ended.expect("an end");
    assert_eq!((&ended["data"]["patient_id"], &ended["data"]["call_id"]), (&json!(patient), &gateway.calls()[0]["id"]), "{ended}");
    assert!(!ended.to_string().contains("5550100199"), "{ended}");
    let limit = Instant::now() + Duration::from_secs(5);
    while status() == during {
        assert!(Instant::now() < limit, "the patient is in a call still: {during}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What lets webhooks go to a server of the test's own.
fn may_reach(address: SocketAddr) -> String {
    format!("[https_client]\nallowed_networks = [\"127.0.0.1\"]\nports = [{}]\nplain_http = true\n", address.port())
}

fn make_webhook(gateway: &Gateway, address: SocketAddr, event_types: &[&str]) {
    let made = gateway.post("/v1/webhooks", &json!({ "url": format!("http://{address}/hook"), "event_types": event_types }).to_string());
    assert_eq!(made.status, 201, "{}", made.body);
}

fn make_patient(gateway: &Gateway, phone: &str) -> String {
    let made = gateway.post("/v1/patients", &json!({ "name": "Ana", "phone": phone }).to_string());
    assert_eq!(made.status, 201, "{}", made.body);
    made.json["id"].as_str().expect("an id").to_owned()
}

/// A server that takes every request.
struct Hooks(Receiver<(String, Value)>);

impl Hooks {
    fn listen(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the receiver listens");
        let (heard, requests) = sync_channel(64);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let Some(request) = read_request(&mut stream) else { continue };
                let _answered = stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                if heard.send(request).is_err() {
                    return;
                }
            }
        });
        Self(requests)
    }

    fn next(&self, patience: Duration) -> Option<(String, Value)> {
        self.0.recv_timeout(patience).ok()
    }
}

/// The head in lower case, and the body.
fn read_request(stream: &mut TcpStream) -> Option<(String, Value)> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let length = match stream.read(&mut piece) {
            Ok(0) => return None,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        if header(&head, "content-length").parse::<usize>().is_ok_and(|length| body.len() >= length) {
            return Some((head, serde_json::from_str(body).expect("JSON")));
        }
    }
}

fn header(head: &str, name: &str) -> String {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
}

/// A telephone that says who it is, and no word.
struct Caller {
    socket: UdpSocket,
    gateway: SocketAddr,
    /// To with the gateway's tag.
    to: String,
    from: String,
}

impl Caller {
    fn call(gateway: SocketAddr, number: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
        let own = socket.local_addr().expect("an address");
        let mut caller = Self { socket, gateway, to: format!("<sip:1000@{gateway}>"), from: format!("<sip:{number}@{own}>;tag=known") };
        let media = ports::free_udp().port();
        let sdp = format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {media} RTP/AVP 0\r\n");
        caller.send("INVITE", 1, &sdp);
        loop {
            let text = caller.hear();
            assert!(!text.starts_with("SIP/2.0 4") && !text.starts_with("SIP/2.0 5"), "{text}");
            if text.starts_with("SIP/2.0 200") {
                caller.to = text.lines().find_map(|line| line.strip_prefix("To: ")).expect("To").to_owned();
                break;
            }
        }
        caller.send("ACK", 1, "");
        caller
    }

    fn hang_up(&self) {
        std::thread::sleep(Duration::from_millis(500));
        self.send("BYE", 2, "");
        while !self.hear().contains("CSeq: 2 BYE") {}
    }

    fn send(&self, method: &str, number: u32, body: &str) {
        let (own, Self { gateway, to, from, .. }) = (self.socket.local_addr().expect("an address"), self);
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let request = format!(
            "{method} sip:1000@{gateway} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-{method}{number};rport\r\nMax-Forwards: 70\r\n\
             From: {from}\r\nTo: {to}\r\nCall-ID: known-caller@{own}\r\nCSeq: {number} {method}\r\nContact: <sip:known@{own}>\r\n\
             {kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.send_to(request.as_bytes(), gateway).expect("SIP is sent");
    }

    fn hear(&self) -> String {
        let mut datagram = [0; 4096];
        let length = self.socket.recv(&mut datagram).expect("SIP comes");
        String::from_utf8_lossy(&datagram[..length]).into_owned()
    }
}
