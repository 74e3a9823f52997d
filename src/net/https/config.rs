//! Settings of requests that the gateway sends: `[https_client]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::Reach;
use crate::domain::network::Network;
use crate::domain::setting::{SettingFault, out_of_range};
use crate::net::tls::TlsFiles;

/// `[https_client]`: where webhooks and other requests of the gateway's own may go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpsClientConfig {
    /// Networks that may be reached although they are not of the public internet, as `10.1.0.0/16`. Default none, at
    /// most 64.
    pub allowed_networks: Vec<Network>,
    /// Ports that may be connected to. Default 443, at most 16.
    pub ports: Vec<u16>,
    /// Whose certificates servers may have, a PEM file. Default the public authorities.
    pub authorities: Option<PathBuf>,
    /// Whether `http://` will do: for work on the gateway itself, refused in staging and production. Default false.
    pub plain_http: bool,
}

impl Default for HttpsClientConfig {
    fn default() -> Self {
        Self { allowed_networks: Vec::new(), ports: vec![443], authorities: None, plain_http: false }
    }
}

impl HttpsClientConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        faults.extend(out_of_range("allowed_networks", self.allowed_networks.len(), &(0..=64), "networks"));
        faults.extend(out_of_range("ports", self.ports.len(), &(1..=16), "ports"));
        if self.ports.contains(&0) {
            faults.push(SettingFault::new("ports", 0, "must be ports from 1 to 65535", "write 443"));
        }
        faults
    }

    /// Where requests may go.
    #[must_use]
    pub fn reach(&self) -> Reach {
        Reach { allowed: self.allowed_networks.clone(), ports: self.ports.clone(), plain: self.plain_http }
    }

    /// Which files TLS wants.
    #[must_use]
    pub fn tls_files(&self) -> TlsFiles {
        TlsFiles { authorities: self.authorities.clone(), ..TlsFiles::default() }
    }
}
