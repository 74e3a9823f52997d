//! A SIP peer on real sockets, over every transport: it says bytes and waits for bytes, and knows nothing of SIP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sip::transport::Transport;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

/// One peer.
pub(crate) enum Client {
    Udp(UdpSocket),
    Stream(Box<dyn Duplex>),
    WebSocket(Box<WebSocket<Box<dyn Duplex>>>),
}

pub(crate) trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

impl Client {
    pub(crate) fn connect(transport: Transport, to: SocketAddr, authority: &Path) -> io::Result<Self> {
        Self::connect_from("127.0.0.1", transport, to, authority)
    }

    /// From another address of the loopback.
    pub(crate) fn connect_from(own: &str, transport: Transport, to: SocketAddr, authority: &Path) -> io::Result<Self> {
        if transport == Transport::Udp {
            let socket = UdpSocket::bind((own, 0))?;
            socket.connect(to)?;
            socket.set_read_timeout(Some(TICK))?;
            return Ok(Self::Udp(socket));
        }
        let stream = tcp(own, to)?;
        let clock = stream.try_clone()?;
        clock.set_read_timeout(Some(Duration::from_secs(5)))?;
        let stream: Box<dyn Duplex> = if transport.is_secure() { Box::new(tls(stream, authority)?) } else { Box::new(stream) };
        if transport.is_stream() {
            clock.set_read_timeout(Some(TICK))?;
            return Ok(Self::Stream(stream));
        }
        let mut request = format!("ws://{to}/").into_client_request().map_err(io::Error::other)?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| io::Error::other(error.to_string()))?;
        clock.set_read_timeout(Some(TICK))?;
        Ok(Self::WebSocket(Box::new(socket)))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send(bytes).map(drop),
            Self::Stream(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Self::WebSocket(socket) => {
                let message = match std::str::from_utf8(bytes) {
                    Ok(text) => Message::text(text),
                    Err(_) => Message::binary(bytes.to_vec()),
                };
                socket.send(message).map_err(|error| io::Error::other(error.to_string()))
            }
        }
    }

    /// What comes next, within `limit`; `None` when nothing does, or the connection is over.
    pub(crate) fn receive(&mut self, limit: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now() + limit;
        let mut buffer = vec![0; 65_536];
        while Instant::now() < deadline {
            let read = match self {
                Self::Udp(socket) => socket.recv(&mut buffer),
                Self::Stream(stream) => match stream.read(&mut buffer) {
                    Ok(0) => return None,
                    read => read,
                },
                Self::WebSocket(socket) => match socket.read() {
                    Ok(Message::Text(text)) => return Some(text.as_bytes().to_vec()),
                    Ok(Message::Binary(bytes)) => return Some(bytes.to_vec()),
                    Ok(_) => continue,
                    Err(tungstenite::Error::Io(error)) => Err(error),
                    Err(_) => return None,
                },
            };
            match read {
                Ok(length) => {
                    buffer.truncate(length);
                    return Some(buffer);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// The status of the next response.
    pub(crate) fn status(&mut self, limit: Duration) -> Option<u16> {
        status_of(&self.receive(limit)?)
    }

    /// Asks for OPTIONS and says how long the answer took.
    pub(crate) fn options(&mut self, transport: Transport, branch: &str) -> Option<Duration> {
        let started = Instant::now();
        self.send(options(transport, branch).as_bytes()).ok()?;
        (self.status(Duration::from_secs(5)) == Some(200)).then(|| started.elapsed())
    }
}

pub(crate) fn status_of(message: &[u8]) -> Option<u16> {
    std::str::from_utf8(message.get(..11)?).ok()?.strip_prefix("SIP/2.0 ")?.parse().ok()
}

pub(crate) fn options(transport: Transport, branch: &str) -> String {
    format!(
        "OPTIONS sip:1000@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{} 127.0.0.1:9;branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@127.0.0.1>;tag=p\r\nTo: <sip:1000@127.0.0.1>\r\nCall-ID: {branch}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        transport.via_name()
    )
}

/// A TCP connection from one of our addresses.
pub(crate) fn tcp(own: &str, to: SocketAddr) -> io::Result<TcpStream> {
    let own: SocketAddr = format!("{own}:0").parse().map_err(io::Error::other)?;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&own.into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(5))?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TICK))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn tls(mut stream: TcpStream, authority: &Path) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).map_err(io::Error::other)?).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// How long one look for something to read takes.
const TICK: Duration = Duration::from_millis(20);
