//! Settings of the REST interface: `[http]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;

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
        let mend = "make one with: openssl rand -hex 32";
        match self.admin_secret.as_ref().map(Redacted::expose) {
            Some(secret) if secret.len() < MIN_SECRET_LEN => {
                let value = format!("({} bytes)", secret.len());
                faults.push(SettingFault::new("admin_secret", value, format!("must have at least {MIN_SECRET_LEN} bytes"), mend));
            }
            Some(secret) if is_guessable(secret) => {
                faults.push(SettingFault::new("admin_secret", "(masked)", "must not be a placeholder or a repeated character", mend));
            }
            Some(secret) if !secret.bytes().all(|byte| byte.is_ascii_graphic()) => {
                faults.push(SettingFault::new("admin_secret", "(masked)", "must be printable ASCII without spaces", mend));
            }
            _ => {}
        }
        faults
    }
}

/// Whether a secret is one that people leave in place, whatever its length.
fn is_guessable(secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    let placeholder = PLACEHOLDERS.iter().any(|word| lower.contains(word));
    let distinct = lower.bytes().collect::<std::collections::HashSet<_>>().len();
    placeholder || distinct < 8
}

/// 256 bits when every byte is random.
const MIN_SECRET_LEN: usize = 32;
const PLACEHOLDERS: [&str; 5] = ["your-secret", "your_secret", "changeme", "change-me", "secret-key-here"];

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(secret: &str) -> Vec<SettingFault> {
        HttpConfig { admin_secret: Some(Redacted::new(secret.to_owned())), ..HttpConfig::default() }.faults()
    }

    #[test]
    fn short_secrets_and_placeholders_are_refused_without_being_shown() {
        for secret in ["short", "your-secret-key-here-your-secret-key-here", &"a".repeat(64), "a b c d e f g h i j k l m n o p q r s t"] {
            let faults = faults_of(secret);
            assert_eq!(faults.len(), 1, "{secret}");
            assert!(!faults[0].to_string().contains(secret));
        }
    }

    #[test]
    fn a_random_secret_is_taken() {
        assert_eq!(faults_of("8f1c0b7e6a5d4c3b2a190817f6e5d4c3"), []);
    }
}
