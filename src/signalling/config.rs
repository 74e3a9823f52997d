//! Settings of signalling: `[sip]` and `[outbound]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use super::dialling::Numbering;
use super::ladder::LadderConfig;
use super::transport::config::{DnsConfig, LimitsConfig, Listener, TlsConfig};
use super::trunks::{DigestAlgorithms, RouteConfig};
use crate::domain::network::Network;
use crate::domain::setting::{SettingFault, advertised_fault, out_of_range};

/// `[sip]`: where SIP is spoken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipConfig {
    /// UDP address and port that SIP listens on. Default `127.0.0.1:5060`.
    pub listen: SocketAddr,
    /// Address written into Contact and Via where it differs from `listen`; required when `listen` is a wildcard.
    pub advertised: Option<IpAddr>,
    /// New inbound calls a second beyond which 503 is answered; 0 sets no limit. Default 50, at most 10 000.
    pub max_calls_per_second: u32,
    /// What becomes of callers that no trunk knows: `refuse`, `local` (those on this machine are taken) or `accept`.
    /// Default `local`.
    pub unknown_callers: UnknownCallers,
    /// By which digest algorithms callers and telephones may prove a login, in the order of the challenges; a trunk may say otherwise.
    /// Default `["SHA-256", "MD5"]`.
    pub digest_algorithms: DigestAlgorithms,
    /// Where else SIP is spoken, as `["tcp:192.0.2.1:5060", "tls:192.0.2.1:5061", "wss:192.0.2.1:8443", "udp:[2001:db8::1]:5060"]`. Default
    /// none, at most 32. `advertised` holds for those of its IP version.
    pub listeners: Vec<Listener>,
    /// Certificates.
    pub tls: TlsConfig,
    /// How much at once, and how long.
    pub limits: LimitsConfig,
    /// Names.
    pub dns: DnsConfig,
    /// What is kept of the signalling of each call.
    pub ladder: LadderConfig,
}

impl Default for SipConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5060),
            advertised: None,
            max_calls_per_second: 50,
            unknown_callers: UnknownCallers::default(),
            digest_algorithms: DigestAlgorithms::default(),
            listeners: Vec::new(),
            tls: TlsConfig::default(),
            limits: LimitsConfig::default(),
            dns: DnsConfig::default(),
            ladder: LadderConfig::default(),
        }
    }
}

impl SipConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if self.listen.port() == 0 {
            faults.push(SettingFault::new(
                "listen",
                self.listen,
                "the port must not be 0",
                "give the port that peers call, 5060 as a rule",
            ));
        }
        faults.extend(advertised_fault(self.listen.ip(), self.advertised, "listen"));
        faults.extend(out_of_range("max_calls_per_second", self.max_calls_per_second, &(0..=10_000), "calls a second"));
        faults.extend(self.digest_algorithms.fault("digest_algorithms"));
        faults.extend(out_of_range("listeners", self.listeners.len(), &(0..=32), "listeners"));
        for listener in &self.listeners {
            if self.public(listener.address).ip().is_unspecified() || listener.address.port() == 0 {
                let bound = "must have a port, and an address that peers can be told";
                faults.push(SettingFault::new("listeners", listener.address, bound, "name the address, or set advertised"));
            }
            if listener.transport.is_secure() && self.tls.certificate.is_none() {
                let mend = "set sip.tls.certificate and sip.tls.key";
                faults.push(SettingFault::new("listeners", listener.address, "TLS wants a certificate", mend));
            }
        }
        let parts =
            [("tls", self.tls.faults()), ("limits", self.limits.faults()), ("dns", self.dns.faults()), ("ladder", self.ladder.faults())];
        faults.extend(parts.into_iter().flat_map(|(part, faults)| faults.into_iter().map(move |fault| fault.under(part))));
        faults
    }

    /// What peers are told of a listener.
    #[must_use]
    pub fn public(&self, bound: SocketAddr) -> SocketAddr {
        let advertised = self.advertised.filter(|advertised| advertised.is_ipv4() == bound.is_ipv4());
        SocketAddr::new(advertised.unwrap_or(bound.ip()), bound.port())
    }

    /// The address that peers are told.
    #[must_use]
    pub fn public_address(&self) -> SocketAddr {
        SocketAddr::new(self.advertised.unwrap_or(self.listen.ip()), self.listen.port())
    }
}

/// Callers that no trunk knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownCallers {
    /// Nobody.
    Refuse,
    /// Those on this machine.
    #[default]
    Local,
    /// Everybody: whoever finds the port may call.
    Accept,
}

/// `[outbound]`: whom the gateway may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundConfig {
    /// Whether calls go out by trunks at all. Switched off, those that are up end. Default false.
    pub enabled: bool,
    /// How numbers are written by whoever wants to call. Default: with a plus.
    pub numbering: Numbering,
    /// Which trunks a number goes by: the longest prefix decides, then the order of the list. Default none, at most 1 000.
    pub routes: Vec<RouteConfig>,
    /// Addresses and networks that may be called beside loopback, which always may. Default none, at most 1 000.
    pub allow: Vec<Network>,
}

impl OutboundConfig {
    /// Whether a call may be sent to `address`.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.allow.iter().any(|network| network.contains(address))
    }

    /// Every setting that cannot stand; of routes, whose trunks stand elsewhere, [`Routes::faults`](super::trunks::Routes::faults) tells.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let mut fault = |key: String, value: String, bound: &str, mend: &str| faults.push(SettingFault::new(key, value, bound, mend));
        if self.allow.len() > 1_000 {
            fault("allow".into(), self.allow.len().to_string(), "at most 1000 entries", "join neighbouring networks into larger ones");
        }
        for key in self.numbering.wrong_keys() {
            let mend = "write a calling code such as 49, and prefixes of at most 6 digits";
            fault(format!("numbering.{key}"), "(set)".into(), "cannot stand", mend);
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_may_always_be_called_and_the_rest_only_by_the_list() {
        let nobody = OutboundConfig::default();
        assert!(nobody.allows("127.0.0.9".parse().unwrap()));
        assert!(nobody.allows("::1".parse().unwrap()));
        assert!(!nobody.allows("192.0.2.1".parse().unwrap()));
        let some = OutboundConfig { allow: vec!["192.0.2.0/24".parse().unwrap()], ..OutboundConfig::default() };
        assert!(some.allows("192.0.2.1".parse().unwrap()));
        assert!(!some.allows("192.0.3.1".parse().unwrap()));
    }

    #[test]
    fn a_wildcard_bind_asks_for_an_advertised_address() {
        let mut sip = SipConfig { listen: "0.0.0.0:5060".parse().unwrap(), ..SipConfig::default() };
        assert_eq!(sip.faults().first().map(|fault| fault.key.as_str()), Some("advertised"));
        sip.advertised = Some("203.0.113.5".parse().unwrap());
        assert_eq!(sip.faults(), []);
        assert_eq!(sip.public_address(), "203.0.113.5:5060".parse::<SocketAddr>().unwrap());
    }
}
