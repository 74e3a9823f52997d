//! Whoever is not the page: forged handshakes, another certificate, and packets that nobody asked for.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::page::{assert_heard, python, run};
use crate::support::gateway::Gateway;
use crate::support::ports::RtpRange;

#[test]
fn a_page_whose_certificate_is_not_the_one_in_its_offer_has_no_media_and_its_call_fails() {
    let Some(python) = python() else { return };
    let gateway = Gateway::start("echo");
    let wish = json!({ "seconds": 0, "alter": "fingerprint", "patience": 5, "stay": true });
    let saw = run(&python, &gateway, &wish, Duration::from_secs(60));
    assert_eq!((&saw[0]["status"], &saw[0]["heard_ms"]), (&json!(201), &json!(0)), "{saw:#?}");
    gateway.wait_for_calls("over", |calls| calls.iter().all(|call| call["call_status"] == "completed"));
    let id = gateway.calls()[0]["id"].as_str().expect("an id").to_owned();
    let whole = gateway.get(&format!("/v1/calls/{id}")).json;
    assert_eq!((&whole["session_status"], &whole["termination"]["reason"]), (&json!("failed"), &json!("fingerprint")), "{whole:#}");
    assert_eq!((&whole["media"]["packets_received"], &whole["media"]["packets_sent"]), (&json!(0), &json!(0)), "{whole:#}");
}

#[test]
fn calls_are_set_up_beside_forged_handshakes_and_without_a_usable_candidate() {
    let Some(python) = python() else { return };
    let calls = if std::env::var_os("AURICLE_FULL").is_some() { 200 } else { 20 };
    let range = RtpRange::take();
    // The first of it is taken over TCP, which marks the range.
    let port = range.first + 2;
    let gateway = Gateway::start_over("echo", "", &format!("[webrtc]\nport = {port}\n"), "");
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u16;
    let stop = Arc::new(AtomicBool::new(false));
    let forger = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            // As many a second as the issue of it asks for, from ever new ports, to every port that takes media.
            let mut sent = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let from = UdpSocket::bind("127.0.0.1:0").expect("a socket");
                for thread in 0..threads {
                    for _ in 0..25 {
                        let _ = from.send_to(CLIENT_HELLO, SocketAddr::from(([127, 0, 0, 1], port + thread)));
                        sent += 1;
                    }
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            sent
        }
    });
    let wish = json!({ "calls": calls, "at_once": 5, "seconds": 4, "alter": "no-candidates" });
    let saw = run(&python, &gateway, &wish, Duration::from_secs(500));
    stop.store(true, Ordering::Relaxed);
    let sent = forger.join().expect("the forger ends");
    assert_eq!(saw.len(), calls);
    saw.iter().for_each(|call| assert_heard(call, &gateway));
    let mut times: Vec<f64> = saw.iter().filter_map(|call| Some(call["connected_ms"].as_f64()? - call["answered_ms"].as_f64()?)).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{sent} forged handshakes; from the answer to the connection: median {:.0} ms, worst {:.0} ms",
        times[calls / 2],
        times[calls - 1]
    );
}

#[test]
fn mutated_packets_into_live_calls_take_no_audio_from_them() {
    let Some(python) = python() else { return };
    let full = std::env::var_os("AURICLE_FULL").is_some();
    let (calls, seconds, noise, least) = if full { (8, 75, 40, 1_000_000) } else { (3, 5, 30, 15_000) };
    let gateway = Gateway::start("echo");
    let wish = json!({ "calls": calls, "seconds": seconds, "noise": noise, "at_least": least });
    let saw = run(&python, &gateway, &wish, Duration::from_secs(300));
    let mutated = saw[0]["mutated"].as_u64().unwrap_or_default();
    println!("{mutated} mutated packets into {calls} calls");
    assert!(saw.len() == calls && mutated >= least, "{mutated} mutated packets");
    saw.iter().for_each(|call| assert_heard(call, &gateway));
    gateway.wait_for_calls("over", |calls| calls.iter().all(|call| call["call_status"] == "completed"));
    let mut lost = 0;
    for call in gateway.calls() {
        let whole = gateway.get(&format!("/v1/calls/{}", call["id"].as_str().expect("an id"))).json;
        assert_eq!((&whole["session_status"], &whole["termination"]["reason"]), (&json!("completed"), &json!("hung_up")), "{whole:#}");
        let media = &whole["media"];
        let (rejected, received) = (media["packets_rejected"].as_u64(), media["packets_received"].as_u64());
        lost += media["packets_lost"].as_u64().expect("a count");
        assert!(rejected >= received.map(|received| received * 10), "they got there: {media:#}");
    }
    // A process that stands still for a tenth of a second finds its queue full, and what found no place in it was never there.
    let dropped = dropped_by_the_system(gateway.process());
    assert!(lost <= dropped, "{lost} packets are lost, {dropped} of them by the system");
    assert!(!gateway.log().contains("panicked"), "{}", gateway.log());
}

/// Datagrams that found no place in the queues of a process's sockets.
fn dropped_by_the_system(process: u32) -> u64 {
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).expect("descriptors").flatten();
    let sockets: Vec<String> =
        descriptors.filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned())).collect();
    let table = std::fs::read_to_string(format!("/proc/{process}/net/udp")).expect("its sockets");
    // The tenth field is the inode, the last one what was dropped.
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = rows.filter(|row| row.get(9).is_some_and(|inode| sockets.contains(&format!("socket:[{inode}]"))));
    own.filter_map(|row| row.last()?.parse::<u64>().ok()).sum()
}

/// A `ClientHello` of DTLS 1.2 (RFC 6347 §4.2.2) with one suite and nothing else.
const CLIENT_HELLO: &[u8] = &[
    22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 56, 1, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 44, 254, 253, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
    14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0, 0, 2, 192, 43, 1, 0,
];
