//! The agent of the benchmark: echoes each append at once as one endless item, and times the impulses in it.
//!
//! OpenAI Realtime, GA shape, as far as a gateway needs it to believe in an agent.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::clock;
use super::trace::{BITS, IMPULSE_THRESHOLD, PREAMBLE, Trace, has_impulse};
use super::ulaw::Ulaw;

/// Serves forever on a runtime of this thread.
pub(crate) fn serve(listen: SocketAddr, tls: Option<TlsAcceptor>, trace: Arc<Trace>) -> Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("agent on {listen}"))?;
        println!("AGENT {listen}");
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (tls, trace) = (tls.clone(), Arc::clone(&trace));
            tokio::spawn(async move {
                // A connection ends with its call, as a rule without a closing handshake; what it measured stands in the trace.
                let _ended = match tls {
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => converse(stream, &trace).await,
                        Err(error) => Err(error.into()),
                    },
                    None => converse(stream, &trace).await,
                };
            });
        }
    })
}

/// A certificate for this machine of an authority of its own: the acceptor, and the authority as PEM.
pub(crate) fn private_tls() -> Result<(TlsAcceptor, String)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let (certificate, key) = (CertificateDer::from(made.cert.der().to_vec()), PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())?;
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: S, trace: &Trace) -> Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(8 * 1024).write_buffer_size(0).max_write_buffer_size(1 << 20);
    let mut socket = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
    socket.send(text(&json!({ "type": "session.created", "event_id": "event_1", "session": { "type": "realtime", "object": "realtime.session", "id": "sess_1" } }))).await?;
    let mut heard = Heard::new();
    let mut begun = false;
    while let Some(message) = socket.next().await {
        let arrived = clock::now();
        let Message::Text(message) = message? else { continue };
        match serde_json::from_str::<FromGateway<'_>>(&message)? {
            FromGateway { kind: "input_audio_buffer.append", audio: Some(audio), .. } => {
                if !begun {
                    begun = true;
                    for event in beginning() {
                        socket.send(text(&event)).await?;
                    }
                }
                heard.append(audio, arrived, trace)?;
                socket.send(Message::text(format!("{DELTA}{audio}\"}}"))).await?;
            }
            FromGateway { kind: "session.update", session: Some(mut session), .. } => {
                heard.ulaw = session.pointer("/audio/input/format/type").is_some_and(|format| format == "audio/pcmu");
                session["object"] = json!("realtime.session");
                session["id"] = json!("sess_1");
                socket.send(text(&json!({ "type": "session.updated", "event_id": "event_2", "session": session }))).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct FromGateway<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    audio: Option<&'a str>,
    session: Option<Value>,
}

/// What precedes the first delta: one response with one item that never ends.
fn beginning() -> [Value; 4] {
    let item = json!({ "id": "item_echo", "object": "realtime.item", "type": "message", "role": "assistant", "status": "in_progress", "content": [] });
    [
        json!({ "type": "response.created", "event_id": "event_3", "response": { "id": "resp_echo", "object": "realtime.response", "status": "in_progress", "output": [] } }),
        json!({ "type": "response.output_item.added", "event_id": "event_4", "response_id": "resp_echo", "output_index": 0, "item": item }),
        json!({ "type": "conversation.item.added", "event_id": "event_5", "previous_item_id": null, "item": item }),
        json!({ "type": "response.content_part.added", "event_id": "event_6", "response_id": "resp_echo", "item_id": "item_echo", "output_index": 0,
                "content_index": 0, "part": { "type": "audio", "transcript": "" } }),
    ]
}

fn text(event: &Value) -> Message {
    Message::text(event.to_string())
}

/// The audio of one connection: which caller it is, and where its impulses stand.
struct Heard {
    /// Whether the gateway sends μ-law.
    ulaw: bool,
    /// Samples so far.
    position: u64,
    /// Where the preamble began.
    begin: Option<u64>,
    caller: usize,
    /// Samples in which no impulse is looked for: the ringing of the last one.
    deaf_until: u64,
}

impl Heard {
    fn new() -> Self {
        Self { ulaw: false, position: 0, begin: None, caller: 0, deaf_until: 0 }
    }

    fn append(&mut self, audio: &str, arrived: u64, trace: &Trace) -> Result<()> {
        trace.appends.fetch_add(u64::from(trace.is_measuring()), Ordering::Relaxed);
        let bytes = base64_simd::STANDARD.decode_to_vec(audio).map_err(|_| anyhow::anyhow!("not base64"))?;
        if self.ulaw {
            bytes.iter().for_each(|&code| self.sample(ULAW.decode(code), 160, arrived, trace));
        } else {
            bytes.chunks_exact(2).for_each(|pair| self.sample(i16::from_le_bytes([pair[0], pair[1]]), 480, arrived, trace));
        }
        Ok(())
    }

    fn sample(&mut self, sample: i16, packet: u64, arrived: u64, trace: &Trace) {
        let at = self.position;
        self.position += 1;
        if sample.saturating_abs() < IMPULSE_THRESHOLD || at < self.deaf_until {
            return;
        }
        self.deaf_until = at + packet / 4;
        let Some(begin) = self.begin else {
            self.begin = Some(at);
            return;
        };
        let number = (at - begin + packet / 2) / packet;
        if number <= BITS {
            self.caller |= 1 << (number.max(1) - 1);
        } else if trace.is_measuring() && has_impulse(self.caller, PREAMBLE + number) {
            let sent = trace.sent(self.caller, PREAMBLE + number);
            if let Ok(mut uplink) = trace.uplink.lock() {
                uplink.push(arrived.saturating_sub(sent));
            }
        }
    }
}

const DELTA: &str = r#"{"type":"response.output_audio.delta","event_id":"event_7","response_id":"resp_echo","item_id":"item_echo","output_index":0,"content_index":0,"delta":""#;
static ULAW: LazyLock<Ulaw> = LazyLock::new(Ulaw::new);
