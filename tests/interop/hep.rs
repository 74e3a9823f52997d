//! What a collector of Homer's kind is told, read by its own library.

use std::fmt::Write as _;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::gateway::Gateway;
use crate::support::tools;

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
