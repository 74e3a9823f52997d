//! What a collector of Homer's kind is told, read by its own library.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::gateway::{Gateway, PROGRAM};
use crate::support::{sound, tools};

#[test]
fn a_request_and_its_response_are_told_with_their_ends_and_without_their_secrets() {
    let collector = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    collector.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
    let section = format!("[hep]\ncollector = \"{}\"\ncapture_id = 77\n", collector.local_addr().expect("an address"));
    let gateway = Gateway::start_over("echo", "", &section, "");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let (own, sip) = (socket.local_addr().expect("an address"), gateway.sip());
    let request = format!(
        "OPTIONS sip:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-h1;rport\r\nMax-Forwards: 70\r\nFrom: <sip:trunk@{own}>;tag=h\r\n\
         To: <sip:{sip}>\r\nCall-ID: told-1\r\nCSeq: 1 OPTIONS\r\nAuthorization: Digest username=\"u\", response=\"0123\"\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), sip).expect("the request is sent");
    let mut packets = Vec::new();
    for _ in 0..2 {
        let mut packet = [0; 4096];
        let length = collector.recv(&mut packet).unwrap_or_else(|error| panic!("nothing is told: {error}\n{}", gateway.log()));
        assert!(packet.starts_with(b"HEP3"));
        packets.push(packet[..length].to_vec());
    }
    let Some(read) = read_by_hep_js(gateway.folder(), &packets) else { return };
    let [asked, answered] = read.as_slice() else { panic!("{read:?}") };
    let payload = |told: &Value| told["payload"].as_str().expect("a payload").to_owned();
    assert_eq!(payload(asked), request.replace("0123", "xxxx"));
    assert!(payload(answered).starts_with("SIP/2.0 200 OK\r\n"), "{answered}");
    for (told, from, to) in [(asked, own, sip), (answered, sip, own)] {
        let info = &told["rcinfo"];
        assert_eq!((info["srcIp"].as_str(), info["srcPort"].as_u64()), (Some("127.0.0.1"), Some(from.port().into())), "{info}");
        assert_eq!((info["dstIp"].as_str(), info["dstPort"].as_u64()), (Some("127.0.0.1"), Some(to.port().into())), "{info}");
        assert_eq!((info["payloadType"].as_u64(), info["captureId"].as_u64()), (Some(1), Some(77)), "{info}");
        assert_eq!(info["correlation_id"].as_str(), Some("told-1"), "{info}");
    }
}

#[test]
fn reports_on_the_media_of_a_call_are_told_both_ways_under_its_call_id() {
    let collector = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    collector.set_read_timeout(Some(Duration::from_secs(2))).expect("a time limit");
    let section = format!("[hep]\ncollector = \"{}\"\n", collector.local_addr().expect("an address"));
    let gateway = Gateway::start_over("echo", "", &section, "");
    let (play, record) = (gateway.folder().join("play.wav"), gateway.folder().join("record.wav"));
    sound::write(&play, &[0; 8_000]);
    let mut call = Command::new(PROGRAM);
    call.args(["call", "--to", &gateway.uri("1000"), "--seconds", "20", "--play"]).arg(play).arg("--record").arg(record);
    let mut call = call.stdout(std::process::Stdio::null()).spawn().expect("the built program starts");
    let mut packets = Vec::new();
    let mut packet = [0; 4096];
    let limit = Instant::now() + Duration::from_secs(20);
    // Until both ends have reported what is asked for below.
    let mut reported = BTreeSet::new();
    while reported.len() < 2 && Instant::now() < limit {
        let Ok(length) = collector.recv(&mut packet) else { continue };
        packets.push(packet[..length].to_vec());
        reported.extend(report(&packet[..length]).into_iter().filter(|(_, sent)| *sent > 100).map(|(ssrc, _)| ssrc));
    }
    let _gone = call.kill();
    let _status = call.wait();
    let Some(told) = read_by_hep_js(gateway.folder(), &packets) else { return };
    let (reports, messages): (Vec<_>, Vec<_>) = told.iter().partition(|told| told["rcinfo"]["payloadType"] == 5);
    let invite = messages.iter().find(|told| told["payload"].as_str().is_some_and(|text| text.starts_with("INVITE"))).expect("an INVITE");
    let call_id = &invite["rcinfo"]["correlation_id"];
    assert!(call_id.is_string() && !reports.is_empty(), "{} packets, {} of RTCP\n{}", told.len(), reports.len(), gateway.log());
    // Who reports, from where, and whether of a stream of its own.
    let mut ends = BTreeMap::new();
    for report in &reports {
        let (info, payload) = (&report["rcinfo"], report["payload"].as_str().expect("a payload"));
        assert_eq!(&info["correlation_id"], call_id, "{info}");
        let payload: Value = serde_json::from_str(payload).expect("JSON");
        assert!(payload["ssrc"].is_u64() && payload["report_blocks"].is_array() && !payload.to_string().contains('@'), "{payload}");
        let sent = payload["sender_information"]["packets"].as_u64().unwrap_or_default();
        let end = ends.entry(payload["ssrc"].as_u64()).or_insert((info["srcPort"].clone(), info["dstPort"].clone(), 0));
        assert_eq!((&end.0, &end.1), (&info["srcPort"], &info["dstPort"]), "{info}");
        end.2 = sent.max(end.2);
    }
    let ends: Vec<_> = ends.into_values().collect();
    let [(from, to, sent), (other_from, other_to, other_sent)] = ends.as_slice() else { panic!("{ends:?}\n{}", gateway.log()) };
    assert_eq!((from, to), (other_to, other_from), "what one end sends comes to the other");
    assert!(*sent > 100 && *other_sent > 100, "{sent} and {other_sent} packets are reported");
}

/// Who reports in a packet, and how much it says to have sent.
fn report(packet: &[u8]) -> Option<(u64, u64)> {
    let begin = packet.iter().position(|&octet| octet == b'{')?;
    let report = serde_json::Deserializer::from_slice(&packet[begin..]).into_iter::<Value>().next()?.ok()?;
    Some((report["ssrc"].as_u64()?, report["sender_information"]["packets"].as_u64()?))
}

fn read_by_hep_js(folder: &Path, packets: &[Vec<u8>]) -> Option<Vec<Value>> {
    let node = tools::find("node")?;
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node/node_modules");
    if !modules.join("hep-js").is_dir() {
        tools::skip("hep-js is not installed (make test does it)");
        return None;
    }
    let hex = |packet: &Vec<u8>| {
        packet.iter().fold(String::new(), |mut text, octet| {
            write!(text, "{octet:02x}").expect("a string takes all");
            text
        })
    };
    let file = folder.join("packets.txt");
    std::fs::write(&file, packets.iter().map(hex).collect::<Vec<_>>().join("\n")).expect("the packets are written");
    let script = "const lines = require('fs').readFileSync(process.argv[1], 'utf8').split('\\n');\
                  for (const line of lines) console.log(JSON.stringify(require('hep-js').decapsulate(Buffer.from(line, 'hex'))));";
    let mut command = Command::new(node);
    command.args(["-e", script]).arg(&file).env("NODE_PATH", modules);
    let output = tools::run(&mut command, Duration::from_secs(20));
    tools::assert_success("hep-js", &output);
    Some(String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}
