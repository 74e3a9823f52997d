//! One connection of WebSocket, whether over TLS or not (RFC 7118): one message of SIP is one message of WebSocket, text or binary.
//!
//! The subprotocol `sip` must be asked for; without it the handshake is refused with 400. Left out: connections that we would open, since
//! browsers do not listen; compression, which buys nothing for a kilobyte a call.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sip::endpoint::Transmit;
use sip::message::MAX_MESSAGE_BYTES;
use sip::transport::{Flow, PING, PONG, Side};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header::SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::Shared;
use super::connection::Patience;

/// Answers the handshake.
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Option<WebSocketStream<S>> {
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    accept_hdr_async_with_config(stream, agree, Some(config)).await.ok()
}

#[expect(clippy::result_large_err, reason = "the type of the answer is the library's")]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let asked = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if asked.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case(SUBPROTOCOL)) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some("the subprotocol sip is spoken here".to_owned()));
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    Err(refusal)
}

/// Reads and writes until either side ends it, and returns what was not written first.
pub(super) async fn run<S>(
    shared: &Shared,
    flow: Flow,
    queue: &mut mpsc::Receiver<Transmit>,
    mut socket: WebSocketStream<S>,
) -> Option<Transmit>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut patience = Patience::new(shared, Side::Accepted);
    loop {
        tokio::select! {
            read = socket.next() => {
                let message = match read {
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    // The library answers pings by itself.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Bytes::new(),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                };
                patience.heard();
                patience.spoke();
                if message.starts_with(PING) && message.len() == PING.len() {
                    write(&mut socket, &Bytes::from_static(PONG)).await?;
                } else if !message.iter().all(u8::is_ascii_whitespace) {
                    shared.deliver(flow, message).await;
                }
            }
            waiting = queue.recv() => {
                let Some(transmit) = waiting else {
                    let _ = timeout(WRITE, socket.close(None)).await;
                    return None;
                };
                if write(&mut socket, &transmit.bytes).await.is_none() {
                    return Some(transmit);
                }
            }
            // Nothing but an end falls due on a connection that was accepted.
            () = sleep_until(patience.due(false)) => return None,
        }
    }
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, bytes: &Bytes) -> Option<()> {
    let message = match Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes.clone()),
    };
    timeout(WRITE, socket.send(message)).await.ok()?.ok()
}

const SUBPROTOCOL: &str = "sip";
/// How long a peer may take to read one message of ours.
const WRITE: Duration = Duration::from_secs(5);
/// Two of the longest messages.
const MAX_WRITE_BUFFER: usize = 128 << 10;
