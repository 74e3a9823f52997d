//! Agents that are asked for over HTTP before they are dialled: Ultravox, and bots of Pipecat Cloud.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auricle::agent::client::ConnectError;
use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::simulator::{Behaviour, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::connecting::self_signed;
use crate::link::{Link, open_socket, simulate};

fn ultravox(url: String) -> AgentConfig {
    let config = AgentConfig { protocol: Protocol::Ultravox, format: WireFormat::Pcm8k, ..AgentConfig::at(url) };
    assert_eq!(config.faults(), []);
    config
}

fn pipecat(url: String) -> AgentConfig {
    AgentConfig { protocol: Protocol::Pipecat, format: WireFormat::Pcm16k, ..AgentConfig::at(url) }
}

/// A server that answers one question so; what it was asked.
async fn answering(answer: String) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut question = vec![0; 16_384];
        let length = tcp.read(&mut question).await.unwrap();
        tcp.write_all(answer.as_bytes()).await.unwrap();
        tcp.shutdown().await.unwrap();
        question.truncate(length);
        String::from_utf8_lossy(&question).into_owned()
    });
    (address, asked)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Counts connections on their way to `to`.
async fn counting(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut far = tokio::net::TcpStream::connect(to).await.unwrap();
                let _over = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn both_the_question_and_the_socket_go_by_the_proxy_and_by_our_own_authority() {
    let (tls, certificate) = self_signed();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let key = std::env::var("PATH").unwrap();
    let (address, seen) = simulate(Config {
        protocol: Protocol::Ultravox,
        tls: Some(tls),
        // A variable that is set everywhere plays the key: tests cannot set one without unsafe code.
        api_key: Some(key.into()),
        ..Config::new(Behaviour::Echo)
    })
    .await;
    let door = crate::connecting::proxy(String::new(), "").await;
    let (door, connections) = counting(door).await;
    let config = AgentConfig {
        ca_file: Some(ca_file),
        proxy: Some(format!("http://{door}")),
        api_key_env: Some("PATH".into()),
        ..ultravox(format!("https://localhost:{}/api/calls", address.port()))
    };
    assert_eq!(config.faults(), []);
    Link::ready(&config).await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    assert_eq!(seen.sessions().len(), 1);
    let untrusted = AgentConfig { ca_file: None, ..config.clone() };
    assert!(matches!(open_socket(&untrusted).await.err().unwrap(), ConnectError::Tls { .. }));
    let stranger = AgentConfig { api_key_env: None, ..config };
    let error = open_socket(&stranger).await.err().unwrap();
    assert!(matches!(error, ConnectError::Refused { status: 403 }) && !error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_call_is_asked_for_once_with_the_key_and_joined_without_it() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let join = format!("ws://{}/calls/c-1?token=hush", socket.local_addr().unwrap());
    let (address, asked) = answering(http("201 Created", &format!(r#"{{"callId":"c-1","joinUrl":"{join}"}}"#))).await;
    let config = AgentConfig { api_key_env: Some("PATH".into()), ..ultravox(format!("http://{address}/api/agents/a-1/calls?x=1")) };
    let dialling = tokio::spawn(async move { open_socket(&config).await.is_ok() });
    let (mut tcp, _) = socket.accept().await.unwrap();
    let mut handshake = vec![0; 4096];
    let length = tcp.read(&mut handshake).await.unwrap();
    dialling.abort();
    let handshake = String::from_utf8_lossy(&handshake[..length]).to_lowercase();
    let question = asked.await.unwrap();
    assert!(question.starts_with("POST /api/agents/a-1/calls?x=1 HTTP/1.1\r\n"), "{question}");
    let key = std::env::var("PATH").unwrap();
    assert!(question.contains(&format!("x-api-key: {key}\r\n")) && question.contains(r#""serverWebSocket":{"inputSampleRate":8000"#));
    assert!(handshake.starts_with("get /calls/c-1?token=hush http/1.1\r\n"), "{handshake}");
    assert!(!handshake.contains("x-api-key") && !handshake.contains(&key.to_lowercase()));
}

#[tokio::test]
async fn an_answer_that_leads_nowhere_or_out_of_the_network_is_not_followed() {
    for (answer, retryable, status) in [
        (http("429 Too Many Requests", "{}"), true, Some(429)),
        (http("402 Payment Required", "{}"), false, Some(402)),
        (http("307 Temporary Redirect", "{}").replace("content-type", "location: http://127.0.0.1:1/\r\nx"), false, Some(307)),
        (http("201 Created", "{}"), false, None),
        (http("201 Created", "not JSON"), false, None),
        (http("201 Created", r#"{"joinUrl":"http://127.0.0.1/"}"#), false, None),
        (http("201 Created", r#"{"joinUrl":"ws://203.0.113.7:9/"}"#), false, None),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), false, None),
        (http("201 Created", &format!(r#"{{"x":"{}"}}"#, "x".repeat(2 << 20))), false, None),
    ] {
        let shown: String = answer.chars().take(120).collect();
        let (address, _asked) = answering(answer).await;
        let error = open_socket(&ultravox(format!("http://{address}/api/calls"))).await.err().unwrap();
        assert_eq!(error.is_retryable(), retryable, "{shown}: {error:?}");
        match status {
            Some(expected) => assert!(matches!(error, ConnectError::Refused { status } if status == expected), "{shown}: {error:?}"),
            None => assert!(matches!(error, ConnectError::NoMeeting | ConnectError::Plaintext), "{shown}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn whoever_was_asked_over_tls_is_not_met_in_the_clear() {
    let (tls, certificate) = self_signed();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = tokio_rustls::TlsAcceptor::from(tls).accept(tcp).await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(http("201 Created", r#"{"joinUrl":"ws://127.0.0.1:9/"}"#).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let config = AgentConfig { ca_file: Some(ca_file), ..ultravox(format!("https://localhost:{port}/api/calls")) };
    let error = open_socket(&config).await.err().unwrap();
    assert!(matches!(error, ConnectError::Plaintext), "{error:?}");
}

#[tokio::test]
async fn a_bot_of_pipecat_cloud_is_started_and_let_us_in_by_its_token() {
    let key = std::env::var("PATH").unwrap();
    let simulated = Config {
        protocol: Protocol::Pipecat,
        format: WireFormat::Pcm16k.into(),
        api_key: Some(key.into()),
        ..Config::new(Behaviour::Echo)
    };
    let (address, seen) = simulate(simulated).await;
    let config = AgentConfig { api_key_env: Some("PATH".into()), ..pipecat(format!("http://{address}/v1/public/appointments/start")) };
    assert_eq!(config.faults(), []);
    let mut link = Link::ready(&config).await;
    link.push(WireFormat::Pcm16k.into(), &[7; 640]);
    link.until("the echo", |link| link.heard.audio.len() >= 640).await;
    let session = seen.sessions().pop().unwrap();
    assert_eq!((session.requests.first().map(String::as_str), session.errors), (Some("arrange"), vec![]));
    // The token is good once: whoever comes without one needs the key, as at any bot.
    assert!(matches!(open_socket(&pipecat(format!("ws://{address}/ws"))).await.err().unwrap(), ConnectError::Refused { status: 401 }));
}

#[tokio::test]
async fn a_bot_is_told_of_its_call_and_of_numbers_only_where_they_may_be_told() {
    for told in [false, true] {
        let (address, asked) = answering(http("200 OK", "{}")).await;
        let config = AgentConfig {
            tell_numbers: told,
            parameters: [("practice".to_owned(), "north".to_owned())].into(),
            ..pipecat(format!("http://{address}/v1/public/appointments/start"))
        };
        assert_eq!(config.faults(), []);
        assert!(open_socket(&config).await.is_err());
        let question = asked.await.unwrap();
        let body: serde_json::Value = serde_json::from_str(question.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let settings = &body["body"]["dialin_settings"];
        assert_eq!((&body["transport"], &body["body"]["practice"]), (&"websocket".into(), &"north".into()));
        assert!(settings["call_id"].as_str().unwrap().starts_with("call_") && settings["call_domain"] == "auricle");
        assert_eq!(settings["From"].as_str(), told.then_some("+15550100"));
        assert_eq!(settings["To"].as_str(), told.then_some("+15550199"));
    }
}
