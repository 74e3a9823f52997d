//! Settings of transports: further listeners, `[sip.tls]`, `[sip.limits]`, `[sip.dns]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use sip::transport::Transport;

use crate::domain::setting::{SettingFault, out_of_range};
use crate::net::tls::{ClientCertificates, TlsFiles};

/// Where one transport listens, written `tcp:192.0.2.1:5060`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Listener {
    /// By which transport.
    pub transport: Transport,
    /// Address and port.
    pub address: SocketAddr,
}

/// A listener that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be written transport:address:port, with udp, tcp, tls, ws or wss")]
pub struct InvalidListener;

impl FromStr for Listener {
    type Err = InvalidListener;

    fn from_str(text: &str) -> Result<Self, InvalidListener> {
        let (transport, address) = text.split_once(':').ok_or(InvalidListener)?;
        let all = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
        let transport = all.into_iter().find(|known| transport.eq_ignore_ascii_case(known.via_name())).ok_or(InvalidListener)?;
        Ok(Self { transport, address: address.parse().map_err(|_| InvalidListener)? })
    }
}

impl TryFrom<String> for Listener {
    type Error = InvalidListener;

    fn try_from(text: String) -> Result<Self, InvalidListener> {
        text.parse()
    }
}

/// Whether clients of TLS are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskClients {
    /// No.
    #[default]
    Off,
    /// Yes, and one that is shown must be good.
    Optional,
    /// Yes, and without one there is no connection.
    Required,
}

/// `[sip.tls]`: certificates. Files are looked at every 5 s; what changed is taken for new connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Our certificate with its chain, PEM. Needed by listeners of `tls` and `wss`; shown, too, to servers that ask for one.
    pub certificate: Option<PathBuf>,
    /// The key of it, PEM.
    pub key: Option<PathBuf>,
    /// Authorities whose certificates servers must have, PEM; the public ones when not set.
    pub authorities: Option<PathBuf>,
    /// Whether clients are asked for a certificate: `off` (default), `optional` or `required`.
    pub ask_clients: AskClients,
    /// Authorities whose certificates clients must have, PEM.
    pub client_authorities: Option<PathBuf>,
}

impl TlsConfig {
    /// The files, as they are read.
    #[must_use]
    pub fn files(&self) -> TlsFiles {
        let asked = match self.ask_clients {
            AskClients::Off => None,
            AskClients::Optional => Some(ClientCertificates::Optional),
            AskClients::Required => Some(ClientCertificates::Required),
        };
        TlsFiles {
            identity: self.certificate.clone().zip(self.key.clone()),
            authorities: self.authorities.clone(),
            clients: self.client_authorities.clone().zip(asked),
        }
    }

    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if self.certificate.is_some() != self.key.is_some() {
            faults.push(SettingFault::new("certificate", "(set or not)", "certificate and key go together", "set both or neither"));
        }
        if (self.ask_clients == AskClients::Off) != self.client_authorities.is_none() {
            let mend = "set both, or leave ask_clients off";
            faults.push(SettingFault::new("ask_clients", "(set or not)", "goes together with client_authorities", mend));
        }
        faults
    }
}

/// `[sip.limits]`: how much of it at once, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections in all. Default 2 048, 16 to 65 536.
    pub connections: usize,
    /// Connections that one address may open. Default 256, 1 to 65 536.
    pub connections_per_address: usize,
    /// Milliseconds until a new connection must have said something whole, and that a message may take to come. Default 10 000, 100 to 60 000.
    pub half_open_ms: u64,
    /// Seconds of silence after which a connection is closed. Default 7 200, 60 to 86 400.
    pub idle_s: u64,
    /// Seconds between the keep-alives on connections that we opened. Default 100, 10 to 3 600; 0 sends none.
    pub keep_alive_s: u64,
    /// Milliseconds that opening a connection may take. Default 3 000, 100 to 30 000.
    pub connect_ms: u64,
    /// Messages a second from one address, half of which may be of one kind (REGISTER, INVITE, OPTIONS, all others). Default 2 000, at most 1 000 000; 0 sets no limit.
    pub messages_per_address: u32,
    /// Messages a second from all addresses that are not known yet, half of which may be of one kind. Default 20 000, at most 1 000 000; 0 sets no limit.
    pub messages_of_strangers: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            connections: 2_048,
            connections_per_address: 256,
            half_open_ms: 10_000,
            idle_s: 7_200,
            keep_alive_s: 100,
            connect_ms: 3_000,
            messages_per_address: 2_000,
            messages_of_strangers: 20_000,
        }
    }
}

impl LimitsConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let keep_alive =
            if self.keep_alive_s == 0 { None } else { out_of_range("keep_alive_s", self.keep_alive_s, &(10..=3_600), "seconds, or 0") };
        let found = [
            out_of_range("connections", self.connections, &(16..=65_536), "connections"),
            out_of_range("connections_per_address", self.connections_per_address, &(1..=65_536), "connections"),
            out_of_range("half_open_ms", self.half_open_ms, &(100..=60_000), "milliseconds"),
            out_of_range("idle_s", self.idle_s, &(60..=86_400), "seconds"),
            out_of_range("connect_ms", self.connect_ms, &(100..=30_000), "milliseconds"),
            out_of_range("messages_per_address", self.messages_per_address, &(0..=1_000_000), "messages a second"),
            out_of_range("messages_of_strangers", self.messages_of_strangers, &(0..=1_000_000), "messages a second"),
            keep_alive,
        ];
        found.into_iter().flatten().collect()
    }
}

/// `[sip.dns]`: how names are looked up (RFC 3263).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DnsConfig {
    /// Name servers, `address:port`; those of the system when empty. At most 8.
    pub servers: Vec<SocketAddr>,
    /// Milliseconds after which a name counts as not found, all its queries together. Default 2 000, 100 to 10 000.
    pub timeout_ms: u64,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self { servers: Vec::new(), timeout_ms: 2_000 }
    }
}

impl DnsConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let timeout = out_of_range("timeout_ms", self.timeout_ms, &(100..=10_000), "milliseconds");
        let servers = out_of_range("servers", self.servers.len(), &(0..=8), "name servers");
        timeout.into_iter().chain(servers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_written_as_transport_and_address() {
        let parsed = |text: &str| text.parse::<Listener>();
        let v6 = Listener { transport: Transport::Tls, address: "[::1]:5061".parse().unwrap() };
        assert_eq!(parsed("tls:[::1]:5061"), Ok(v6));
        assert_eq!(parsed("WSS:127.0.0.1:8443").map(|listener| listener.transport), Ok(Transport::Wss));
        for wrong in ["127.0.0.1:5060", "sctp:127.0.0.1:5060", "tcp:localhost:5060", "tcp"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_a_fault() {
        let tls = TlsConfig { certificate: Some("cert.pem".into()), ..TlsConfig::default() };
        assert_eq!(tls.faults().len(), 1);
        let asking = TlsConfig { ask_clients: AskClients::Required, ..TlsConfig::default() };
        assert_eq!(asking.faults().len(), 1);
    }
}
