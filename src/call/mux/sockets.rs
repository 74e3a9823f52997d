//! The sockets of one media thread's port, opened before the thread starts.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use media::sdp::webrtc::LocalAddress;

use crate::leg::browser_config::WebRtcConfig;
use crate::net::dscp::Dscp;
use crate::net::tcp::listen_media;
use crate::net::udp::bind_media;
use crate::telemetry::metrics::Metrics;

/// Sockets that belong to no runtime yet, and what browsers are told of them.
#[derive(Debug)]
pub struct MuxSockets {
    udp: Vec<UdpSocket>,
    tcp: Vec<TcpListener>,
    addresses: Vec<LocalAddress>,
    metrics: Metrics,
}

impl MuxSockets {
    /// Opens the port of a thread, counted from 0.
    ///
    /// # Errors
    /// When an address is taken or not ours.
    pub fn bind(config: &WebRtcConfig, thread: usize, dscp: Dscp, metrics: Metrics) -> Result<Self, (SocketAddr, io::Error)> {
        let mut sockets = Self { udp: Vec::new(), tcp: Vec::new(), addresses: Vec::new(), metrics };
        for address in &config.addresses {
            let local = SocketAddr::new(*address, config.port_of(thread));
            let refused = |error| (local, error);
            let socket = bind_media(local, dscp).map_err(refused)?;
            let port = socket.local_addr().map_err(refused)?.port();
            let public = config.public_address(*address);
            sockets.addresses.push(LocalAddress { address: SocketAddr::new(public, port), tcp: false });
            sockets.udp.push(socket);
            if config.tcp {
                let listener = listen_media(local, dscp).map_err(refused)?;
                let port = listener.local_addr().map_err(refused)?.port();
                sockets.addresses.push(LocalAddress { address: SocketAddr::new(public, port), tcp: true });
                sockets.tcp.push(listener);
            }
        }
        // UDP first: whoever can reach both shall take it.
        sockets.addresses.sort_by_key(|local| local.tcp);
        Ok(sockets)
    }

    /// What browsers are told.
    #[must_use]
    pub fn addresses(&self) -> &[LocalAddress] {
        &self.addresses
    }

    pub(super) fn into_parts(self) -> (Vec<UdpSocket>, Vec<TcpListener>, Metrics) {
        (self.udp, self.tcp, self.metrics)
    }
}
