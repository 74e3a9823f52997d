//! Names by DNS (RFC 3263) against a name server of our own: found, failed over, cached, and given up in time.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use auricle::net::dns::Names;
use auricle::signalling::locate::{LocateError, Locator};
use sip::header::Uri;
use sip::transport::Transport;

const A: u16 = 1;
const SRV: u16 = 33;
const NAPTR: u16 = 35;

/// A record: its name, its type, and what it says.
type Record = (&'static str, u16, Vec<u8>);

/// A name server with these records; how often it was asked.
struct NameServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    fn start(zone: Vec<Record>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let (address, asked) = (socket.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            let mut buffer = [0; 1_500];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                count.fetch_add(1, Ordering::Relaxed);
                let _sent = socket.send_to(&answer(&buffer[..length], &zone), peer);
            }
        });
        Self { address, asked }
    }

    fn locator(&self) -> Locator {
        let limit = Duration::from_secs(2);
        Locator::new(Names::new(&[self.address], limit).expect("a resolver"), limit, false)
    }
}

/// RFC 1035 §4: the question again, and the records that fit it.
fn answer(query: &[u8], zone: &[Record]) -> Vec<u8> {
    let mut at = 12;
    let mut name = Vec::new();
    while query[at] != 0 {
        let length = usize::from(query[at]);
        name.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let found: Vec<&Record> = zone.iter().filter(|(known, what, _)| *known == name.join(".") && *what == kind).collect();
    let mut answer = query[..at + 5].to_vec();
    // A response of authority; one question, these answers and nothing else.
    answer[2] = 0x84 | (query[2] & 1);
    answer[3] = 0;
    answer[4..12].copy_from_slice(&[0, 1, 0, found.len() as u8, 0, 0, 0, 0]);
    for (_, kind, said) in found {
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 1, 0]);
        answer.extend((said.len() as u16).to_be_bytes());
        answer.extend(said);
    }
    answer
}

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').flat_map(|label| [&[label.len() as u8][..], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn srv(priority: u16, port: u16, target: &str) -> Vec<u8> {
    [&priority.to_be_bytes()[..], &[0, 1], &port.to_be_bytes(), &name(target)].concat()
}

fn naptr(order: u16, service: &str, replacement: &str) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8][..], text.as_bytes()].concat();
    [&order.to_be_bytes()[..], &[0, 1], &text("s"), &text(service), &text(""), &name(replacement)].concat()
}

fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a URI")
}

#[tokio::test]
async fn a_name_leads_to_its_servers_in_order_and_is_asked_once() {
    let server = NameServer::start(vec![
        ("trunk.example", NAPTR, naptr(20, "SIP+D2U", "_sip._udp.trunk.example")),
        ("trunk.example", NAPTR, naptr(10, "SIPS+D2T", "_sips._tcp.trunk.example")),
        ("_sips._tcp.trunk.example", SRV, srv(1, 5061, "a.trunk.example")),
        ("_sip._udp.trunk.example", SRV, srv(2, 5070, "b.trunk.example")),
        ("_sip._udp.trunk.example", SRV, srv(1, 5060, "a.trunk.example")),
        ("a.trunk.example", A, vec![192, 0, 2, 1]),
        ("b.trunk.example", A, vec![192, 0, 2, 2]),
    ]);
    let locator = server.locator();
    let found = locator.locate(&uri("sip:+15550100@trunk.example")).await.expect("servers");
    let written: Vec<String> = found.iter().map(|to| format!("{:?} {} {:?}", to.transport, to.remote, to.name)).collect();
    let expected = ["Tls 192.0.2.1:5061 Some(\"trunk.example\")", "Udp 192.0.2.1:5060 None", "Udp 192.0.2.2:5070 None"];
    assert_eq!(written, expected, "the certificate is that of the name which was called");
    let asked = server.asked.load(Ordering::Relaxed);
    locator.locate(&uri("sip:+15550101@trunk.example")).await.expect("servers");
    assert_eq!(server.asked.load(Ordering::Relaxed), asked, "the second look-up is answered from the cache");
}

#[tokio::test]
async fn a_name_without_records_is_not_found_and_one_with_an_address_is() {
    let server = NameServer::start(vec![("host.example", A, vec![192, 0, 2, 9])]);
    let locator = server.locator();
    let found = locator.locate(&uri("sip:bob@host.example;transport=tcp")).await.expect("a server");
    assert_eq!((found[0].transport, found[0].remote), (Transport::Tcp, "192.0.2.9:5060".parse().expect("an address")));
    assert_eq!(locator.locate(&uri("sip:bob@nobody.example")).await, Err(LocateError::NotFound));
    assert_eq!(locator.locate(&uri("tel:+15550100")).await, Err(LocateError::Scheme));
}

#[tokio::test]
async fn dead_name_servers_are_given_up_within_two_seconds() {
    // Bound and never read: what is sent there is lost.
    let dead = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let limit = Duration::from_secs(2);
    let locator = Locator::new(Names::new(&[dead.local_addr().expect("an address")], limit).expect("a resolver"), limit, false);
    let started = Instant::now();
    let failed = locator.locate(&uri("sip:bob@trunk.example")).await;
    assert!(failed.is_err() && started.elapsed() < Duration::from_millis(3_900), "{failed:?} after {:?}", started.elapsed());
}
