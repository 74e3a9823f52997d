//! A gateway that speaks every transport, with a certificate of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sip::transport::Transport;

use crate::client::Client;
use crate::support::gateway::Gateway;
use crate::support::ports;

/// The gateway and where it listens.
pub(crate) struct Spoken {
    pub(crate) gateway: Gateway,
    addresses: Vec<(Transport, SocketAddr)>,
    /// Our certificate, which is its own authority.
    pub(crate) authority: PathBuf,
    _folder: tempfile::TempDir,
}

impl Spoken {
    pub(crate) fn start(more: &str) -> Self {
        Self::start_with(more, "")
    }

    /// With more sections of settings, and more lines in `[rtp]`.
    pub(crate) fn start_with(more: &str, rtp_lines: &str) -> Self {
        Self::start_after(|_| more.to_owned(), rtp_lines)
    }

    /// The same, with sections that are made once the certificate is: of peers that are there before the gateway.
    pub(crate) fn start_after(more: impl FnOnce(&Path) -> String, rtp_lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
        std::fs::write(&certificate, made.cert.pem()).expect("the certificate is written");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("the key is written");
        let more = more(&certificate);
        let connections = [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss].map(|transport| (transport, ports::free_tcp()));
        let listeners: Vec<String> =
            connections.iter().map(|(transport, address)| format!("\"{}:{address}\"", transport.via_name().to_lowercase())).collect();
        let sip = format!("listeners = [{}]\n", listeners.join(", "));
        let sections = format!(
            "[sip.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nauthorities = \"{}\"\n{more}\n",
            certificate.display(),
            key.display(),
            certificate.display()
        );
        let gateway = Gateway::start_over("echo", &sip, &sections, rtp_lines);
        let mut addresses = vec![(Transport::Udp, gateway.sip())];
        addresses.extend(connections);
        Self { gateway, addresses, authority: certificate, _folder: folder }
    }

    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        self.addresses.iter().find(|(known, _)| *known == transport).expect("a listener of each transport").1
    }

    pub(crate) fn connect(&self, transport: Transport) -> Client {
        Client::connect(transport, self.address(transport), &self.authority)
            .unwrap_or_else(|error| panic!("{transport:?}: {error}\n{}", self.gateway.log()))
    }
}
