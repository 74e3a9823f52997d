//! The way to an open WebSocket, in two halves: one on a control thread, one on the media thread.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::ClientConnection;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::arrange;
use super::endpoint::{AgentEndpoint, Place, Tls};
use super::error::{ConnectError, Stage};
use super::proxy::tunnel;
use super::socket::AgentSocket;
use super::tls::{TlsStream, Transport};
use crate::agent::config::is_private;
use crate::agent::session::MAX_MESSAGE_LEN_BYTES;

/// A connection that stands up to TLS, not yet a WebSocket and in no runtime: it may go to another thread.
pub struct Established {
    tcp: std::net::TcpStream,
    tls: Option<Box<ClientConnection>>,
    request: Request,
    upgrade_timeout: Duration,
}

/// Looks the agent's name up, connects and does the TLS handshake; for a control thread.
pub async fn establish(endpoint: &AgentEndpoint) -> Result<Established, ConnectError> {
    establish_invited(endpoint, None).await
}

/// The same, for an agent that is asked for first: `invitation` is what it is asked, and it is met where its answer says.
pub async fn establish_invited(endpoint: &AgentEndpoint, invitation: Option<&str>) -> Result<Established, ConnectError> {
    let too_late = |_| ConnectError::Timeout { stage: Stage::Connecting };
    if let Some(patience) = endpoint.calls_back_within() {
        let started = async {
            let door = reach(endpoint, &endpoint.place()).await?;
            arrange::start(endpoint, door, invitation.unwrap_or("{}")).await
        };
        tokio::time::timeout(endpoint.connect_timeout, started).await.map_err(too_late)??;
        // The call goes on without us as soon as the agent says whither, and this is given up.
        tokio::time::sleep(patience).await;
        return Err(ConnectError::NotCalledBack);
    }
    tokio::time::timeout(endpoint.connect_timeout, connect(endpoint, invitation)).await.map_err(too_late)?
}

impl Established {
    /// Registers the socket in the runtime of the caller and does the WebSocket handshake; for the media thread.
    pub async fn upgrade(self) -> Result<AgentSocket, ConnectError> {
        let broken = |source| ConnectError::Broken { source };
        let tcp = TcpStream::from_std(self.tcp).map_err(broken)?;
        let transport = match self.tls {
            None => Transport::Plain(tcp),
            Some(connection) => Transport::Tls(TlsStream::new(tcp, connection)),
        };
        let handshake = client_async_with_config(self.request, transport, Some(websocket_config()));
        match tokio::time::timeout(self.upgrade_timeout, handshake).await {
            Ok(Ok((stream, _response))) => Ok(AgentSocket::new(stream)),
            Ok(Err(error)) => Err(refusal(error)),
            Err(_) => Err(ConnectError::Timeout { stage: Stage::Upgrading }),
        }
    }
}

async fn connect(endpoint: &AgentEndpoint, invitation: Option<&str>) -> Result<Established, ConnectError> {
    let (transport, request) = if endpoint.is_arranged() {
        let door = reach(endpoint, &endpoint.place()).await?;
        let meeting = arrange::ask(endpoint, door, invitation.unwrap_or("{}")).await?;
        let tls = endpoint.tls_at(&meeting.uri)?;
        (reach(endpoint, &Place::of(&meeting.uri, tls.as_ref())).await?, endpoint.request_at(meeting)?)
    } else {
        (reach(endpoint, &endpoint.place()).await?, endpoint.request()?)
    };
    let (tcp, tls) = match transport {
        Transport::Plain(tcp) => (tcp, None),
        Transport::Tls(tls) => {
            let (tcp, connection) = tls.into_parts();
            (tcp, Some(connection))
        }
    };
    let tcp = tcp.into_std().map_err(|source| ConnectError::Broken { source })?;
    Ok(Established { tcp, tls, request, upgrade_timeout: endpoint.connect_timeout })
}

/// A connection to a place, by the endpoint's proxy where it has one; both the first and the one that is named are reached so.
async fn reach(endpoint: &AgentEndpoint, place: &Place<'_>) -> Result<Transport, ConnectError> {
    let peer = endpoint.proxy().map_or((place.host, place.port), |proxy| (proxy.host.as_str(), proxy.port));
    let found = tokio::net::lookup_host(peer).await.map_err(|source| ConnectError::Resolve { source })?;
    let addresses: Vec<SocketAddr> = found.take(MAX_ADDRESSES).collect();
    // All of them, not the one that answers: a name with one public address is not of our network. By a proxy it is never in the clear.
    if place.tls.is_none() && (endpoint.proxy().is_some() || !addresses.iter().all(|address| is_private(address.ip()))) {
        return Err(ConnectError::Plaintext);
    }
    // The connection goes to one of those that were judged, and the name is not looked up again.
    if !endpoint.may_be_at(&addresses) {
        return Err(ConnectError::Forbidden);
    }
    let mut tcp = connect_to_any(&addresses).await?;
    tcp.set_nodelay(true).map_err(|source| ConnectError::Connect { source })?;
    if let Some(proxy) = endpoint.proxy() {
        tunnel(&mut tcp, proxy, place.host, place.port).await?;
    }
    match place.tls {
        None => Ok(Transport::Plain(tcp)),
        Some(tls) => secure(tcp, tls).await.map(Transport::Tls),
    }
}

async fn connect_to_any(addresses: &[SocketAddr]) -> Result<TcpStream, ConnectError> {
    let mut outcome = Err(ConnectError::NoAddress);
    for address in addresses {
        match tokio::time::timeout(ADDRESS_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(source)) => outcome = Err(ConnectError::Connect { source }),
            Err(_) => outcome = Err(ConnectError::Connect { source: io::ErrorKind::TimedOut.into() }),
        }
    }
    outcome
}

async fn secure(tcp: TcpStream, tls: &Tls) -> Result<TlsStream, ConnectError> {
    let connection = ClientConnection::new(tls.config.clone(), tls.server_name.clone()).map_err(|source| ConnectError::Tls { source })?;
    let mut stream = TlsStream::new(tcp, Box::new(connection));
    stream.handshake().await.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(source) => ConnectError::Tls { source: source.clone() },
        None => ConnectError::Broken { source: error },
    })?;
    Ok(stream)
}

fn refusal(error: tungstenite::Error) -> ConnectError {
    match error {
        tungstenite::Error::Http(response) => ConnectError::Refused { status: response.status().as_u16() },
        tungstenite::Error::Io(source) => ConnectError::Broken { source },
        _ => ConnectError::NotWebSocket,
    }
}

/// Small buffers, since most messages are small and calls are many; every buffer bounded; no compression, which
/// base64 audio would not profit from.
fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_LEN_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_MESSAGE_LEN_BYTES + 64 * 1024)
        .max_message_size(Some(MAX_MESSAGE_LEN_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_LEN_BYTES))
}

/// Read at a time: 20 ms of 24 kHz audio as JSON and then some. The buffer settles at twice that, or at twice the longest
/// message, for each connection.
const READ_BUFFER_LEN_BYTES: usize = 2 * 1024;
/// A host with more addresses than this has enough of them.
const MAX_ADDRESSES: usize = 8;
/// Long enough for one lost SYN; leaves time for the next address.
const ADDRESS_TIMEOUT: Duration = Duration::from_millis(1_500);
