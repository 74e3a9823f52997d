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
    let _alone = crate::ALONE.lock().await;
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
    let _alone = crate::ALONE.lock().await;
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

/// M1: with `learn`, until an address is learned, what one stranger can put in are fewer packets than teach one; nothing goes to it,
/// and the caller is heard all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_speaks_before_a_translated_callers_address_is_learned_is_heard_for_four_packets_at_most() {
    let _alone = crate::ALONE.lock().await;
    let agent = Agent::start(Config { keep_audio: true, ..Config::new(Behaviour::Echo) }, std::future::ready(())).await;
    let mut agents = String::new();
    route(&mut agents, "behind", agent.address, "pcmu", "when_agent_ready", "");
    agents.push_str("[trunks.nat]\naddresses = [\"127.77.66.55\"]\nmedia_networks = [\"127.77.66.0/24\"]\nsource = \"learn\"\n");
    let server = Server::start(&Wanted { agents, log_level: "info", log_format: "text" });
    let (first, last) = server.rtp_ports();
    let mut caller = Caller::invite(server.sip, "behind", CALLER, elsewhere).await.expect("the call is answered");
    caller.acknowledge().await;
    // Before the caller has said a word: four packets of one stream to each port, as fast as may be.
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).expect("a socket");
    stranger.set_nonblocking(true).expect("a socket that does not block");
    for round in 0..4 {
        for port in (first..=last).step_by(2) {
            let _refused = stranger.send_to(&packets::loud(round), (Ipv4Addr::LOCALHOST, port));
        }
    }
    // Who is believed to be the caller is so for half a second.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut room = Room::new(7);
    caller.talk(std::iter::repeat_with(|| room.frame()).take(150)).await;
    caller.hang_up().await;
    let mut datagram = [0; 2048];
    // Ports that are not open have answered with ICMP, which stands among what is received.
    let bled = (0..20_000)
        .map(|_| stranger.recv_from(&mut datagram).map_err(|error| error.kind()))
        .take_while(|received| *received != Err(std::io::ErrorKind::WouldBlock))
        .filter(Result::is_ok)
        .count();
    assert_eq!(bled, 0, "datagrams that went to the stranger");
    let heard: Vec<_> = caller.heard().iter().map(|packet| level(&decode(&packet.payload))).collect();
    assert!(heard.len() > 100, "{} packets heard", heard.len());
    let record = server.records(1).remove(0);
    let received = record["media"]["packets_received"].as_u64().expect("a count");
    assert!((140..=154).contains(&received), "150 of the caller, and at most 4 of the stranger: {record:#}");
    for session in agent.seen.sessions() {
        let loud = session.audio.chunks(160).filter(|chunk| level(&decode(chunk)) > 5_000.0).count();
        // Four packets across the borders of five frames, and what their end is concealed by until the caller is heard.
        assert!(session.audio.len() > 10_000 && loud <= 9, "the agent heard {loud} loud frames");
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
