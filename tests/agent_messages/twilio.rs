//! Twilio Media Streams: the signature by which a bot knows its carrier.

use auricle::agent::client::{AgentEndpoint, establish};
use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::said::validate;

#[tokio::test]
async fn the_handshake_is_signed_as_the_vendors_library_asks_for() {
    let mut lines = Vec::new();
    for path in ["/", "/twilio/media?practice=north&x=1", "/a%20b"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}{path}", listener.local_addr().unwrap());
        // A variable that is set everywhere plays the token.
        let config = AgentConfig {
            protocol: Protocol::Twilio,
            format: WireFormat::Pcmu,
            api_key_env: Some("PATH".into()),
            ..AgentConfig::at(url.clone())
        };
        let Ok(endpoint) = AgentEndpoint::new(&config) else { panic!("{url} can be dialled") };
        let dialling = tokio::spawn(async move { establish(&endpoint).await.unwrap().upgrade().await.is_ok() });
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = socket.read(&mut request).await.unwrap();
        dialling.abort();
        let text = String::from_utf8_lossy(&request[..length]).into_owned();
        let signature = text.lines().find_map(|line| line.to_lowercase().starts_with("x-twilio-signature: ").then(|| &line[20..]));
        let signature = signature.unwrap_or_else(|| panic!("the request is signed: {text}")).trim();
        lines.push(serde_json::json!({"type": "handshake", "url": url, "signature": signature}).to_string());
    }
    validate("twilio", &lines);
}
