//! The listener: connections, bounded in number and in patience, in clear or under TLS, with HTTP/1.1 or HTTP/2.
//!
//! What costs a client nothing must cost the gateway little: a handshake, a request's head and its whole have their time
//! (RFC 9112 §9.5 asks for it), an answer that nobody takes off the socket is given up, and of HTTP/2 (RFC 9113 §10.5)
//! streams, headers and resets are bounded. Frames that carry nothing, and CONTINUATION without end, are refused by `h2`.
//! Left out on purpose: HTTP/3, upgrades, and an address behind a proxy, which nobody here can vouch for.

mod connection;
mod stall;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use tls::{Certificates, ServeError};

use self::connection::serve_connection;
use super::places::{Place, Places};
use super::router::router;
use super::state::AppState;
use crate::supervision::told_to_stop;

/// A listener and what it answers with.
pub struct Server {
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    places: Arc<Places>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Server {
    /// In clear, until certificates are given.
    #[must_use]
    pub fn new(listener: TcpListener, state: AppState) -> Self {
        Self { listener, router: router(state), tls: None, places: Places::new(MAX_CONNECTIONS, MAX_FROM_ONE) }
    }

    /// Under TLS 1.2 or 1.3.
    ///
    /// # Errors
    /// When the TLS library refuses its own defaults.
    pub fn with_tls(mut self, certificates: Arc<Certificates>) -> Result<Self, ServeError> {
        self.tls = Some(TlsAcceptor::from(Arc::new(tls::server_config(certificates)?)));
        Ok(self)
    }

    /// Serves until `stopped`, then lets what is being answered finish, for a while.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let watched = stopped.clone();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(&mut connections, stream, peer, &watched),
                    Err(error) => {
                        tracing::warn!(%error, "http_accept_failed");
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = told_to_stop(&mut stopped) => break,
            }
        }
        drop(self.listener);
        let _ = tokio::time::timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
    }

    /// A connection that finds no place is closed without a word: a word would cost more than it.
    fn admit(&self, connections: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr, stopped: &watch::Receiver<bool>) {
        let Some(place) = self.places.take(peer.ip()) else { return };
        let (router, tls, stopped) = (self.router.clone(), self.tls.clone(), stopped.clone());
        connections.spawn(async move {
            if let Err(error) = converse(stream, peer, router, tls, stopped, place).await {
                tracing::debug!(%error, "http_connection_failed");
            }
        });
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    tls: Option<TlsAcceptor>,
    stopped: watch::Receiver<bool>,
    _place: Place,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => serve_connection(stream, peer, router, stopped).await,
        Some(tls) => {
            let handshake = tokio::time::timeout(HANDSHAKE, tls.accept(stream));
            let secured = handshake.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            serve_connection(secured, peer, router, stopped).await;
        }
    }
    Ok(())
}

/// Connections that may be open at one time.
const MAX_CONNECTIONS: usize = 1_024;
const MAX_FROM_ONE: usize = 64;
/// A TLS handshake may take so long.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Without file descriptors `accept` fails at once, over and over.
const AFTER_FAILURE: Duration = Duration::from_millis(50);
/// What is being answered may take so long once the gateway stops.
const FAREWELL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
