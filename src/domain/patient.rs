//! Somebody who is cared for and called.
//!
//! What a client sends is a [`PatientInput`]; [`PatientInput::check`] is the one place where it is judged.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::call_record::CallStatus;
use super::caregiver::{Caregiver, CaregiverInput};
use super::email::EmailAddress;
use super::field_fault::{FieldFault, FieldFaults, FieldRule, text};
use super::ids::{OrgId, PatientId};
use super::phone::{CallingCode, E164, WrittenNumber};
use super::redacted::Redacted;

/// A patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    /// Which one; the contract calls it `patient_id` as well.
    pub id: PatientId,
    /// The organisation that cares.
    pub org_id: OrgId,
    /// What was said of them.
    #[serde(flatten)]
    pub details: PatientDetails,
    /// Where the last call to them stands.
    pub call_status: CallStatus,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// When they were removed; they can be brought back.
    pub deleted_at: Option<DateTime<Utc>>,
}

/// What was said of a patient. Absent is null, never an empty text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatientDetails {
    /// Name, 1 to 100 characters.
    pub name: Redacted<String>,
    /// E-mail address, unique in the organisation.
    pub email: Option<Redacted<EmailAddress>>,
    /// Telephone number as it was written.
    pub phone: Option<Redacted<WrittenNumber>>,
    /// The same as E.164, by which callers are told.
    pub phone_e164: Option<Redacted<E164>>,
    /// Date of birth.
    pub date_of_birth: Option<Redacted<NaiveDate>>,
    /// Language, a tag of RFC 5646.
    pub language: Option<String>,
    /// Time zone, by IANA's name.
    pub time_zone: Option<String>,
    /// What else is to be known, up to 10 000 characters.
    pub notes: Option<Redacted<String>>,
    /// Who looks after them, 20 at most.
    pub caregivers: Vec<Caregiver>,
}

/// What somebody sends of a patient. An empty text is read as absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientInput {
    /// Name.
    pub name: Redacted<String>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<Redacted<String>>,
    /// Telephone number.
    #[serde(default)]
    pub phone: Option<Redacted<String>>,
    /// Date of birth, as in `1942-03-28`.
    #[serde(default)]
    pub date_of_birth: Option<Redacted<String>>,
    /// Language.
    #[serde(default)]
    pub language: Option<String>,
    /// Time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// What else is to be known.
    #[serde(default)]
    pub notes: Option<Redacted<String>>,
    /// Who looks after them.
    #[serde(default)]
    pub caregivers: Vec<CaregiverInput>,
}

impl PatientInput {
    /// What is kept of it. `home` is the country of numbers without a country code.
    ///
    /// # Errors
    /// With every fault at once.
    pub fn check(&self, home: Option<&CallingCode>, today: NaiveDate) -> Result<PatientDetails, Vec<FieldFault>> {
        let mut faults = FieldFaults::default();
        let name = faults.take("name", text(self.name.expose(), 1, 100, false));
        let email: Option<EmailAddress> = faults.take_optional("email", given(self.email.as_ref()).map(str::parse));
        let phone: Option<WrittenNumber> = faults.take_optional("phone", given(self.phone.as_ref()).map(str::parse));
        let born = faults.take_optional("date_of_birth", given(self.date_of_birth.as_ref()).map(|written| day(written, today)));
        let language = faults.take_optional("language", present(self.language.as_deref()).map(language));
        let time_zone = faults.take_optional("time_zone", present(self.time_zone.as_deref()).map(time_zone));
        let notes = faults.take_optional("notes", given(self.notes.as_ref()).map(|written| text(written, 1, MAX_NOTES, true)));
        if self.caregivers.len() > MAX_CAREGIVERS {
            faults.push("caregivers", FieldRule::Entries { max: MAX_CAREGIVERS });
        }
        let caregivers = self.caregivers.iter().take(MAX_CAREGIVERS).enumerate();
        let caregivers = caregivers.filter_map(|(n, input)| input.check(&format!("caregivers[{n}]"), home, &mut faults)).collect();
        let details = name.map(|name| PatientDetails {
            name: Redacted::new(name),
            email: email.map(Redacted::new),
            phone_e164: phone.as_ref().and_then(|phone| phone.to_e164(home)).map(Redacted::new),
            phone: phone.map(Redacted::new),
            date_of_birth: born.map(Redacted::new),
            language,
            time_zone,
            notes: notes.map(Redacted::new),
            caregivers,
        });
        faults.finish(details)
    }
}

impl Patient {
    /// A new patient.
    #[must_use]
    pub fn new(org_id: OrgId, details: PatientDetails, now: DateTime<Utc>) -> Self {
        let id = PatientId::random();
        Self { id, org_id, details, call_status: CallStatus::NotStarted, created_at: now, updated_at: now, deleted_at: None }
    }
}

fn given(field: Option<&Redacted<String>>) -> Option<&str> {
    present(field.map(|field| field.expose().as_str()))
}

fn present(field: Option<&str>) -> Option<&str> {
    field.map(str::trim).filter(|text| !text.is_empty())
}

fn day(written: &str, today: NaiveDate) -> Result<NaiveDate, FieldRule> {
    let day = NaiveDate::parse_from_str(written, "%Y-%m-%d").map_err(|_| FieldRule::Day)?;
    if day.year() >= 1850 && day <= today { Ok(day) } else { Err(FieldRule::Day) }
}

/// The form of a tag of RFC 5646 section 2.1; whether a language of that name is spoken anywhere is not asked.
///
/// # Errors
/// When it has another form.
pub fn language(written: &str) -> Result<String, FieldRule> {
    let mut parts = written.split('-');
    let primary = parts.next().unwrap_or_default();
    let legal = (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && written.len() <= 35;
    if legal { Ok(written.to_owned()) } else { Err(FieldRule::Language) }
}

/// The form of an IANA name, `Area/Place` or `UTC`. Which exist changes several times a year; the scheduler knows them.
///
/// # Errors
/// When it has another form.
pub fn time_zone(written: &str) -> Result<String, FieldRule> {
    let part = |part: &str| {
        !part.is_empty()
            && part.starts_with(|first: char| first.is_ascii_uppercase())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte))
    };
    let legal = written.len() <= 64 && written.split('/').all(part) && (written.contains('/') || written == "UTC");
    if legal { Ok(written.to_owned()) } else { Err(FieldRule::TimeZone) }
}

const MAX_NOTES: usize = 10_000;
const MAX_CAREGIVERS: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(input: serde_json::Value) -> Result<PatientDetails, Vec<FieldFault>> {
        let input: PatientInput = serde_json::from_value(input).unwrap();
        input.check(Some(&"1".parse().unwrap()), NaiveDate::from_ymd_opt(2026, 11, 20).unwrap())
    }

    #[test]
    fn what_was_said_is_kept_and_the_number_kept_twice() {
        let details = check(json!({
            "name": " Ada Park ", "email": "Ada@Example.org", "phone": "555 010-0199", "date_of_birth": "1942-03-28", "language": "es-MX",
            "time_zone": "America/New_York", "notes": "", "caregivers": [{ "name": "Lee", "phone": "+44 20 7946 0000" }]
        }))
        .unwrap();
        assert_eq!(details.name.expose(), "Ada Park");
        assert_eq!(details.phone.unwrap().expose().as_str(), "555 010-0199");
        assert_eq!(details.phone_e164.unwrap().expose().as_str(), "+15550100199");
        assert_eq!((details.notes, details.caregivers[0].phone_e164.as_ref().unwrap().expose().as_str()), (None, "+442079460000"));
    }

    #[test]
    fn every_fault_is_told_at_once_and_none_shows_its_value() {
        let faults = check(json!({
            "name": "", "email": "nobody", "phone": "call me", "date_of_birth": "2026-11-21", "language": "English", "time_zone": "here",
            "notes": "a\u{0}b", "caregivers": [{ "name": "x", "email": "y" }]
        }))
        .unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        let expected = ["name", "email", "phone", "date_of_birth", "language", "time_zone", "notes", "caregivers[0].email"];
        assert_eq!(fields, expected);
        assert!(!format!("{faults:?}").contains("nobody"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(serde_json::from_value::<PatientInput>(json!({ "name": "a", "org_id": "org_other" })).is_err());
    }
}
