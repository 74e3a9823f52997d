//! Keys as they are shown.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::access::Permission;
use crate::domain::api_key::ApiKey;
use crate::domain::ids::{ApiKeyId, UserId};
use crate::domain::redacted::Redacted;

/// A key, without what it is borne as.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ApiKeyView {
    id: ApiKeyId,
    name: String,
    scopes: Vec<&'static str>,
    created_by: UserId,
    created_at: DateTime<Utc>,
    /// Null for one without an end.
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// A key that was made just now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeyMade")]
pub(super) struct Made {
    #[serde(flatten)]
    made: ApiKeyView,
    /// Goes into `Authorization: Bearer`; shown this once.
    key: Redacted<String>,
}

/// A page of keys.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeysListed")]
pub(super) struct Listed {
    pub(super) items: Vec<ApiKeyView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, scopes, created_by, created_at, expires_at, revoked_at, .. } = key;
        Self { id, name, scopes: scopes.into_iter().map(Permission::name).collect(), created_by, created_at, expires_at, revoked_at }
    }
}

impl Made {
    pub(super) fn new(key: ApiKey, text: Redacted<String>) -> Self {
        Self { made: key.into(), key: text }
    }
}

impl Output for ApiKeyView {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        Self {
            id: EXAMPLE_ID.parse().unwrap_or_else(|_| ApiKeyId::random()),
            name: "nightly import".to_owned(),
            scopes: vec![Permission::PatientsRead.name()],
            created_by: EXAMPLE_USER.parse().unwrap_or_else(|_| UserId::random()),
            created_at: at,
            expires_at: None,
            revoked_at: None,
        }
    }
}

impl Output for Made {
    fn example() -> Self {
        Self { made: ApiKeyView::example(), key: Redacted::new(format!("ak.org_default.{EXAMPLE_ID}.c2VjcmV0")) }
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![ApiKeyView::example()], next_cursor: None }
    }
}

const EXAMPLE_ID: &str = "key_0123456789abcdefghjkmnpqrs";
const EXAMPLE_USER: &str = "user_0123456789abcdefghjkmnpqrs";
