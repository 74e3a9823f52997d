//! Somebody who looks after a patient, as part of the patient's record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::email::EmailAddress;
use super::field_fault::{FieldFaults, text};
use super::ids::CaregiverId;
use super::phone::{CallingCode, E164, WrittenNumber};
use super::redacted::Redacted;

/// Somebody who looks after a patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Caregiver {
    /// Which one.
    pub id: CaregiverId,
    /// Name, 1 to 100 characters.
    pub name: Redacted<String>,
    /// What they are to the patient, as in `daughter`, up to 50 characters.
    pub relationship: Option<Redacted<String>>,
    /// Telephone number as it was written.
    pub phone: Option<Redacted<WrittenNumber>>,
    /// The same as E.164.
    pub phone_e164: Option<Redacted<E164>>,
    /// E-mail address.
    pub email: Option<Redacted<EmailAddress>>,
}

/// What somebody sends of a caregiver.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaregiverInput {
    /// The one that is changed; a new one when absent.
    #[serde(default)]
    pub id: Option<CaregiverId>,
    /// Name.
    pub name: Redacted<String>,
    /// What they are to the patient.
    #[serde(default)]
    pub relationship: Option<Redacted<String>>,
    /// Telephone number.
    #[serde(default)]
    pub phone: Option<Redacted<String>>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<Redacted<String>>,
}

impl CaregiverInput {
    /// The caregiver, or nothing and the faults under `path`.
    pub fn check(&self, path: &str, home: Option<&CallingCode>, faults: &mut FieldFaults) -> Option<Caregiver> {
        let name = faults.take(format!("{path}.name"), text(self.name.expose(), 1, 100, false));
        let relationship = self.relationship.as_ref().map(|written| text(written.expose(), 1, 50, false));
        let relationship = faults.take_optional(format!("{path}.relationship"), relationship);
        let phone: Option<WrittenNumber> =
            faults.take_optional(format!("{path}.phone"), self.phone.as_ref().map(|written| written.expose().parse()));
        let email: Option<EmailAddress> =
            faults.take_optional(format!("{path}.email"), self.email.as_ref().map(|written| written.expose().parse()));
        Some(Caregiver {
            id: self.id.clone().unwrap_or_else(CaregiverId::random),
            name: name?.into(),
            relationship: relationship.map(Redacted::new),
            phone_e164: phone.as_ref().and_then(|phone| phone.to_e164(home)).map(Redacted::new),
            phone: phone.map(Redacted::new),
            email: email.map(Redacted::new),
        })
    }
}
