//! Organisations as they are shown.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::ids::OrgId;
use crate::domain::organisation::{Organisation, OrganisationStatus, SignInRules};
use crate::domain::phone::CallingCode;

/// An organisation.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OrganisationView {
    id: OrgId,
    name: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// The country whose numbers are written without a country code.
    calling_code: Option<CallingCode>,
    language: String,
    time_zone: String,
    sign_in: Rules,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What an organisation decided about sign-in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SignInRulesView")]
struct Rules {
    second_factor_for_all: bool,
    admin_passwords_expire: bool,
    email_codes: bool,
}

/// A page of organisations.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrganisationsListed")]
pub(super) struct Listed {
    pub(super) items: Vec<OrganisationView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

impl From<Organisation> for OrganisationView {
    fn from(organisation: Organisation) -> Self {
        let Organisation { id, name, status, calling_code, language, time_zone, sign_in, created_at, updated_at } = organisation;
        let SignInRules { second_factor_for_all, admin_passwords_expire, email_codes } = sign_in;
        let status = match status {
            OrganisationStatus::Active => "active",
            OrganisationStatus::Suspended => "suspended",
        };
        let sign_in = Rules { second_factor_for_all, admin_passwords_expire, email_codes };
        Self { id, name, status, calling_code, language, time_zone, sign_in, created_at, updated_at }
    }
}

impl Output for OrganisationView {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        Organisation::new(OrgId::default_org(), "Northern Lights Practice".to_owned(), at).into()
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![OrganisationView::example()], next_cursor: None }
    }
}
