//! From a URL to an open socket, and the ways in which that fails.

use std::sync::Arc;
use std::time::Duration;

use auricle::agent::client::{AgentEndpoint, ConnectError, Stage, establish};
use auricle::agent::config::{AgentConfig, WireFormat};
use auricle::agent::simulator::{Behaviour, Config};
use media::frame::AudioFormat;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::link::{Link, agent_at, open_socket, simulate};

/// A server's settings and the PEM of the certificate it shows.
pub(crate) fn self_signed() -> (Arc<rustls::ServerConfig>, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![cert.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (Arc::new(config), cert.pem())
}

#[tokio::test]
async fn over_tls_every_byte_comes_back() {
    let (tls, certificate) = self_signed();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let (address, _) = simulate(Config { tls: Some(tls), ..Config::new(Behaviour::Echo) }).await;
    let config = AgentConfig { ca_file: Some(ca_file), ..AgentConfig::at(format!("wss://localhost:{}/", address.port())) };
    let mut link = Link::ready(&config).await;
    let audio: Vec<u8> = (0..480_000u32).map(|n| (n * 31 % 253) as u8).collect();
    for chunk in audio.chunks(4_800) {
        link.push(AudioFormat::from(WireFormat::Pcm24k), chunk);
        let received = link.heard.audio.len();
        link.until("the echo of a chunk", |link| link.heard.audio.len() > received).await;
    }
    link.until("the echo", |link| link.heard.audio.len() >= audio.len()).await;
    assert_eq!(link.heard.audio, audio);
}

#[tokio::test]
async fn a_handshake_of_one_runtime_is_spoken_on_in_another() {
    let (tls, certificate) = self_signed();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let (address, _) = simulate(Config { tls: Some(tls), ..Config::new(Behaviour::Echo) }).await;
    let config = AgentConfig { ca_file: Some(ca_file), ..AgentConfig::at(format!("wss://localhost:{}/", address.port())) };
    let established = establish(&AgentEndpoint::new(&config).unwrap()).await.unwrap();
    let media_thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { established.upgrade().await.unwrap().receive().await.message().is_some() })
    });
    let greeted = tokio::task::spawn_blocking(|| media_thread.join().unwrap()).await.unwrap();
    assert!(greeted, "session.created arrived on the media thread");
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_not_trusted() {
    let (tls, _) = self_signed();
    let (address, _) = simulate(Config { tls: Some(tls), ..Config::new(Behaviour::Echo) }).await;
    let config = AgentConfig::at(format!("wss://localhost:{}/", address.port()));
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn the_key_opens_the_door_and_nothing_else_does() {
    let (address, _) = simulate(Config { api_key: Some("sk-right".into()), ..Config::new(Behaviour::Echo) }).await;
    let mut config = agent_at(address, WireFormat::Pcmu);
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Refused { status: 401 }), "{error:?}");
    assert!(!error.is_retryable());
    // A variable that is set everywhere plays the key: tests cannot set one without unsafe code.
    let key = std::env::var("PATH").unwrap();
    config.api_key_env = Some("PATH".into());
    let (address, _) = simulate(Config { api_key: Some(key.into()), ..Config::new(Behaviour::Echo) }).await;
    config.url = format!("ws://{address}/");
    Link::ready(&config).await;
}

#[tokio::test]
async fn nobody_listening_is_worth_a_second_try() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = open_socket(&agent_at(address, WireFormat::Pcmu)).await.err().unwrap();
    assert!(matches!(error, ConnectError::Connect { .. }) && error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn audio_does_not_leave_the_private_network_in_the_clear() {
    let config = AgentConfig::at("ws://203.0.113.7:9/");
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Plaintext), "{error:?}");
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = agent_at(listener.local_addr().unwrap(), WireFormat::Pcmu);
    config.connect_timeout_ms = 500;
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Timeout { stage: Stage::Upgrading }), "{error:?}");
    config.url = config.url.replace("ws://", "wss://");
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Timeout { stage: Stage::Connecting }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_overloaded_is_worth_a_second_try_and_a_web_page_is_not() {
    for (answer, retryable) in [("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", true), ("SSH-2.0-OpenSSH_9.2\r\n\r\n", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut request = [0; 2048];
            let _ = tcp.read(&mut request).await.unwrap();
            tcp.write_all(answer.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        });
        let error = open_socket(&agent_at(address, WireFormat::Pcmu)).await.err().unwrap();
        assert_eq!(error.is_retryable(), retryable, "{error:?}");
        server.abort();
    }
}

/// A proxy that lets `wanted` pass, and says `refusal` to all else.
pub(crate) async fn proxy(wanted: String, refusal: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let wanted = wanted.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().replace("localhost", "127.0.0.1");
                if !head.starts_with("CONNECT ") || !head.contains(&wanted) {
                    return near.write_all(refusal.as_bytes()).await.unwrap();
                }
                let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                near.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n").await.unwrap();
                let _over = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn through_a_proxy_tls_goes_untouched_and_a_refusal_is_told() {
    let (tls, certificate) = self_signed();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let (address, _) = simulate(Config { tls: Some(tls), ..Config::new(Behaviour::Echo) }).await;
    // A variable that is set everywhere plays the credentials: tests cannot set one without unsafe code.
    let credentials = base64_simd::STANDARD.encode_to_string(std::env::var("PATH").unwrap());
    let way = proxy(format!("Proxy-Authorization: Basic {credentials}\r\n"), "HTTP/1.1 407 Who are you\r\n\r\n").await;
    let mut config = AgentConfig {
        ca_file: Some(ca_file),
        proxy: Some(format!("http://{way}")),
        proxy_credentials_env: Some("PATH".into()),
        ..AgentConfig::at(format!("wss://localhost:{}/", address.port()))
    };
    assert_eq!(config.faults(), []);
    Link::ready(&config).await;
    config.proxy_credentials_env = None;
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Proxy { status: Some(407) }) && !error.is_retryable(), "{error:?}");
    let silent = proxy(String::from("nothing"), "SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    config.proxy = Some(format!("http://{silent}"));
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Proxy { status: None }), "{error:?}");
}
