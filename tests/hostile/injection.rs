//! RTP from an address that the session description does not name is never heard, and gets nothing back.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auricle::agent::simulator::{Behaviour, Config};

use crate::agents::{Agent, route};
use crate::caller::{Caller, plain};
use crate::packets;
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode, level};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_speaks_during_set_up_and_call_is_never_heard() {
    let agent =
        Agent::start(Config { keep_audio: true, ..Config::new(Behaviour::Echo) }, tokio::time::sleep(Duration::from_millis(800))).await;
    let mut agents = String::new();
    route(&mut agents, "late", agent.address, "pcmu", "when_agent_ready", "");
    route(&mut agents, "at-once", agent.address, "pcmu", "immediately", "");
    let server = Server::start(&Wanted { agents, log_level: "info", log_format: "text" });
    let (first, last) = server.rtp_ports();
    let speaking = Arc::new(AtomicBool::new(true));
    let stranger = std::thread::spawn({
        let speaking = Arc::clone(&speaking);
        move || speak(first, last, &speaking)
    });
    for number in ["late", "at-once"] {
        let mut room = Room::new(5);
        let mut caller = Caller::invite(server.sip, number, CALLER, plain).await.expect("the call is answered");
        caller.acknowledge().await;
        caller.talk(std::iter::repeat_with(|| room.frame()).take(150)).await;
        caller.hang_up().await;
        let loudest = caller.heard().iter().map(|packet| level(&decode(&packet.payload))).fold(0.0, f64::max);
        assert!((1.0..1000.0).contains(&loudest), "{number}: the caller heard {loudest}");
        assert!(caller.heard().len() > 100, "{number}: {} packets heard", caller.heard().len());
    }
    speaking.store(false, Ordering::Relaxed);
    let (sent, bled) = stranger.join().expect("the stranger ends");
    assert_eq!(bled, 0, "datagrams that went to the stranger");
    for record in server.records(2) {
        let media = &record["media"];
        assert_eq!(media["packets_received"], 150, "{record:#}");
        assert!(media["packets_rejected"].as_u64() > Some(10), "the stranger sent {sent}, yet {record:#}");
    }
    for session in agent.seen.sessions() {
        let loudest = session.audio.chunks(160).map(|chunk| level(&decode(chunk))).fold(0.0, f64::max);
        assert!(session.audio.len() > 10_000 && loudest < 1000.0, "the agent heard {loudest} in {} bytes", session.audio.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_speaks_once_a_translated_callers_address_is_learned_is_never_heard() {
    let agent = Agent::start(Config { keep_audio: true, ..Config::new(Behaviour::Echo) }, std::future::ready(())).await;
    let mut agents = String::new();
    route(&mut agents, "behind", agent.address, "pcmu", "when_agent_ready", "");
    // The trunk is behind a translator that it does not know of: what its descriptions name is nowhere.
    agents.push_str("[trunks.nat]\naddresses = [\"127.77.66.55\"]\nmedia_networks = [\"127.77.66.0/24\"]\nsource = \"learn\"\n");
    let server = Server::start(&Wanted { agents, log_level: "info", log_format: "text" });
    let (first, last) = server.rtp_ports();
    let mut caller = Caller::invite(server.sip, "behind", CALLER, elsewhere).await.expect("the call is answered");
    caller.acknowledge().await;
    let mut room = Room::new(6);
    caller.talk(std::iter::repeat_with(|| room.frame()).take(50)).await;
    let speaking = Arc::new(AtomicBool::new(true));
    let stranger = std::thread::spawn({
        let speaking = Arc::clone(&speaking);
        move || speak(first, last, &speaking)
    });
    caller.talk(std::iter::repeat_with(|| room.frame()).take(150)).await;
    caller.hang_up().await;
    speaking.store(false, Ordering::Relaxed);
    let (sent, bled) = stranger.join().expect("the stranger ends");
    assert_eq!(bled, 0, "datagrams that went to the stranger");
    let loudest = caller.heard().iter().map(|packet| level(&decode(&packet.payload))).fold(0.0, f64::max);
    assert!((1.0..1000.0).contains(&loudest), "the caller heard {loudest} in {} packets", caller.heard().len());
    let record = server.records(1).remove(0);
    assert!(record["media"]["packets_received"].as_u64() <= Some(200), "{record:#}");
    assert!(record["media"]["packets_rejected"].as_u64() > Some(10), "the stranger sent {sent}, yet {record:#}");
    for session in agent.seen.sessions() {
        let loudest = session.audio.chunks(160).map(|chunk| level(&decode(chunk))).fold(0.0, f64::max);
        assert!(loudest < 1000.0, "the agent heard {loudest}");
    }
}

/// Names an address in the session description that the caller's audio does not come from.
fn elsewhere(request: String) -> String {
    request.replace("c=IN IP4 127.77.66.55", "c=IN IP4 127.77.66.99")
}

/// Sends loud RTP to every port of the range, round and round; how much, and how much came back.
fn speak(first: u16, last: u16, speaking: &AtomicBool) -> (u32, u32) {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).expect("a socket");
    socket.set_nonblocking(true).expect("a socket that does not block");
    let (mut sent, mut bled, mut datagram) = (0, 0, [0; 2048]);
    while speaking.load(Ordering::Relaxed) {
        for port in first..=last {
            // A port that is not open answers with ICMP, which the next call reports.
            let _refused = socket.send_to(&packets::loud(sent), (Ipv4Addr::LOCALHOST, port));
            sent += 1;
            while socket.recv_from(&mut datagram).is_ok() {
                bled += 1;
            }
            if port % 20 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    (sent, bled)
}

const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 66, 55));
