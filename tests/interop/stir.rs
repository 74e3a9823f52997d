//! Who answers for a caller's number, over sockets: a gateway that calls itself, and a foreign reader of what it signs.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::support::gateway::Gateway;
use crate::support::tools;

/// The section of the configuration, with files of an authority and of a provider's certificate in `folder`, served by TLS.
fn stir(folder: &Path) -> String {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("an authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).expect("it signs itself").pem();
    let key = KeyPair::generate().expect("a key");
    let mut provider = CertificateParams::new(Vec::new()).expect("a provider");
    // TNAuthList of the provider with the code 1234 (RFC 8226 section 9).
    let list = vec![0x30, 8, 0xa0, 6, 0x16, 4, b'1', b'2', b'3', b'4'];
    provider.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list)];
    let chain = provider.signed_by(&key, &Issuer::new(authority, authority_key)).expect("it is signed").pem();
    let web = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    for (name, text) in [("root.pem", &root), ("chain.pem", &chain), ("key.pem", &key.serialize_pem()), ("web.pem", &web.cert.pem())] {
        std::fs::write(folder.join(name), text).expect("the file is written");
    }
    let here = serve(&web, chain);
    format!(
        r#"
[stir]
certificate = "{folder}/chain.pem"
private_key = "{folder}/key.pem"
certificate_url = "https://{here}/chain.pem"
authorities = "{folder}/root.pem"

[https_client]
allowed_networks = ["127.0.0.1"]
ports = [{port}]
authorities = "{folder}/web.pem"
"#,
        folder = folder.display(),
        port = here.port()
    )
}

/// A server that gives the chain to whoever asks by TLS.
fn serve(web: &rcgen::CertifiedKey<KeyPair>, chain: String) -> SocketAddr {
    let key = PrivateKeyDer::try_from(web.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let certificate = CertificateDer::from(web.cert.der().to_vec());
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).expect("a server"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let Ok(connection) = rustls::ServerConnection::new(Arc::clone(&config)) else { continue };
            let mut stream = rustls::StreamOwned::new(connection, socket);
            let mut request = [0; 4096];
            let _read = stream.read(&mut request);
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{chain}", chain.len());
            let _written = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _flushed = stream.flush();
        }
    });
    here
}

/// `{own}` stands for the gateway's own address.
fn sections(stir: &str, carrier: SocketAddr) -> String {
    format!(
        r#"
{stir}
[trunks.itself]
addresses = ["127.0.0.1"]
target = "sip:{{own}}"
caller_id = "+12155550121"
stir = "require"
sign = "a"
probe_s = 0

[trunks.carrier]
target = "sip:{carrier}"
caller_id = "+12155550121"
sign = "a"
probe_s = 0

[numbers."+12155550131"]
agent = "linear"

[outbound]
enabled = true
routes = [{{ prefix = "+1", trunks = ["itself"] }}, {{ prefix = "+44", trunks = ["carrier"] }}]

[tenants.org_default]
countries = ["US", "GB"]
"#
    )
}

#[test]
fn what_the_gateway_signs_it_verifies_itself_and_an_unsigned_caller_is_asked_for_a_signature() {
    let folder = tempfile::tempdir().expect("a folder");
    let carrier = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    carrier.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let section = stir(folder.path());
    let to = carrier.local_addr().expect("an address");
    let gateway = Gateway::start_over("echo", "", &sections(&section, to), "");
    call(&gateway, "+12155550131");
    let inbound = |calls: &[serde_json::Value]| calls.iter().find(|call| call["direction"] == "inbound").map(|call| call["id"].clone());
    gateway.wait_for_calls("the call comes back to us", |calls| inbound(calls).is_some());
    let id = inbound(&gateway.calls()).expect("a call").as_str().expect("an id").to_owned();
    let record = gateway.get(&format!("/v1/calls/{id}")).json;
    let found = &record["caller_verification"];
    assert_eq!(
        (found["status"].as_str(), found["attestation"].as_str(), found["reason"].as_str()),
        (Some("passed"), Some("A"), None),
        "{record}"
    );
    let shown = gateway.get(&format!("/v1/calls/{id}/ladder?format=text")).body;
    let identity = shown.lines().find(|line| line.starts_with("Identity: ")).expect("it was signed");
    assert!(identity.starts_with("Identity: xxx") && identity.ends_with("alg=ES256;ppt=shaken"), "the token is masked: {identity}");

    let refused = ask_unsigned(&gateway);
    assert!(refused.starts_with("SIP/2.0 428 Use Identity Header\r\n"), "{refused}");

    call(&gateway, "+442071838750");
    let mut datagram = [0; 8192];
    let (length, _) = carrier.recv_from(&mut datagram).expect("the INVITE");
    read_by_pyjwt(&String::from_utf8_lossy(&datagram[..length]), &folder.path().join("chain.pem"));
}

/// Calls a number, as soon as the address of its trunk is known.
fn call(gateway: &Gateway, to: &str) {
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let started = gateway.post("/v1/calls", &format!(r#"{{"to": "{to}", "agent": "linear"}}"#));
        if started.status == 201 {
            return;
        }
        assert!(started.status == 503 && Instant::now() < limit, "{}", started.body);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What an INVITE without Identity is answered with, once something else than 100 comes.
fn ask_unsigned(gateway: &Gateway) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
    let own = socket.local_addr().expect("an address");
    let sip = gateway.sip();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
    let invite = format!(
        "INVITE sip:+12155550131@{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-u1;rport\r\nMax-Forwards: 70\r\nFrom: <sip:+12155550199@{own}>;tag=u\r\n\
         To: <sip:+12155550131@{sip}>\r\nCall-ID: unsigned@{own}\r\nCSeq: 1 INVITE\r\nContact: <sip:{own}>\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    socket.send_to(invite.as_bytes(), sip).expect("it is sent");
    let mut datagram = [0; 8192];
    loop {
        let length = socket.recv(&mut datagram).expect("an answer");
        let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
        if !text.starts_with("SIP/2.0 100") {
            return text;
        }
    }
}

fn read_by_pyjwt(invite: &str, certificate: &Path) {
    let header = invite.lines().find_map(|line| line.strip_prefix("Identity: ")).unwrap_or_else(|| panic!("no Identity in {invite}"));
    assert!(invite.contains("\r\nDate: "), "{invite}");
    let Some(python) = tools::python() else { return };
    let token = header.split(';').next().expect("a token");
    let mut command = Command::new(python);
    command.arg("tests/support/verify_passport.py").arg(certificate).arg(token);
    let output = tools::run(&mut command, Duration::from_secs(20));
    tools::assert_success("PyJWT", &output);
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((read["header"]["ppt"].as_str(), read["header"]["typ"].as_str()), (Some("shaken"), Some("passport")), "{read}");
    assert_eq!(
        (read["claims"]["orig"]["tn"].as_str(), read["claims"]["dest"]["tn"][0].as_str()),
        (Some("12155550121"), Some("442071838750")),
        "{read}"
    );
    assert_eq!(read["claims"]["attest"], "A");
}
