//! Settings of calls from web pages: `[webrtc]`.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use media::codec::Codec;
use serde::Deserialize;

use super::codecs::CodecNames;
use crate::domain::redacted::Redacted;
use crate::domain::setting::{SettingFault, advertised_fault, out_of_range, secret_fault};

/// `[webrtc]`: where browsers' audio is taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebRtcConfig {
    /// Addresses that media is bound to, of IPv4 and IPv6; none switches browser calls off. Default `["127.0.0.1"]`, at most 4.
    pub addresses: Vec<IpAddr>,
    /// Addresses that browsers are told instead, one for each of `addresses` in their order. Default: `addresses`; required where those
    /// are wildcards.
    pub advertised: Vec<IpAddr>,
    /// UDP and TCP port of the first media thread; each further thread takes the next one. 0 takes any that is free. Default 0.
    pub port: u16,
    /// Whether media is also taken over TCP (ICE-TCP), for networks that let no UDP out. Default true.
    pub tcp: bool,
    /// Codecs that are taken, best first, of `opus`, `pcmu` and `pcma`. Default `["opus", "pcmu", "pcma"]`.
    pub codecs: CodecNames,
    /// Whether a page may open a data channel, by which it is told the transcript and may press keys. Default true.
    pub data_channel: bool,
    /// New browser calls a second, of all organisations together; one more is refused with 503. Default 20, 1 to 1 000.
    pub max_calls_per_second: u32,
    /// STUN and TURN servers that pages are told, as `turn:turn.example.org:3478?transport=udp`. Default none, at most 8.
    pub ice_servers: Vec<String>,
    /// What TURN servers share with the gateway (coturn's `static-auth-secret`), at least 32 bytes; only from the environment,
    /// `AURICLE__WEBRTC__TURN_SECRET`. Without it no TURN server is told.
    pub turn_secret: Option<Redacted<String>>,
    /// Seconds for which credentials for TURN servers are good. Default 3 600, 60 to 86 400.
    pub turn_ttl_s: u32,
}

impl Default for WebRtcConfig {
    fn default() -> Self {
        Self {
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            advertised: Vec::new(),
            port: 0,
            tcp: true,
            codecs: CodecNames::of(["opus", "pcmu", "pcma"]),
            data_channel: true,
            max_calls_per_second: 20,
            ice_servers: Vec::new(),
            turn_secret: None,
            turn_ttl_s: 3_600,
        }
    }
}

impl WebRtcConfig {
    /// Whether browsers may call at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// The address that browsers are told for the one that is bound.
    #[must_use]
    pub fn public_address(&self, bound: IpAddr) -> IpAddr {
        let at = self.addresses.iter().position(|address| *address == bound);
        at.and_then(|at| self.advertised.get(at)).copied().unwrap_or(bound)
    }

    /// The port of a media thread, counted from 0; 0 for any.
    #[must_use]
    pub fn port_of(&self, thread: usize) -> u16 {
        let thread = u16::try_from(thread).unwrap_or(u16::MAX);
        if self.port == 0 { 0 } else { self.port.saturating_add(thread) }
    }

    /// For how long credentials for TURN servers are good.
    #[must_use]
    pub fn turn_ttl(&self) -> Duration {
        Duration::from_secs(self.turn_ttl_s.into())
    }

    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        faults.extend(out_of_range("addresses", self.addresses.len(), &(0..=4), "addresses"));
        if !self.advertised.is_empty() && self.advertised.len() != self.addresses.len() {
            let bound = format!("must name as many addresses as addresses, {}", self.addresses.len());
            faults.push(SettingFault::new("advertised", self.advertised.len(), bound, "name one for each, in the same order"));
        } else {
            let advertised = self.addresses.iter().enumerate().map(|(at, address)| (*address, self.advertised.get(at).copied()));
            faults.extend(advertised.filter_map(|(address, advertised)| advertised_fault(address, advertised, "addresses")));
        }
        if self.port != 0 {
            faults.extend(out_of_range("port", self.port, &(1_024..=65_279), "(a port, with room for 256 threads)"));
        }
        faults.extend(self.codecs.faults("codecs"));
        if self.codecs.codecs().iter().any(|codec| !matches!(codec, Codec::Opus | Codec::Pcmu | Codec::Pcma)) {
            let mend = "browsers have no others";
            faults.push(SettingFault::new("codecs", "(set)", "must be of opus, pcmu and pcma", mend));
        }
        faults.extend(out_of_range("max_calls_per_second", self.max_calls_per_second, &(1..=1_000), "calls a second"));
        faults.extend(out_of_range("turn_ttl_s", self.turn_ttl_s, &(60..=86_400), "s"));
        faults.extend(out_of_range("ice_servers", self.ice_servers.len(), &(0..=8), "servers"));
        for server in self.ice_servers.iter().filter(|server| !is_ice_server(server)) {
            let mend = "write stun:, turn: or turns:, a host, and what else belongs to it";
            faults.push(SettingFault::new("ice_servers", format!("{server:?}"), "must be a URI of RFC 7064 or RFC 7065", mend));
        }
        faults.extend(self.turn_secret.as_ref().and_then(|secret| secret_fault("turn_secret", secret)));
        faults
    }
}

/// `stun:host[:port]`, `turn:host[:port][?transport=udp|tcp]`, and the same with `s`.
fn is_ice_server(text: &str) -> bool {
    let rest = ["stun:", "stuns:", "turn:", "turns:"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]?=_".contains(&byte);
    rest.is_some_and(|rest| (1..=255).contains(&rest.len()) && rest.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &WebRtcConfig) -> Vec<String> {
        config.faults().into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn the_defaults_are_within_their_own_bounds() {
        assert_eq!(WebRtcConfig::default().faults(), []);
    }

    #[test]
    fn a_wildcard_wants_an_address_that_browsers_are_told() {
        let config = WebRtcConfig { addresses: vec!["0.0.0.0".parse().unwrap()], ..WebRtcConfig::default() };
        assert_eq!(keys(&config), ["advertised"]);
        let config = WebRtcConfig { advertised: vec!["203.0.113.5".parse().unwrap()], ..config };
        assert_eq!(config.faults(), []);
        assert_eq!(config.public_address("0.0.0.0".parse().unwrap()), "203.0.113.5".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let config = WebRtcConfig {
            port: 80,
            codecs: CodecNames::of(["g722"]),
            ice_servers: vec!["http://turn.example.org".to_owned()],
            turn_ttl_s: 1,
            max_calls_per_second: 0,
            turn_secret: Some(Redacted::new("short".to_owned())),
            ..WebRtcConfig::default()
        };
        assert_eq!(keys(&config), ["port", "codecs", "max_calls_per_second", "turn_ttl_s", "ice_servers", "turn_secret"]);
    }

    #[test]
    fn each_thread_has_the_port_after_the_last_ones() {
        let config = WebRtcConfig { port: 16_000, ..WebRtcConfig::default() };
        assert_eq!((config.port_of(0), config.port_of(3), WebRtcConfig::default().port_of(3)), (16_000, 16_003, 0));
    }
}
