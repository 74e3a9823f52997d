//! Settings of the REST interface: `[http]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::domain::redacted::Redacted;
use crate::domain::setting::{SettingFault, secret_fault};

/// `[http]`: where the REST interface listens, and who may use it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// TCP address and port. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The bearer secret, at least 32 bytes; only from the environment, `AURICLE__HTTP__ADMIN_SECRET`. When absent, one
    /// is made at the first start, printed once and kept as a hash.
    pub admin_secret: Option<Redacted<String>>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080), admin_secret: None }
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
        faults.extend(self.admin_secret.as_ref().and_then(|secret| secret_fault("admin_secret", secret)));
        faults
    }
}
