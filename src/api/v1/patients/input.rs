//! What the routes of patients take. Their form is checked here, what they mean by [`PatientInput::check`].

use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::input::given;
use crate::domain::caregiver::{Caregiver, CaregiverInput};
use crate::domain::patient::{Patient, PatientInput};
use crate::domain::redacted::Redacted;

/// Which patients to list.
#[derive(Debug, Deserialize)]
pub(super) struct PatientQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    pub(super) search: Option<Redacted<String>>,
    pub(super) removed: Option<bool>,
}

impl Input for PatientQuery {
    const SHAPE: &'static Object = &Object {
        name: "PatientQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
            Member::optional("search", Shape::line(1, 100, "ana"), "Only patients in whose name, e-mail address or number this stands."),
            Member::optional("removed", Shape::Flag, "Those who were removed, in place of those who are cared for."),
        ],
    };
}

/// In which form to take patients out.
#[derive(Debug, Deserialize)]
pub(super) struct ExportQuery {
    pub(super) format: Option<ExportFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExportFormat {
    Csv,
    Json,
}

impl Input for ExportQuery {
    const SHAPE: &'static Object =
        &Object { name: "ExportQuery", members: &[Member::optional("format", Shape::Choice(&["csv", "json"]), "`csv` when absent.")] };
}

/// A patient to make.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct NewPatient(pub(super) PatientInput);

/// Patients to make.
#[derive(Debug, Deserialize)]
pub(super) struct NewPatients {
    pub(super) patients: Vec<PatientInput>,
}

/// What to change of a patient: what is absent stays, what is null goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PatientChange {
    name: Option<Redacted<String>>,
    #[serde(deserialize_with = "given")]
    email: Option<Option<Redacted<String>>>,
    #[serde(deserialize_with = "given")]
    phone: Option<Option<Redacted<String>>>,
    #[serde(deserialize_with = "given")]
    date_of_birth: Option<Option<Redacted<String>>>,
    #[serde(deserialize_with = "given")]
    language: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    time_zone: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    notes: Option<Option<Redacted<String>>>,
    caregivers: Option<Vec<CaregiverInput>>,
}

/// A caregiver to add.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct NewCaregiver(pub(super) CaregiverInput);

impl PatientChange {
    /// The patient as it would be sent whole, with the change made.
    pub(super) fn over(self, patient: &Patient) -> PatientInput {
        let before = whole(patient);
        PatientInput {
            name: self.name.unwrap_or(before.name),
            email: self.email.unwrap_or(before.email),
            phone: self.phone.unwrap_or(before.phone),
            date_of_birth: self.date_of_birth.unwrap_or(before.date_of_birth),
            language: self.language.unwrap_or(before.language),
            time_zone: self.time_zone.unwrap_or(before.time_zone),
            notes: self.notes.unwrap_or(before.notes),
            caregivers: self.caregivers.unwrap_or(before.caregivers),
        }
    }
}

/// A patient as somebody would have to send it to get the same.
pub(super) fn whole(patient: &Patient) -> PatientInput {
    let details = patient.details.clone();
    let text = |text: &str| Redacted::new(text.to_owned());
    PatientInput {
        name: details.name,
        email: details.email.map(|email| text(email.expose().as_str())),
        phone: details.phone.map(|phone| text(phone.expose().as_str())),
        date_of_birth: details.date_of_birth.map(|day| Redacted::new(day.expose().to_string())),
        language: details.language,
        time_zone: details.time_zone,
        notes: details.notes,
        caregivers: details.caregivers.into_iter().map(caregiver).collect(),
    }
}

fn caregiver(caregiver: Caregiver) -> CaregiverInput {
    let Caregiver { id, name, relationship, phone, email, .. } = caregiver;
    let text = |text: &str| Redacted::new(text.to_owned());
    CaregiverInput {
        id: Some(id),
        name,
        relationship,
        phone: phone.map(|phone| text(phone.expose().as_str())),
        email: email.map(|email| text(email.expose().as_str())),
    }
}

const NAME: Shape = Shape::line(1, 100, "Ana García");
const NOTES: Shape = Shape::Text { min: 1, max: 10_000, format: Format::Lines, example: "Hears badly on the left." };
const CAREGIVERS: Shape = Shape::List { of: &Shape::Object(&CAREGIVER), min: 0, max: 20 };

static CAREGIVER: Object = Object {
    name: "NewCaregiver",
    members: &[
        Member::optional("id", Shape::of(Format::Id("cgv")), "The one that is changed; a new one when absent."),
        Member::required("name", NAME, ""),
        Member::optional("relationship", Shape::line(1, 50, "daughter"), "What they are to the patient."),
        Member::optional("phone", Shape::of(Format::Phone), ""),
        Member::optional("email", Shape::of(Format::Email), ""),
    ],
};

static PATIENT: Object = Object {
    name: "NewPatient",
    members: &[
        Member::required("name", NAME, ""),
        Member::optional("email", Shape::of(Format::Email), "Unique in the organisation."),
        Member::optional("phone", Shape::of(Format::Phone), "With a country code, or as it is dialled in the organisation's country."),
        Member::optional("date_of_birth", Shape::of(Format::Date), "From 1850 to today."),
        Member::optional("language", Shape::of(Format::Language), "A tag of RFC 5646; the organisation's when absent."),
        Member::optional("time_zone", Shape::of(Format::TimeZone), "A name of IANA's; the organisation's when absent."),
        Member::optional("notes", NOTES, ""),
        Member::kept("caregivers", CAREGIVERS, ""),
    ],
};

static ONE: Shape = Shape::Object(&PATIENT);

impl Input for NewPatient {
    const SHAPE: &'static Object = &PATIENT;
}

impl Input for NewCaregiver {
    const SHAPE: &'static Object = &CAREGIVER;
}

impl Input for NewPatients {
    const SHAPE: &'static Object = &Object {
        name: "NewPatients",
        members: &[Member::required("patients", Shape::List { of: &ONE, min: 1, max: 1_000 }, "All are made, or none.")],
    };
}

impl Input for PatientChange {
    const SHAPE: &'static Object = &Object {
        name: "PatientChange",
        members: &[
            Member::kept("name", NAME, ""),
            Member::optional("email", Shape::of(Format::Email), ""),
            Member::optional("phone", Shape::of(Format::Phone), ""),
            Member::optional("date_of_birth", Shape::of(Format::Date), ""),
            Member::optional("language", Shape::of(Format::Language), ""),
            Member::optional("time_zone", Shape::of(Format::TimeZone), ""),
            Member::optional("notes", NOTES, ""),
            Member::kept("caregivers", CAREGIVERS, "All of them: whoever is left out goes."),
        ],
    };
}
