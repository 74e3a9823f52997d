//! A page's signalling: one request that offers, one that ends (RFC 9725), and what the answer says of ICE.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result, ensure};

use crate::subject::{REST, SECRET};

/// A request under way.
pub(crate) struct Request {
    stream: TcpStream,
    reply: Vec<u8>,
}

/// What a page has to know of the gateway's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) location: String,
    pub(crate) ufrag: String,
    pub(crate) password: String,
    /// The first candidate for UDP.
    pub(crate) address: SocketAddr,
}

impl Request {
    /// Sends the offer of a page to `number`.
    pub(crate) fn offer(number: &str, sdp: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(REST)?;
        stream.write_all(request("POST", &format!("/v1/whip/{number}"), sdp).as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, reply: Vec::new() })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads on; the answer once it is whole.
    pub(crate) fn read(&mut self) -> Result<Option<Answer>> {
        let mut octets = [0; 4096];
        loop {
            match self.stream.read(&mut octets) {
                Ok(0) => return answer(&String::from_utf8_lossy(&self.reply)).map(Some),
                Ok(length) => self.reply.extend_from_slice(&octets[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Ends a call, and waits until that is answered.
pub(crate) fn end(location: &str) -> Result<()> {
    let mut stream = TcpStream::connect(REST)?;
    stream.write_all(request("DELETE", location, "").as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    ensure!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    Ok(())
}

/// An offer as a browser makes it, without candidates and pictures.
pub(crate) fn offer(ufrag: &str, password: &str, fingerprint: &str) -> String {
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 126\r\n\
         c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n\
         a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:126 telephone-event/8000\r\n"
    )
}

fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {REST}\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn answer(reply: &str) -> Result<Answer> {
    ensure!(reply.starts_with("HTTP/1.1 201"), "{reply}");
    let header = |name: &str| reply.lines().find_map(|line| line.to_ascii_lowercase().starts_with(name).then(|| &line[name.len()..]));
    let line = |start: &str| reply.lines().find_map(|line| line.strip_prefix(start));
    let candidates = reply.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
    // Foundation, component, protocol, priority, address, port.
    let mut words = candidates.map(|candidate| candidate.split(' ').collect::<Vec<_>>());
    let address = words.find_map(|words| {
        let udp = words.get(2)?.eq_ignore_ascii_case("udp");
        Some(SocketAddr::new(words.get(4)?.parse().ok()?, words.get(5)?.parse().ok()?)).filter(|_| udp)
    });
    Ok(Answer {
        location: header("location: ").context("no Location")?.to_owned(),
        ufrag: line("a=ice-ufrag:").context("no ice-ufrag")?.to_owned(),
        password: line("a=ice-pwd:").context("no ice-pwd")?.to_owned(),
        address: address.context("no candidate for UDP")?,
    })
}
