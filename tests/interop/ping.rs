//! OPTIONS, by which a trunk asks whether the gateway lives (RFC 3261 section 11).

use std::net::UdpSocket;
use std::time::Duration;

use crate::support::gateway::Gateway;

#[test]
fn options_is_answered_with_200_and_the_methods_that_are_understood() {
    let gateway = Gateway::start("echo");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let own = socket.local_addr().expect("an address");
    let request = format!(
        "OPTIONS sip:{gateway} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-ping-1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:trunk@{own}>;tag=ping\r\nTo: <sip:{gateway}>\r\nCall-ID: ping-1@{own}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        gateway = gateway.sip()
    );
    socket.send_to(request.as_bytes(), gateway.sip()).expect("the request is sent");
    let mut datagram = [0; 4096];
    let length = socket.recv(&mut datagram).unwrap_or_else(|error| panic!("no answer: {error}\n{}", gateway.log()));
    let response = String::from_utf8_lossy(&datagram[..length]);
    assert!(response.starts_with("SIP/2.0 200"), "{response}");
    let header = |name: &str| response.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in\n{response}"));
    let allowed = header("Allow:");
    assert!(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"].iter().all(|method| allowed.contains(method)), "{allowed}");
    assert!(header("Via:").contains(&format!("rport={}", own.port())), "RFC 3581: {response}");
    assert!(header("To:").contains(";tag="), "RFC 3261 section 8.2.6.2: {response}");
}
