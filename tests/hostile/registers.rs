//! Twenty thousand REGISTERs a second of users whom nobody knows, from one address and from thousands: OPTIONS is answered
//! as before, calls lose nothing, and the memory comes back.
//!
//! `AURICLE_FULL=1` makes the flood last 60 s instead of 8. `make bench-flood` does that with an optimised build on a machine of its own,
//! and gates how soon OPTIONS is answered.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use crate::caller::FRAME;
use crate::measured::{self, Figure};
use crate::talkers::{CALLS, Talkers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_options_do_not_feel_a_flood_of_registers() {
    let _alone = crate::ALONE.lock().await;
    let mut talkers = Talkers::start().await;
    let server = &mut talkers.server;
    sleep(Duration::from_secs(3)).await;
    let before = server.resident_bytes();
    let length = Duration::from_secs(if std::env::var_os("AURICLE_FULL").is_some() { 60 } else { 8 });
    let to = server.sip;
    let flood = std::thread::spawn(move || flood(to, length));
    let probes = [FLOODER, "127.0.0.77:0"].map(|from| std::thread::spawn(move || probe(from, to, length)));
    let mut most = 0;
    while !flood.is_finished() {
        most = most.max(server.resident_bytes());
        assert!(server.is_alive(), "the gateway died");
        sleep(Duration::from_millis(200)).await;
    }
    let sent = flood.join().expect("the flood is sent");
    let waits = probes.map(|probe| probe.join().expect("the probes are sent"));
    let left = settled(server, before).await;
    let (server, callers) = talkers.finish().await;
    for caller in callers {
        let (heard, frame) = (caller.heard(), FRAME as u32);
        assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "every packet came");
        let span = heard[heard.len() - 1].timestamp.wrapping_sub(heard[0].timestamp) / frame;
        assert!(span + 50 > caller.sent(), "{} sent, {span} slots heard", caller.sent());
    }
    let mut lost = 0;
    for record in server.records(usize::from(CALLS)) {
        lost += record["media"]["packets_lost"].as_u64().expect("how many packets were lost");
        assert_eq!(record["session_status"], "completed", "{record:#}");
        let count = |count: &Value| count.as_u64().expect("a count");
        let (missed, received) = (count(&record["media"]["playback"]["slots_missed"]), count(&record["media"]["packets_received"]));
        assert!(missed * 10 <= received, "the line went on: {record:#}");
    }
    let growth = most.saturating_sub(before);
    judge(&figures(sent / length.as_secs(), waits, [growth, left], lost));
}

/// How much more memory there is, once it has come back or a minute has passed.
async fn settled(server: &crate::server::Server, before: u64) -> u64 {
    for _ in 0..60 {
        if server.resident_bytes().saturating_sub(before) <= BACK {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    server.resident_bytes().saturating_sub(before)
}

fn figures(per_second: u64, waits: [Vec<Duration>; 2], memory: [u64; 2], lost: u64) -> Vec<Figure> {
    let [flooder, stranger] = waits.map(|mut waits| {
        waits.sort();
        let at = |percent: usize| waits.get(waits.len() * percent / 100).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1_000.0);
        [at(50), at(99)]
    });
    let [growth, left] = memory.map(|bytes| bytes as f64 / f64::from(1 << 20));
    let figure = |name, what, value, gate| Figure { name, what, value: Some(value), gate, at_least: false };
    vec![
        Figure {
            at_least: true,
            ..figure("register_flood_per_second", "REGISTER a second of users that nobody knows", per_second as f64, Some(19_000.0))
        },
        figure("options_p99_ms", "OPTIONS of somebody else beside it, p99 in ms", stranger[1], Some(10.0)),
        figure("options_p50_ms", "the same, median", stranger[0], None),
        figure("options_of_flooder_p99_ms", "OPTIONS of the address that floods, p99 in ms", flooder[1], Some(10.0)),
        figure("flood_memory_mb", "Memory more at most, in MB", growth, Some(64.0)),
        figure("flood_memory_left_mb", "Memory more within a minute after, in MB", left, Some(BACK as f64 / f64::from(1 << 20))),
        figure("flood_packets_lost", "Packets lost by 50 calls beside it", lost as f64, Some(0.0)),
    ]
}

/// How soon and how many is a matter of an optimised build on a machine of its own; memory and calls are judged on any.
fn judge(figures: &[Figure]) {
    let results: Vec<String> = figures.iter().map(|figure| format!("{}={:.4}", figure.name, figure.value.unwrap_or(f64::NAN))).collect();
    eprintln!("RESULT flood {}", results.join(" "));
    let measuring = std::env::var_os("AURICLE_MEASURE").is_some();
    if measuring {
        measured::save("flood", "A flood of REGISTER beside calls", "make bench-flood", figures).expect("the figures are saved");
    }
    for figure in figures.iter().filter(|figure| measuring || figure.name.starts_with("flood_")) {
        assert_ne!(figure.passed(), Some(false), "{}: {:?}", figure.what, figure.value);
    }
}

/// Half from one address, half from addresses that change with every message.
fn flood(to: SocketAddr, length: Duration) -> u64 {
    let one = UdpSocket::bind(FLOODER).expect("a socket");
    let many: Vec<UdpSocket> =
        (0..2_000_u32).filter_map(|n| UdpSocket::bind((Ipv4Addr::new(127, 80, (n / 200) as u8, (n % 200) as u8 + 1), 0)).ok()).collect();
    let (mut sent, started) = (0_u64, Instant::now());
    while started.elapsed() < length {
        let due = (started.elapsed().as_secs_f64() * PER_SECOND) as u64;
        while sent < due {
            sent += 1;
            let from = if sent % 2 == 0 || many.is_empty() { &one } else { &many[sent as usize / 2 % many.len()] };
            let _full = from.send_to(register(sent).as_bytes(), to);
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    sent
}

fn register(number: u64) -> String {
    format!(
        "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKr{number};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:u{number}@127.0.0.1>;tag=f\r\nTo: <sip:u{number}@127.0.0.1>\r\nCall-ID: r{number}\r\nCSeq: 1 REGISTER\r\n\
         Contact: <sip:u{number}@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// OPTIONS, twenty a second: how long each answer took, five seconds for one that never came.
fn probe(from: &str, to: SocketAddr, length: Duration) -> Vec<Duration> {
    let socket = UdpSocket::bind(from).expect("a socket");
    socket.connect(to).expect("an address");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let (mut waits, started) = (Vec::new(), Instant::now());
    while started.elapsed() < length {
        let asked = Instant::now();
        let number = waits.len();
        let message =
            register(number as u64).replace("REGISTER", "OPTIONS").replace("z9hG4bKr", "z9hG4bKo").replace("Call-ID: r", "Call-ID: o");
        socket.send(message.as_bytes()).expect("the probe is sent");
        let _lost = socket.recv(&mut [0; 2_048]);
        waits.push(asked.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    waits
}

const PER_SECOND: f64 = 20_000.0;
/// Whose address sends half of the flood.
const FLOODER: &str = "127.0.0.9:0";
/// Memory that may stay, in bytes: tables that have grown once.
const BACK: u64 = 16 << 20;
