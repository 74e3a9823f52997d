//! A tunnel through an HTTP proxy (RFC 9110 §9.3.6): where no way leads out of the house but one.
//!
//! The proxy looks the agent's name up; what goes through the tunnel is TLS, which it cannot read. Left out on purpose: TLS to the
//! proxy itself, and schemes of authentication other than Basic (RFC 7617).

use base64_simd::STANDARD;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::endpoint::Proxy;
use super::error::ConnectError;

/// Asks for a tunnel to `host` and `port` over a connection to the proxy.
pub(super) async fn tunnel(tcp: &mut TcpStream, proxy: &Proxy, host: &str, port: u16) -> Result<(), ConnectError> {
    let broken = |source| ConnectError::Broken { source };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(credentials) = &proxy.credentials {
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&STANDARD.encode_to_string(credentials.expose_secret().as_bytes()));
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    tcp.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::new();
    // Byte by byte: what comes behind the head is the agent's already.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == MAX_ANSWER_LEN {
            return Err(ConnectError::Proxy { status: None });
        }
        answer.push(tcp.read_u8().await.map_err(broken)?);
    }
    match status_of(&answer) {
        Some(200..=299) => Ok(()),
        status => Err(ConnectError::Proxy { status }),
    }
}

fn status_of(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer).ok()?.lines().next()?;
    let mut words = line.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

/// A proxy has little to say.
const MAX_ANSWER_LEN: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_has_a_status() {
        assert_eq!(status_of(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status_of(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        assert_eq!((status_of(b"SSH-2.0-OpenSSH\r\n\r\n"), status_of(b"\xFF\r\n\r\n")), (None, None));
    }
}
