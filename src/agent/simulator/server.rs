//! The simulator's sockets: one task a connection, dull on purpose.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::{Callback, ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::Config;
use super::asked::{Asked, is_question};
use super::conversation::{Arranged, Conversation};
use super::observations::{SessionHandle, lock};
use super::recorder::{Recorder, Recording};
use super::wire::{self, Output};
use crate::agent::config::Protocol;
use crate::agent::model::AgentMessage;
use crate::agent::protocol;

/// Serves until `shutdown` is ready; then every connection is dropped.
pub async fn serve(listener: TcpListener, config: Config, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let config = Arc::new(config);
    let asked = Asked::default();
    let recorder = Recorder::open(config.log_received.as_deref(), config.dump_audio.clone())?;
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) if connections.len() >= MAX_CONNECTIONS => drop(tcp),
                Ok((tcp, _)) => {
                    let recording = recorder.begin();
                    connections.spawn(connection(tcp, config.clone(), asked.clone(), recording));
                }
                // No descriptor is left, most likely: others must end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
}

async fn connection(tcp: TcpStream, config: Arc<Config>, asked: Asked, recording: Recording) {
    // A socket without the option only adds delay.
    let _ = tcp.set_nodelay(true);
    match config.tls.clone() {
        None => receive(tcp, config, asked, recording).await,
        Some(tls) => {
            if let Ok(stream) = TlsAcceptor::from(tls).accept(tcp).await {
                receive(stream, config, asked, recording).await;
            }
        }
    }
}

/// Either a question over HTTP or the handshake of a WebSocket.
async fn receive<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, config: Arc<Config>, asked: Asked, recording: Recording) {
    if !wire::may_be_asked_for(config.protocol) {
        return websocket(stream, config, asked, recording).await;
    }
    // Whoever breaks off here wanted nothing.
    match is_question(&mut stream).await {
        Ok((true, mut stream)) => drop(asked.answer(&mut stream, &config).await),
        Ok((false, stream)) => websocket(stream, config, asked, recording).await,
        Err(_) => {}
    }
}

async fn websocket<S: AsyncRead + AsyncWrite + Unpin>(stream: S, config: Arc<Config>, asked: Asked, recording: Recording) {
    let mut arranged = None;
    let gate = Gate { config: config.clone(), asked, arranged: &mut arranged };
    let Ok(stream) = accept_hdr_async_with_config(stream, gate, Some(websocket_config())).await else { return };
    let seen = config.observations.begin();
    let mut conversation = Conversation::new(config, seen.clone());
    if let Some(arranged) = arranged {
        conversation.begin_as_arranged(std::time::Instant::now(), arranged);
    }
    // However it ends, it is over.
    let _ = converse(stream, conversation, recording).await;
    over(&seen);
}

fn over(seen: &SessionHandle) {
    lock(seen).closed = true;
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: WebSocketStream<S>,
    mut conversation: Conversation,
    mut recording: Recording,
) -> Result<(), tungstenite::Error> {
    // Once it has said goodbye it only waits for the other's: what comes between counts no more.
    let mut parting = false;
    loop {
        while let Some(output) = conversation.poll_output() {
            match output {
                Output::Send(_) | Output::SendBytes(_) if parting => {}
                Output::Send(text) => stream.send(Message::text(text)).await?,
                Output::SendBytes(bytes) => stream.send(Message::binary(bytes)).await?,
                Output::Close(code, reason) if !parting => {
                    parting = true;
                    stream.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await?;
                }
                Output::Close(..) => {}
                Output::Drop => return Ok(()),
                Output::Stall => std::future::pending().await,
            }
        }
        let deadline = conversation.poll_timeout();
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(_)) if parting => {}
                Some(Ok(Message::Text(text))) => {
                    recording.record(&text);
                    conversation.handle_message(std::time::Instant::now(), AgentMessage::Text(&text));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    recording.record_bytes(&bytes);
                    conversation.handle_message(std::time::Instant::now(), AgentMessage::Binary(&bytes));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(deadline.unwrap_or_else(far_away).into()), if deadline.is_some() => {
                conversation.handle_timeout(Instant::now().into_std());
            }
        }
    }
}

fn far_away() -> std::time::Instant {
    std::time::Instant::now() + Duration::from_secs(3600)
}

/// Lets those in who show the key, where there is one, and speak what is spoken here; no retired shape of a protocol.
struct Gate<'a> {
    config: Arc<Config>,
    asked: Asked,
    /// What was asked for at the door that is opened.
    arranged: &'a mut Option<Arranged>,
}

impl Callback for Gate<'_> {
    fn on_request(self, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        *self.arranged = self.asked.take(request, self.config.protocol);
        if self.arranged.is_none() && !self.is_let_in(request) {
            return Err(refusal(StatusCode::UNAUTHORIZED));
        }
        if request.headers().contains_key("openai-beta") {
            return Err(refusal(StatusCode::BAD_REQUEST));
        }
        // RFC 6455 §1.9: of what is offered one is taken.
        let wanted = protocol::upgrade_headers(self.config.protocol).remove(SEC_WEBSOCKET_PROTOCOL);
        let offered = request.headers().get(SEC_WEBSOCKET_PROTOCOL);
        match (wanted, offered) {
            (None, _) => {}
            (Some(wanted), Some(offered)) if wanted == *offered => {
                let first = offered.to_str().unwrap_or_default().split(',').next().unwrap_or_default();
                let taken = HeaderValue::from_str(first).map_err(|_| refusal(StatusCode::BAD_REQUEST))?;
                response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, taken);
            }
            (Some(_), _) => return Err(refusal(StatusCode::BAD_REQUEST)),
        }
        Ok(response)
    }
}

impl Gate<'_> {
    fn is_let_in(&self, request: &Request) -> bool {
        if self.config.protocol == Protocol::Ultravox {
            return false;
        }
        let Some(key) = &self.config.api_key else { return true };
        let scheme = if self.config.tls.is_some() { "wss" } else { "ws" };
        let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let url = format!("{scheme}://{host}{}", request.uri());
        let expected = protocol::credentials(self.config.protocol, &url, key.expose_secret()).unwrap_or_default();
        !expected.is_empty() && expected.iter().all(|(name, value)| request.headers().get(name) == Some(value))
    }
}

fn refusal(status: StatusCode) -> ErrorResponse {
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = status;
    refusal
}

/// Small buffers: the simulator of a measurement must not be what is measured.
fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024 * 1024)
        .max_message_size(Some(MAX_MESSAGE_LEN_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_LEN_BYTES))
}

/// Beyond this a client is turned away at the door.
const MAX_CONNECTIONS: usize = 8_192;

/// Room for an append beyond the service's bound, so that it is refused by an event and not by the socket.
const MAX_MESSAGE_LEN_BYTES: usize = 24 * 1024 * 1024;
