//! Connections that we open, and how any connection ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use sip::endpoint::Transmit;
use sip::transport::{Side, Transport};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::table::{Admitted, Destination, Queued};
use super::{Arrival, Shared, connection};
use crate::net::tcp;

/// Begins to open a connection for a message, which waits before it; the message comes back where none can be opened.
pub(super) fn open(shared: &Arc<Shared>, transmit: Transmit) -> Result<(), Transmit> {
    let flow = transmit.flow;
    // Nobody listens for WebSocket at the end where a browser is.
    if !flow.transport.is_stream() || flow.remote.port() == 0 {
        return Err(transmit);
    }
    let mut table = shared.table();
    let Some((admitted, destination)) = table.open(flow) else { return Err(transmit) };
    let queued = table.queue(Transmit { flow: admitted.flow, bytes: transmit.bytes.clone() });
    drop(table);
    if !matches!(queued, Queued::Yes) {
        return Err(transmit);
    }
    tokio::spawn(serve(Arc::clone(shared), admitted, destination));
    Ok(())
}

async fn serve(shared: Arc<Shared>, mut admitted: Admitted, destination: Destination) {
    let flow = admitted.flow;
    let connected = timeout(shared.times.connect, tcp::connect_sip(flow.local.ip(), flow.remote, shared.times.connect)).await;
    let unsent = match connected {
        Ok(Ok(stream)) if flow.transport == Transport::Tls => match shake_hands(&shared, &destination, stream).await {
            Ok(stream) => connection::run(&shared, flow, Side::Opened, &mut admitted.queue, stream).await,
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "sip_tls_refused");
                None
            }
        },
        Ok(Ok(stream)) => connection::run(&shared, flow, Side::Opened, &mut admitted.queue, stream).await,
        Ok(Err(error)) => {
            tracing::debug!(kind = ?error.kind(), "sip_connection_refused");
            None
        }
        Err(_) => None,
    };
    leave(&shared, admitted, unsent).await;
}

/// The certificate must be for the name by which the destination was found, or for its address (RFC 5922 §7).
async fn shake_hands(shared: &Shared, to: &Destination, stream: TcpStream) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let name = match to.name.as_deref() {
        Some(name) => ServerName::try_from(name.to_owned()).map_err(|_| io::ErrorKind::InvalidInput)?,
        None => ServerName::IpAddress(SocketAddr::ip(&to.remote).into()),
    };
    let connector = TlsConnector::from(shared.tls.client());
    timeout(shared.times.connect, connector.connect(name, stream)).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// The end of a connection: its place is free, and what was not sent goes back.
pub(super) async fn leave(shared: &Shared, admitted: Admitted, unsent: Option<Transmit>) {
    let Admitted { opening, flow, mut queue } = admitted;
    let Some(id) = flow.connection else { return };
    shared.table().leave(id, opening);
    queue.close();
    let mut left = unsent;
    while let Some(transmit) = left.take().or_else(|| queue.try_recv().ok()) {
        let _ = shared.arrivals.send(Arrival::Unsent(transmit)).await;
    }
    let _ = shared.arrivals.send(Arrival::Closed(id)).await;
}
