//! Accepts connections: one task a listener, one task a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use sip::transport::{Side, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::table::Admitted;
use super::{Shared, connection, outgoing, websocket};
use crate::net::tcp;

/// One listener.
pub(super) struct Accepting {
    pub(super) shared: Arc<Shared>,
    pub(super) transport: Transport,
    pub(super) listener: TcpListener,
    pub(super) public: SocketAddr,
}

impl Accepting {
    /// Accepts for ever.
    pub(super) async fn run(self) {
        loop {
            let Ok((stream, remote)) = self.listener.accept().await else {
                // Out of descriptors, as a rule: looking again at once would only burn a core.
                sleep(EXHAUSTED).await;
                continue;
            };
            let admitted = self.shared.table().accept(self.transport, self.public, remote);
            match admitted {
                Some(admitted) => drop(tokio::spawn(serve(Arc::clone(&self.shared), admitted, stream))),
                None => self.shared.metrics.sip_unheard("connections"),
            }
        }
    }
}

/// One accepted connection, from its handshake to its end.
async fn serve(shared: Arc<Shared>, mut admitted: Admitted, stream: TcpStream) {
    tcp::prepare(&stream);
    let transport = admitted.flow.transport;
    let unsent = if transport.is_secure() {
        match shake_hands(&shared, &mut admitted, stream).await {
            Some(stream) => speak(&shared, &mut admitted, stream).await,
            None => None,
        }
    } else {
        speak(&shared, &mut admitted, stream).await
    };
    outgoing::leave(&shared, admitted, unsent).await;
}

async fn shake_hands(shared: &Shared, admitted: &mut Admitted, stream: TcpStream) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let config = shared.tls.server()?;
    let handshake = timeout(shared.times.half_open, TlsAcceptor::from(config).accept(stream));
    let stream = tokio::select! {
        done = handshake => done.ok()?.ok()?,
        // Its place was given to somebody else.
        _ = admitted.queue.recv() => return None,
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|first| first.clone().into_owned());
    if let Some(id) = admitted.flow.connection {
        shared.table().identify(id, certificate);
    }
    Some(stream)
}

async fn speak<S>(shared: &Shared, admitted: &mut Admitted, stream: S) -> Option<sip::endpoint::Transmit>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Admitted { flow, queue, .. } = admitted;
    if !matches!(flow.transport, Transport::Ws | Transport::Wss) {
        return connection::run(shared, *flow, Side::Accepted, queue, stream).await;
    }
    let handshake = timeout(shared.times.half_open, websocket::accept(stream));
    let socket = tokio::select! {
        done = handshake => done.ok()??,
        _ = queue.recv() => return None,
    };
    websocket::run(shared, *flow, queue, socket).await
}

/// How long nothing is accepted when nothing can be.
const EXHAUSTED: std::time::Duration = std::time::Duration::from_millis(50);
