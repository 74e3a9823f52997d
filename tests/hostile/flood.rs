//! Ten thousand bad datagrams a second beside fifty calls: the calls lose nothing, and nothing is left behind.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;

use crate::caller::{Caller, FRAME, rtp_packet};
use crate::server::Server;
use crate::speech::{Room, decode, level};
use crate::talkers::{CALLS, Talkers, address};
use crate::{messages, packets};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_calls_lose_nothing_beside_a_flood_and_the_memory_comes_back() {
    let _alone = crate::ALONE.lock().await;
    let mut talkers = Talkers::start().await;
    let targets: Vec<SocketAddr> = std::iter::once(talkers.server.sip).chain(talkers.rtp.iter().copied()).collect();
    let server = &mut talkers.server;
    sleep(Duration::from_secs(5)).await;
    let before = server.resident_bytes();

    let first = beside(server, &targets).await;
    sleep(REST).await;
    let second = beside(server, &targets).await;
    let (mut server, callers) = talkers.finish().await;

    let [growth, again] = [first.saturating_sub(before), second.saturating_sub(first)].map(|bytes| bytes / 1024);
    eprintln!("RESULT flood_memory_growth_kb={growth} gate=8192");
    eprintln!("RESULT flood_memory_growth_of_the_second_kb={again} gate=4096");
    assert!(growth <= 8192, "{growth} kB more");
    assert!(again <= 4096, "{again} kB are held {REST:?} after the first flood: a second one needs so much more");
    let mut said = Vec::new();
    for caller in callers {
        heard_all(&caller);
        said.push(u64::from(caller.sent()));
    }
    let records = server.records(usize::from(CALLS));
    let received: Vec<u64> = records.iter().map(lost_nothing).collect();
    said.sort_unstable();
    let mut sorted = received.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, said, "what each call sent came, and nothing else");
    let log = server.log();
    assert!(server.is_alive() && !log.contains("panick"), "{log}");
}

/// One flood, from its own thread; the most memory that the gateway had meanwhile.
async fn beside(server: &mut Server, targets: &[SocketAddr]) -> u64 {
    let length = if std::env::var_os("AURICLE_FULL").is_some() { Duration::from_secs(30) } else { Duration::from_secs(10) };
    let flood = std::thread::spawn({
        let targets = targets.to_vec();
        move || flood(&targets, length)
    });
    let mut most = 0;
    while !flood.is_finished() {
        most = most.max(server.resident_bytes());
        assert!(server.is_alive(), "the gateway died");
        sleep(Duration::from_millis(200)).await;
    }
    let sent = flood.join().expect("the flood is sent");
    // How fast this side can send is the machine's affair.
    let least = if measuring() { PER_SECOND * 9 / 10 } else { 2_000 };
    assert!(sent >= least * length.as_secs(), "only {sent} datagrams in {length:?}");
    most
}

/// The caller got every packet that was sent, in order, for all of the time, and never the loud one.
///
/// A gateway that the machine holds up passes over slots of its clock, and loses no sound by it.
fn heard_all(caller: &Caller) {
    let heard = caller.heard();
    let mut passed_over = 0;
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "of {} packets", heard.len());
        let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!((1..1_000).contains(&(step / FRAME as u32)) && step % FRAME as u32 == 0, "{step} samples of {} packets", heard.len());
        passed_over += step / FRAME as u32 - 1;
    }
    assert!(heard.len() as u32 + passed_over + 50 > caller.sent(), "{} packets sent, {} heard", caller.sent(), heard.len());
    assert!(passed_over <= allowed(caller.sent().into()) as u32, "{passed_over} slots of {} passed over", caller.sent());
    let loudest = heard.iter().map(|packet| level(&decode(&packet.payload))).fold(0.0, f64::max);
    assert!(loudest < 1000.0, "somebody else's sound was heard, {loudest}");
}

/// Packets that came, according to a call's record.
fn lost_nothing(record: &Value) -> u64 {
    let media = &record["media"];
    for count in ["packets_lost", "packets_duplicate", "agent_dropped_ms"] {
        assert_eq!(media[count], 0, "{count} in {record:#}");
    }
    assert_eq!(record["session_status"], "completed", "{record:#}");
    let count = |name: &str| media[name].as_u64().expect("a count");
    // A caller who is held up for 200 ms is bridged meanwhile, and comes too late afterwards.
    assert!(count("packets_late") + count("concealed_ms") / 20 <= allowed(count("packets_received")), "{record:#}");
    count("packets_received")
}

/// How many of `packets` the machine may hold up: none where it is measured.
fn allowed(packets: u64) -> u64 {
    if measuring() { 0 } else { packets / 20 }
}

fn measuring() -> bool {
    std::env::var_os("AURICLE_MEASURE").is_some()
}

/// Sends bad datagrams at the rate that is asked for to the SIP port and to the RTP and RTCP ports of the calls.
fn flood(targets: &[SocketAddr], length: Duration) -> u64 {
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).expect("a socket");
    let own = stranger.local_addr().expect("an address").to_string();
    // What comes from a caller's own address gets as far as the parser.
    let callers: Vec<UdpSocket> = (0..CALLS).map(|index| UdpSocket::bind((address(index), 0)).expect("a socket")).collect();
    let (mut chance, mut sent) = (Room::new(17), 0);
    let pool: Vec<_> = (0..PER_SECOND).map(|_| bad(&mut chance, &own)).collect();
    let started = Instant::now();
    while started.elapsed() < length {
        let due = (started.elapsed().as_secs_f64() * PER_SECOND as f64) as u64;
        while sent < due {
            sent += 1;
            let index = chance.next() as usize % CALLS as usize;
            let (sip, mut rtp) = (targets[0], targets[index + 1]);
            rtp.set_port(rtp.port() + (chance.next() % 2) as u16);
            // A full queue of the receiver's is the receiver's loss, and no error here.
            let _full = if sent % 100 == 0 {
                // Each of these holds a transaction for 32 s, which is another flood's matter.
                stranger.send_to(messages::hostile(|| chance.next(), &own).as_bytes(), sip)
            } else {
                let (way, datagram) = &pool[chance.next() as usize % pool.len()];
                match way {
                    Way::Sip => stranger.send_to(datagram, sip),
                    Way::Rtp => stranger.send_to(datagram, rtp),
                    Way::RtpOfTheCaller => callers[index].send_to(datagram, rtp),
                }
            };
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    sent
}

/// Where a datagram goes, and whence.
enum Way {
    Sip,
    Rtp,
    RtpOfTheCaller,
}

fn bad(chance: &mut Room, own: &str) -> (Way, Vec<u8>) {
    let malformed = packets::MALFORMED[chance.next() as usize % packets::MALFORMED.len()].to_vec();
    match chance.next() % 100 {
        0..27 => (Way::Sip, packets::random(chance)),
        27..50 => (Way::Sip, packets::truncated(chance, messages::sound(own, "truncated").as_bytes())),
        50..65 => (Way::Rtp, packets::random(chance)),
        65..75 => (Way::Rtp, packets::truncated(chance, &rtp_packet(1, &[0; FRAME]))),
        75..85 => (Way::Rtp, packets::loud(chance.next())),
        85..90 => (Way::Rtp, malformed),
        _ => (Way::RtpOfTheCaller, malformed),
    }
}

const PER_SECOND: u64 = 10_000;
/// Longer than a transaction lives on after its end (RFC 3261 section 17, timers H and J: 32 s), and less than a minute.
///
/// Memory is back when a second flood finds room in what the first one left: whether the allocator has handed freed pages
/// to the system meanwhile is its own affair.
const REST: Duration = Duration::from_secs(40);
