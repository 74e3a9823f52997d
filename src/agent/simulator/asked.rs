//! Conversations that are asked for over HTTP: the question, its answer, and the door that opens once.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use secrecy::ExposeSecret;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderName};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};

use super::Config;
use super::conversation::Arranged;
use super::observations::lock;
use super::wire::{self, Door, Refusal};
use crate::agent::config::Protocol;
use crate::agent::protocol;

/// What was asked for and not yet opened; clones share.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Doors>>);

#[derive(Default)]
struct Doors {
    open: HashMap<String, Arranged>,
    made: u64,
}

/// A question: its head, and its body.
struct Question {
    headers: HeaderMap,
    body: String,
}

impl Asked {
    /// Reads a question and answers it.
    pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, config: &Config) -> io::Result<()> {
        let question = read(stream).await?;
        let (status, body) = match self.open(&question, config) {
            Ok(answer) => ("201 Created", answer),
            Err((status, refusal)) => {
                let seen = config.observations.begin();
                let mut seen = lock(&seen);
                seen.error(refusal.code);
                seen.closed = true;
                (status, json!({"error": refusal.message, "code": refusal.code}).to_string())
            }
        };
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// What was asked for at the door that a handshake opens; the door is shut behind it.
    pub(super) fn take(&self, request: &Request, protocol: Protocol) -> Option<Arranged> {
        let token = match protocol {
            Protocol::Ultravox => request.uri().path().rsplit('/').next().unwrap_or_default(),
            _ => request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?,
        };
        lock(&self.0).open.remove(token)
    }

    fn open(&self, question: &Question, config: &Config) -> Result<String, (&'static str, Refusal)> {
        let host = question.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !is_let_in(config, &question.headers) {
            return Err(("403 Forbidden", Refusal::new("forbidden", "not the key")));
        }
        let scheme = if config.tls.is_some() { "wss" } else { "ws" };
        let mut doors = lock(&self.0);
        if doors.open.len() >= MAX_DOORS {
            return Err(("429 Too Many Requests", Refusal::new("too_many", "too many wait to be joined")));
        }
        doors.made += 1;
        let door = Door { url: format!("{scheme}://{host}"), token: format!("door-{}", doors.made) };
        let mut wire = wire::of(config.protocol, config.format, super::observations::SessionHandle::default());
        let (answer, settings) = wire.arrange(&question.body, &door).map_err(|refusal| ("400 Bad Request", refusal))?;
        doors.open.insert(door.token, Arranged { wire, settings });
        Ok(answer.to_string())
    }
}

fn is_let_in(config: &Config, headers: &HeaderMap) -> bool {
    let Some(key) = &config.api_key else { return true };
    let expected = protocol::credentials(config.protocol, "", key.expose_secret()).unwrap_or_default();
    !expected.is_empty() && expected.iter().all(|(name, value)| headers.get(name) == Some(value))
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Question> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD_LEN {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.insert(name, value);
        }
    }
    let length = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or_default();
    if length > MAX_BODY_LEN {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Question { headers, body: String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)? })
}

/// Whether what comes is a question over HTTP and no handshake; nothing of it is lost.
pub(super) async fn is_question<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(bool, Prefixed<&mut S>)> {
    let mut prefix = [0; 5];
    stream.read_exact(&mut prefix).await?;
    Ok((&prefix == b"POST ", Prefixed { prefix, read: 0, stream }))
}

/// A stream of which the first bytes were looked at.
pub(super) struct Prefixed<S> {
    prefix: [u8; 5],
    read: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let rest = this.prefix.get(this.read..).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let length = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..length).unwrap_or_default());
        this.read += length;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Who was asked for and not joined.
const MAX_DOORS: usize = 1_024;
const MAX_HEAD_LEN: usize = 16 * 1_024;
const MAX_BODY_LEN: usize = 1_024 * 1_024;
