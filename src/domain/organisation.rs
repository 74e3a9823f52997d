//! An organisation: a clinic, a practice, a service; the tenant whose wall nobody sees over.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::OrgId;
use super::phone::CallingCode;

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Which one.
    pub id: OrgId,
    /// What people call it, 1 to 100 characters. An organisation's name is nobody's personal data.
    pub name: String,
    /// Whether it may work.
    pub status: OrganisationStatus,
    /// The country whose numbers are written without a country code.
    pub calling_code: Option<CallingCode>,
    /// The language of its patients where they have none, a tag of RFC 5646.
    pub language: String,
    /// Its time zone, by IANA's name.
    pub time_zone: String,
    /// What it decided about sign-in.
    pub sign_in: SignInRules,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// Whether an organisation may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationStatus {
    /// It may.
    Active,
    /// Nobody of it signs in; its records stay.
    Suspended,
}

/// What an organisation decided about sign-in. Nothing here is weaker than the gateway's own rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRules {
    /// Every user needs a second factor, not administrators only.
    pub second_factor_for_all: bool,
    /// Administrators' passwords end after 90 days. Off unless a contract asks for it: NIST SP 800-63B section 3.1.1.2
    /// advises against.
    pub admin_passwords_expire: bool,
    /// Who is no administrator may sign in with a code that is sent by e-mail in place of a password. Off unless wanted: an
    /// e-mail account is then all that it takes, as with a forgotten password.
    #[serde(default)]
    pub email_codes: bool,
}

impl Organisation {
    /// An active organisation of this name.
    #[must_use]
    pub fn new(id: OrgId, name: String, now: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            status: OrganisationStatus::Active,
            calling_code: None,
            language: "en".to_owned(),
            time_zone: "UTC".to_owned(),
            sign_in: SignInRules::default(),
            created_at: now,
            updated_at: now,
        }
    }
}
