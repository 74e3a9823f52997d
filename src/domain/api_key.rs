//! A key with which a program signs in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::access::Permission;
use super::ids::{ApiKeyId, OrgId, UserId};

/// A key of a program. The key itself is shown once, when it is made; only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Which one.
    pub id: ApiKeyId,
    /// Of which organisation.
    pub org_id: OrgId,
    /// What it is for, 1 to 100 characters.
    pub name: String,
    /// What may be done with it.
    pub scopes: Vec<Permission>,
    /// Who made it.
    pub created_by: UserId,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it ends; never when absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}
