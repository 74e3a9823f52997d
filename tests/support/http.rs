//! Just enough HTTP to ask a gateway something.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null when the body is not JSON.
    pub(crate) json: Value,
    pub(crate) body: String,
}

/// Asks with a bearer secret; nothing when nobody answers.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, secret: &str, body: &str) -> Option<Answer> {
    let (status, octets) = exchange(address, method, path, secret, body)?;
    let body = String::from_utf8_lossy(&octets).into_owned();
    Some(Answer { status, json: serde_json::from_str(&body).unwrap_or_default(), body })
}

/// As [`request`], with the body as it came.
pub(crate) fn exchange(address: SocketAddr, method: &str, path: &str, secret: &str, body: &str) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {secret}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let octets = answer.split_off(end + 4);
    let status = String::from_utf8_lossy(&answer).split_whitespace().nth(1)?.parse().ok()?;
    Some((status, octets))
}
