//! A key with which a program signs in.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::access::{Permission, Permissions};
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

impl ApiKey {
    /// The longest life of a key that may take all patients out.
    pub const EXPORT_DAYS: i64 = 90;

    /// What it allows of its scopes: exports only where the key ends soon enough, since whoever finds it can prove nothing else.
    #[must_use]
    pub fn permissions(&self) -> Permissions {
        let ends_soon = self.expires_at.is_some_and(|end| end - self.created_at <= TimeDelta::days(Self::EXPORT_DAYS));
        self.scopes.iter().copied().filter(|scope| *scope != Permission::PatientsExport || ends_soon).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_an_end_or_with_a_late_one_takes_no_patients_out() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let key = |days: Option<i64>| ApiKey {
            id: ApiKeyId::random(),
            org_id: OrgId::default_org(),
            name: "nightly".to_owned(),
            scopes: vec![Permission::PatientsRead, Permission::PatientsExport],
            created_by: UserId::random(),
            created_at: now,
            expires_at: days.map(|days| now + TimeDelta::days(days)),
            revoked_at: None,
        };
        for (days, exports) in [(None, false), (Some(91), false), (Some(90), true), (Some(1), true)] {
            let permissions = key(days).permissions();
            assert_eq!(permissions.contains(Permission::PatientsExport), exports, "{days:?}");
            assert!(permissions.contains(Permission::PatientsRead));
        }
    }
}
