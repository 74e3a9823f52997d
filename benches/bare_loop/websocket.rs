//! As much of RFC 6455 as the loop needs: a client of text messages, framed by hand over a non-blocking socket.
//!
//! Left out: fragments, pings and closing; the benchmark's agent sends none of them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail};

/// One connection.
pub(crate) struct WebSocket {
    stream: TcpStream,
    /// Received and not yet a whole message.
    received: Vec<u8>,
    filled: usize,
}

impl WebSocket {
    /// Connects and upgrades, blocking; the socket does not block after that.
    pub(crate) fn connect(address: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).with_context(|| format!("agent at {address}"))?;
        stream.set_nodelay(true)?;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIGJhcmUgbG9vcCBjYg==\r\n\r\n"
        )?;
        // Byte by byte, so that nothing of the first message is taken with the answer.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            bail!("the agent does not upgrade");
        }
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: vec![0; 16 * 1024], filled: 0 })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends the text message whose payload stands in `frame` from [`HEADER`] on. The socket's buffer holds seconds of
    /// audio: what it does not take is an error here.
    pub(crate) fn send(&mut self, frame: &mut [u8]) -> Result<()> {
        let (header, payload) = frame.split_at_mut(HEADER);
        header[0] = 0x81;
        header[1] = 0x80 | 126;
        header[2..4].copy_from_slice(&u16::try_from(payload.len())?.to_be_bytes());
        header[4..8].copy_from_slice(&MASK);
        for (index, byte) in payload.iter_mut().enumerate() {
            *byte ^= MASK[index & 3];
        }
        self.stream.write_all(frame)?;
        Ok(())
    }

    /// Reads once and hands every whole message to `take`.
    pub(crate) fn receive(&mut self, mut take: impl FnMut(&mut [u8])) -> Result<()> {
        match self.stream.read(&mut self.received[self.filled..]) {
            Ok(0) => bail!("the agent closed the connection"),
            Ok(length) => self.filled += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let mut at = 0;
        while let Some((start, length)) = frame_at(&self.received[at..self.filled]) {
            take(&mut self.received[at + start..at + start + length]);
            at += start + length;
        }
        self.received.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(())
    }
}

/// Where the payload of the whole frame at the start of `bytes` stands.
fn frame_at(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= start + length).then_some((start, length))
}

/// Room that a message of 126 bytes to 64 kB needs before its payload.
pub(crate) const HEADER: usize = 8;
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];
