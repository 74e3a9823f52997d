//! Settings of the REST interface: `[http]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::network::Network;
use crate::domain::redacted::Redacted;
use crate::domain::setting::{SettingFault, out_of_range, secret_fault};

/// `[http]`: where the REST interface listens, and who may use it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// TCP address and port. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The bearer secret, at least 32 bytes; only from the environment, `AURICLE__HTTP__ADMIN_SECRET`. When absent, one
    /// is made at the first start, printed once and kept as a hash.
    pub admin_secret: Option<Redacted<String>>,
    /// Certificate chain and private key, PEM files, for TLS 1.2 and 1.3; both or none. Read again when they change.
    /// Default none: plain HTTP, for a proxy on this host.
    pub certificate: Option<PathBuf>,
    /// See `certificate`.
    pub private_key: Option<PathBuf>,
    /// Web origins that may read answers, as `https://app.example.org`, compared whole. Default none, at most 32.
    pub cors_origins: Vec<String>,
    /// Requests a minute of one principal, or from one address of strangers, 1 to 1 000 000. Default 100.
    pub api_requests_per_minute: u32,
    /// Networks of proxies whose word on the client's address is taken. Default none, at most 64.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they say it. Default `x-forwarded-for`.
    pub forwarded_header: ForwardedHeader,
}

/// In which header a proxy says for whom it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            admin_secret: None,
            certificate: None,
            private_key: None,
            cors_origins: Vec::new(),
            api_requests_per_minute: 100,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
        }
    }
}

impl HttpConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if self.listen.port() == 0 {
            faults.push(SettingFault::new(
                "listen",
                self.listen,
                "the port must not be 0",
                "give the port that clients call, 8080 as a rule",
            ));
        }
        if self.certificate.is_some() != self.private_key.is_some() {
            let missing = if self.certificate.is_some() { "private_key" } else { "certificate" };
            let bound = "certificate and private_key go together";
            faults.push(SettingFault::new(missing, "not set", bound, "name both files, or neither for plain HTTP"));
        }
        for origin in self.cors_origins.iter().filter(|origin| !is_origin(origin)) {
            let mend = "write scheme, host and port alone: no path, no *, no slash at the end";
            faults.push(SettingFault::new("cors_origins", format!("{origin:?}"), "must be an origin as https://app.example.org", mend));
        }
        faults.extend(out_of_range("cors_origins", self.cors_origins.len(), &(0..=32), "origins"));
        faults.extend(out_of_range("trusted_proxies", self.trusted_proxies.len(), &(0..=64), "networks"));
        faults.extend(out_of_range("api_requests_per_minute", self.api_requests_per_minute, &(1..=1_000_000), "requests"));
        faults.extend(self.admin_secret.as_ref().and_then(|secret| secret_fault("admin_secret", secret)));
        faults
    }
}

/// `scheme://host[:port]`, as browsers write it.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    (1..=255).contains(&host.len()) && host.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_write_them() {
        for origin in ["https://app.example.org", "http://localhost:5173", "https://[2001:db8::1]:8443"] {
            assert!(is_origin(origin), "{origin}");
        }
        for text in ["*", "https://*.example.org", "https://app.example.org/", "app.example.org", "null", "https://A.example"] {
            assert!(!is_origin(text), "{text}");
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let config = HttpConfig { certificate: Some("cert.pem".into()), ..HttpConfig::default() };
        assert_eq!(config.faults().iter().map(|fault| fault.key.as_str()).collect::<Vec<_>>(), ["private_key"]);
    }
}
