//! What the routes of organisations take.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::error::ApiError;
use crate::api::input::given;
use crate::domain::field_fault::{FieldFaults, text};
use crate::domain::organisation::{Organisation, SignInRules};
use crate::domain::patient;
use crate::domain::redacted::Redacted;

/// Which organisations to list.
#[derive(Debug, Deserialize)]
pub(super) struct OrganisationQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

/// An organisation to make.
#[derive(Debug, Deserialize)]
pub(super) struct NewOrganisation {
    pub(super) name: String,
    pub(super) calling_code: Option<String>,
    pub(super) language: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) sign_in: Option<Rules>,
    pub(super) admin_email: Option<Redacted<String>>,
}

/// What to change of an organisation: what is absent stays, a calling code that is null goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OrganisationChange {
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    calling_code: Option<Option<String>>,
    language: Option<String>,
    time_zone: Option<String>,
    sign_in: Option<Rules>,
}

/// Rules of sign-in; what is absent stays.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Rules {
    second_factor_for_all: Option<bool>,
    admin_passwords_expire: Option<bool>,
    email_codes: Option<bool>,
}

impl NewOrganisation {
    /// As a change of an organisation that has nothing but its name.
    pub(super) fn over(self, organisation: Organisation, now: DateTime<Utc>) -> Result<Organisation, ApiError> {
        let Self { name, calling_code, language, time_zone, sign_in, .. } = self;
        OrganisationChange { name: Some(name), calling_code: Some(calling_code), language, time_zone, sign_in }.over(organisation, now)
    }
}

impl OrganisationChange {
    /// The organisation with the change made, or everything that is wrong with it.
    pub(super) fn over(self, before: Organisation, now: DateTime<Utc>) -> Result<Organisation, ApiError> {
        let mut faults = FieldFaults::default();
        let mut after = before;
        if let Some(name) = self.name {
            after.name = faults.take("name", text(&name, 1, 100, false)).unwrap_or(after.name);
        }
        if let Some(code) = self.calling_code {
            after.calling_code = faults.take_optional("calling_code", code.map(|code| code.parse()));
        }
        if let Some(language) = self.language {
            after.language = faults.take("language", patient::language(&language)).unwrap_or(after.language);
        }
        if let Some(zone) = self.time_zone {
            after.time_zone = faults.take("time_zone", patient::time_zone(&zone)).unwrap_or(after.time_zone);
        }
        if let Some(rules) = self.sign_in {
            let SignInRules { second_factor_for_all, admin_passwords_expire, email_codes } = after.sign_in;
            after.sign_in = SignInRules {
                second_factor_for_all: rules.second_factor_for_all.unwrap_or(second_factor_for_all),
                admin_passwords_expire: rules.admin_passwords_expire.unwrap_or(admin_passwords_expire),
                email_codes: rules.email_codes.unwrap_or(email_codes),
            };
        }
        after.updated_at = now;
        Ok(faults.finish(Some(after))?)
    }
}

const NAME: Shape = Shape::line(1, 100, "Northern Lights Practice");
const CALLING_CODE: Member =
    Member::optional("calling_code", Shape::of(Format::CallingCode), "The country whose numbers are written without a country code.");
const LANGUAGE: Member = Member::kept("language", Shape::of(Format::Language), "Of patients who have none; `en` at first.");
const TIME_ZONE: Member = Member::kept("time_zone", Shape::of(Format::TimeZone), "`UTC` at first.");
const SIGN_IN: Member = Member::kept("sign_in", Shape::Object(&RULES), "What it decides about sign-in; all of it is off at first.");

static RULES: Object = Object {
    name: "SignInRules",
    members: &[
        Member::kept("second_factor_for_all", Shape::Flag, "Every user needs a second factor, not administrators only."),
        Member::kept("admin_passwords_expire", Shape::Flag, "Administrators' passwords end after 90 days."),
        Member::kept("email_codes", Shape::Flag, "Who is no administrator may sign in with a code by e-mail in place of a password."),
    ],
};

impl Input for OrganisationQuery {
    const SHAPE: &'static Object = &Object {
        name: "OrganisationQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
        ],
    };
}

impl Input for NewOrganisation {
    const SHAPE: &'static Object = &Object {
        name: "NewOrganisation",
        members: &[
            Member::required("name", NAME, ""),
            CALLING_CODE,
            LANGUAGE,
            TIME_ZONE,
            SIGN_IN,
            Member::optional("admin_email", Shape::of(Format::Email), "Who is invited to run it."),
        ],
    };
}

impl Input for OrganisationChange {
    const SHAPE: &'static Object =
        &Object { name: "OrganisationChange", members: &[Member::kept("name", NAME, ""), CALLING_CODE, LANGUAGE, TIME_ZONE, SIGN_IN] };
}
