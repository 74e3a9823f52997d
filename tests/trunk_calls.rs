//! Outbound calls by trunks, over sockets: which trunk gets them, and how fast they end when they are switched off.
#![expect(clippy::unwrap_used, reason = "a test says so by failing")]

#[path = "support/parts.rs"]
mod parts;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use auricle::agent::simulator::Behaviour;
use auricle::call::config::NumberConfig;
use auricle::call::registry::{CallRegistry, StartError};
use auricle::domain::ids::OrgId;
use auricle::domain::redacted::Redacted;
use auricle::signalling::config::{OutboundConfig, SipConfig};
use auricle::signalling::gateway::{Gateway, GatewayConfig};
use auricle::signalling::ladder::Tap;
use auricle::signalling::sip::SipShell;
use auricle::signalling::start;
use auricle::signalling::stir::Stir;
use auricle::signalling::targets::look_up;
use auricle::signalling::toll::TollPolicy;
use auricle::signalling::trunks::{Directory, DirectorySource, RouteConfig, TrunkConfig};
use auricle::telemetry::metrics::Metrics;
use parts::Parts;
use sip::endpoint::{Endpoint, EndpointConfig};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

/// A gateway whose trunks are two sockets of the test.
struct House {
    registry: CallRegistry,
    directories: watch::Sender<Arc<Directory>>,
    first: UdpSocket,
    second: UdpSocket,
    _stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn build(first_port: u16) -> Self {
        let Parts { launcher, registry, outbound, folder } = Parts::build(Behaviour::Echo, first_port).await;
        let carrier = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let (first, second) = (carrier().await.unwrap(), carrier().await.unwrap());
        let port = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let sip = SipConfig { listen: (Ipv4Addr::LOCALHOST, port).into(), ..SipConfig::default() };
        let (transports, locator) = (start::transports(&sip, Metrics::new()).unwrap(), start::locator(&sip).unwrap());
        let directory = directory(&first, &second, true);
        let (directories, watched) = watch::channel(Arc::clone(&directory));
        let (to_sip, commands) = mpsc::channel(64);
        let flood = transports.flood_guard();
        let config = GatewayConfig {
            launcher,
            directory,
            seed: [1; 32],
            flood,
            max_calls_per_second: 0,
            tap: Tap::default(),
            stir: Stir::default(),
            to_sip,
        };
        let gateway = Gateway::new(Instant::now(), config);
        let endpoint = Endpoint::new(EndpointConfig { seed: [2; 32], ..EndpointConfig::default() });
        let (stop, stopped) = watch::channel(false);
        let (found, targets) = mpsc::channel(4);
        tokio::spawn(look_up(locator.clone(), watched.clone(), found));
        let shell = SipShell { transports, endpoint, gateway, commands, outbound, locator, directory: watched, targets };
        tokio::spawn(shell.run(stopped));
        // Until the trunks' servers are found.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Self { registry, directories, first, second, _stop: stop, _folder: folder }
    }

    async fn call(&self, to: &str) -> Result<(), StartError> {
        self.registry.start(OrgId::default_org(), Redacted::new(to.to_owned()), None).await.map(drop)
    }
}

fn directory(first: &UdpSocket, second: &UdpSocket, enabled: bool) -> Arc<Directory> {
    let trunk = |socket: &UdpSocket| TrunkConfig {
        target: Some(format!("sip:{}", socket.local_addr().unwrap())),
        caller_id: Some("+4930901820".to_owned()),
        probe_s: 0,
        ..TrunkConfig::default()
    };
    let routes = vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["first".to_owned(), "second".to_owned()] }];
    let tenant = TollPolicy { countries: std::iter::once("DE".parse().unwrap()).collect(), ..TollPolicy::default() };
    let source = DirectorySource {
        trunks: BTreeMap::from([("first".to_owned(), trunk(first)), ("second".to_owned(), trunk(second))]),
        numbers: BTreeMap::from([("default".to_owned(), NumberConfig { agent: "default".to_owned(), ..NumberConfig::default() })]),
        outbound: OutboundConfig { enabled, routes, ..OutboundConfig::default() },
        tenants: BTreeMap::from([("org_default".to_owned(), tenant)]),
        ..DirectorySource::default()
    };
    Arc::new(Directory::new(source, |_| None).unwrap())
}

/// The next request of a method; others are passed over.
async fn receive(socket: &UdpSocket, method: &str) -> (String, SocketAddr) {
    let mut buffer = vec![0; 4_096];
    let next = async {
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let text = String::from_utf8_lossy(buffer.get(..length).unwrap()).into_owned();
            if text.starts_with(method) {
                return (text, from);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), next).await.expect("the request comes within 10 s")
}

async fn respond(socket: &UdpSocket, (request, to): &(String, SocketAddr), status: &str, sdp: &str) {
    let kept = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let (kind, length) = if sdp.is_empty() { ("", 0) } else { ("Content-Type: application/sdp\r\n", sdp.len()) };
    let response = format!(
        "SIP/2.0 {status}\r\n{}\r\n{}\r\n{};tag=t\r\n{}\r\n{}\r\nContact: <sip:{}>\r\n{kind}Content-Length: {length}\r\n\r\n{sdp}",
        kept("Via:"),
        kept("From:"),
        kept("To:").split(";tag").next().unwrap_or_default(),
        kept("Call-ID:"),
        kept("CSeq:"),
        socket.local_addr().unwrap(),
    );
    socket.send_to(response.as_bytes(), *to).await.unwrap();
}

const ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_that_cannot_gives_way_to_the_next_and_switching_off_ends_the_call_within_a_second() {
    let house = House::build(11_900).await;
    assert_eq!(house.call("+33123456789").await, Err(StartError::NotAllowed));
    assert_eq!(house.call("112").await, Err(StartError::NotAllowed));
    house.call("tel:+49-89-123456").await.unwrap();
    let refused = receive(&house.first, "INVITE").await;
    assert!(refused.0.starts_with("INVITE sip:+4989123456@127.0.0.1:"), "{}", refused.0);
    assert!(refused.0.contains("From: <sip:+4930901820@127.0.0.1>"), "{}", refused.0);
    respond(&house.first, &refused, "503 no circuits", "").await;
    let taken = receive(&house.second, "INVITE").await;
    respond(&house.second, &taken, "200 OK", ANSWER).await;
    receive(&house.second, "ACK").await;

    let off = Instant::now();
    house.directories.send(directory(&house.first, &house.second, false)).unwrap();
    let bye = receive(&house.second, "BYE").await;
    assert!(off.elapsed() < Duration::from_secs(1), "{:?}", off.elapsed());
    respond(&house.second, &bye, "200 OK", "").await;
    assert_eq!(house.call("+4989123456").await, Err(StartError::NotAllowed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_calls_than_the_tenant_may_and_none_while_the_gateway_stops() {
    let house = House::build(12_000).await;
    for _ in 0..2 {
        house.call("+4989123456").await.unwrap();
    }
    assert_eq!(house.call("+4989123456").await, Err(StartError::Capacity));
    let busy = receive(&house.first, "INVITE").await;
    respond(&house.first, &busy, "486 Busy Here", "").await;
    receive(&house.first, "ACK").await;
    house.registry.close();
    assert!(house.call("+4989123456").await.is_err());
}
