//! Servers that help a page through its translator, with credentials that end by themselves: the scheme that coturn calls
//! `use-auth-secret` (draft-uberti-behave-turn-rest). The name is the time of the end, the password its code under the secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac;

use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::leg::browser_config::WebRtcConfig;

/// A server as a page is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// Its URI.
    pub url: String,
    /// With what one signs in; none for STUN.
    pub login: Option<IceLogin>,
}

/// Name and password at a TURN server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceLogin {
    /// The name: when it ends, in seconds since 1970, and whose it is.
    pub username: String,
    /// The password.
    pub credential: Redacted<String>,
}

/// The servers that a page of `org` is told of at `now`; TURN servers only where a secret is shared with them.
#[must_use]
pub fn ice_servers(config: &WebRtcConfig, org: &OrgId, now: SystemTime) -> Vec<IceServer> {
    let login = config.turn_secret.as_ref().map(|secret| login(secret, org, now, config.turn_ttl()));
    let told = |url: &String| {
        if url.starts_with("stun") {
            return Some(IceServer { url: url.clone(), login: None });
        }
        login.clone().map(|login| IceServer { url: url.clone(), login: Some(login) })
    };
    config.ice_servers.iter().filter_map(told).collect()
}

fn login(secret: &Redacted<String>, org: &OrgId, now: SystemTime, ttl: Duration) -> IceLogin {
    let end = now.duration_since(UNIX_EPOCH).unwrap_or_default() + ttl;
    let username = format!("{}:{org}", end.as_secs());
    // SHA-1 is what the scheme has, and what TURN servers understand; under HMAC it still stands.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
    let code = hmac::sign(&key, username.as_bytes());
    IceLogin { credential: Redacted::new(base64_simd::STANDARD.encode_to_string(code.as_ref())), username }
}

impl IceServer {
    /// As a `Link` header has it (RFC 9725 §4.6).
    #[must_use]
    pub fn link(&self) -> String {
        let url = &self.url;
        match &self.login {
            None => format!("<{url}>; rel=\"ice-server\""),
            Some(IceLogin { username, credential }) => {
                let credential = credential.expose();
                format!("<{url}>; rel=\"ice-server\"; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\"")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_code_of_the_name_under_the_secret() {
        let secret = Redacted::new("north-wind-and-the-sun-argued-once".to_owned());
        let config = WebRtcConfig {
            ice_servers: vec!["stun:stun.example.org".to_owned(), "turn:turn.example.org?transport=udp".to_owned()],
            turn_secret: Some(secret),
            ..WebRtcConfig::default()
        };
        let servers = ice_servers(&config, &OrgId::default_org(), UNIX_EPOCH + Duration::from_secs(1_000));
        let links: Vec<_> = servers.iter().map(IceServer::link).collect();
        // By: printf %s 4600:org_default | openssl dgst -sha1 -hmac … -binary | base64
        assert_eq!(links[0], "<stun:stun.example.org>; rel=\"ice-server\"");
        let login = servers[1].login.clone().unwrap();
        assert_eq!((login.username.as_str(), login.credential.expose().as_str()), ("4600:org_default", EXPECTED));
        assert!(links[1].contains("username=\"4600:org_default\"; credential=\"") && !format!("{login:?}").contains(EXPECTED));
    }

    #[test]
    fn without_a_secret_no_turn_server_is_told() {
        let config = WebRtcConfig { ice_servers: vec!["turn:turn.example.org".to_owned()], ..WebRtcConfig::default() };
        assert_eq!(ice_servers(&config, &OrgId::default_org(), UNIX_EPOCH), []);
    }

    const EXPECTED: &str = "wG8eG9R/Q5B3JtDlspt/O8ufqPM=";
}
