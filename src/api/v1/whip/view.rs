//! What the routes of pages answer with.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::redacted::Redacted;
use crate::signalling::whip::IceServer;

/// A token that was made just now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WhipTokenMade")]
pub(super) struct TokenMade {
    /// Goes into `Authorization: Bearer` of the page's requests; shown this once.
    token: Redacted<String>,
    /// Where the page sends its offer.
    url: String,
    /// Until when the call has to be made.
    expires_at: DateTime<Utc>,
    /// For `iceServers` of the page's connection.
    ice_servers: Vec<IceServerView>,
}

/// A server that helps a page through its translator.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IceServer")]
pub(super) struct IceServerView {
    urls: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<Redacted<String>>,
}

impl TokenMade {
    pub(super) fn new(token: Redacted<String>, agent: &str, expires_at: DateTime<Utc>, servers: Vec<IceServer>) -> Self {
        let ice_servers = servers.into_iter().map(IceServerView::from).collect();
        Self { token, url: format!("/v1/whip/{agent}"), expires_at, ice_servers }
    }
}

impl From<IceServer> for IceServerView {
    fn from(IceServer { url, login }: IceServer) -> Self {
        let (username, credential) = login.map(|login| (login.username, login.credential)).unzip();
        Self { urls: url, username, credential }
    }
}

impl Output for TokenMade {
    fn example() -> Self {
        let server = IceServerView {
            urls: "turn:turn.example.org:3478?transport=udp".to_owned(),
            username: Some("1800003600:org_default".to_owned()),
            credential: Some(Redacted::new("d2hhdGV2ZXI=".to_owned())),
        };
        Self {
            token: Redacted::new("wt_c2VjcmV0".to_owned()),
            url: "/v1/whip/default".to_owned(),
            expires_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default(),
            ice_servers: vec![server],
        }
    }
}
