//! What an agent is told of the patient and the call, in the words of its instructions: `{{patient.first_name}}`, or
//! `{{patient.first_name|dear caller}}` where something else is to stand in the place of what nobody knows.
//!
//! Only what the agent's settings list is ever put in: whoever writes the instructions decides which of the patient's record leaves the house, and a
//! variable that is not listed, or that there is not, is refused before a call. What is put in is read as text: it holds no variables itself.
//! Left out on purpose: whatever of a record is not for an agent, such as its notes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::AgentConfig;
use crate::domain::patient::PatientDetails;
use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;

/// Something that an agent may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Variable {
    /// The patient's whole name.
    #[serde(rename = "patient.name")]
    PatientName,
    /// Its first word.
    #[serde(rename = "patient.first_name")]
    PatientFirstName,
    /// What the patient speaks, `en` or `es-MX`.
    #[serde(rename = "patient.language")]
    PatientLanguage,
    /// The patient's date of birth, `1951-03-07`.
    #[serde(rename = "patient.date_of_birth")]
    PatientDateOfBirth,
    /// The patient's time zone, `Europe/Madrid`.
    #[serde(rename = "patient.time_zone")]
    PatientTimeZone,
    /// `inbound` or `outbound`.
    #[serde(rename = "call.direction")]
    CallDirection,
}

/// What is known of them in one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The patient's whole name.
    pub name: Option<Redacted<String>>,
    /// What the patient speaks.
    pub language: Option<Redacted<String>>,
    /// The patient's date of birth.
    pub date_of_birth: Option<Redacted<String>>,
    /// The patient's time zone.
    pub time_zone: Option<Redacted<String>>,
    /// Who called whom.
    pub direction: &'static str,
}

impl From<&PatientDetails> for Known {
    fn from(patient: &PatientDetails) -> Self {
        Self {
            name: Some(patient.name.clone()),
            language: patient.language.clone().map(Redacted::new),
            date_of_birth: patient.date_of_birth.as_ref().map(|day| Redacted::new(day.expose().to_string())),
            time_zone: patient.time_zone.clone().map(Redacted::new),
            direction: "",
        }
    }
}

impl Variable {
    const ALL: [(Self, &'static str); 6] = [
        (Self::PatientName, "patient.name"),
        (Self::PatientFirstName, "patient.first_name"),
        (Self::PatientLanguage, "patient.language"),
        (Self::PatientDateOfBirth, "patient.date_of_birth"),
        (Self::PatientTimeZone, "patient.time_zone"),
        (Self::CallDirection, "call.direction"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(variable, _)| variable)
    }

    /// Whether the patient's record says it.
    const fn is_of_patient(self) -> bool {
        !matches!(self, Self::CallDirection)
    }

    fn value(self, known: &Known) -> Option<&str> {
        match self {
            Self::PatientName => known.name.as_ref().map(|name| name.expose().as_str()),
            Self::PatientFirstName => known.name.as_ref().and_then(|name| name.expose().split_whitespace().next()),
            Self::PatientLanguage => known.language.as_ref().map(|language| language.expose().as_str()),
            Self::PatientDateOfBirth => known.date_of_birth.as_ref().map(|day| day.expose().as_str()),
            Self::PatientTimeZone => known.time_zone.as_ref().map(|zone| zone.expose().as_str()),
            Self::CallDirection => Some(known.direction),
        }
    }
}

impl AgentConfig {
    /// Whether the agent is told something of the patient.
    #[must_use]
    pub fn asks_for_patient(&self) -> bool {
        self.templates().flat_map(|(_, text)| pieces(text)).any(|piece| match piece {
            Piece::Variable { name, .. } => Variable::named(name).is_some_and(Variable::is_of_patient),
            Piece::Text(_) | Piece::Open => false,
        })
    }

    /// The same settings with what is known in the place of variables.
    #[must_use]
    pub fn told(&self, known: &Known) -> Self {
        let filled = |text: Option<&str>| text.map(|text| Redacted::new(self.filled(text, known)));
        Self { instructions: filled(self.instructions()), greeting: filled(self.greeting()), ..self.clone() }
    }

    /// Variables that are not listed, or that there are not.
    pub(super) fn variable_faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        for (field, text) in self.templates() {
            for piece in pieces(text) {
                let fault = match piece {
                    Piece::Text(_) => continue,
                    Piece::Open => SettingFault::new(field, "{{", "a variable ends with }}", "close it, as in {{patient.first_name}}"),
                    Piece::Variable { name, .. } => match Variable::named(name) {
                        Some(variable) if self.variables.contains(&variable) => continue,
                        Some(_) => SettingFault::new(field, shown(name), "must stand in variables", "add it to variables, or take it out"),
                        None => {
                            let known: Vec<_> = Variable::ALL.iter().map(|(_, name)| *name).collect();
                            SettingFault::new(field, shown(name), format!("known: {}", known.join(", ")), "take one of them")
                        }
                    },
                };
                faults.push(fault);
            }
        }
        faults
    }

    fn templates(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let texts = [("instructions", self.instructions()), ("greeting", self.greeting())];
        texts.into_iter().filter_map(|(field, text)| Some((field, text?)))
    }

    fn filled(&self, template: &str, known: &Known) -> String {
        let mut text = String::with_capacity(template.len());
        for piece in pieces(template) {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Open => {}
                Piece::Variable { name, otherwise } => {
                    let variable = Variable::named(name).filter(|variable| self.variables.contains(variable));
                    let value = variable.and_then(|variable| variable.value(known)).filter(|value| !value.is_empty());
                    // One line, however it was written: a record is no place for instructions.
                    let value = value.unwrap_or(otherwise).chars().filter(|c| !c.is_control()).take(MAX_VALUE_LEN);
                    text.extend(value);
                }
            }
        }
        text
    }
}

enum Piece<'a> {
    Text(&'a str),
    Variable {
        name: &'a str,
        otherwise: &'a str,
    },
    /// A variable that has no end.
    Open,
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(begin) = rest.find("{{") else { return Some(Piece::Text(std::mem::take(&mut rest))) };
        if begin > 0 {
            let (text, behind) = rest.split_at(begin);
            rest = behind;
            return Some(Piece::Text(text));
        }
        let Some((inner, behind)) = rest.get(2..).and_then(|behind| behind.split_once("}}")) else {
            rest = "";
            return Some(Piece::Open);
        };
        rest = behind;
        let (name, otherwise) = inner.split_once('|').unwrap_or((inner, ""));
        Some(Piece::Variable { name: name.trim(), otherwise: otherwise.trim() })
    })
}

fn shown(name: &str) -> String {
    format!("{{{{{}}}}}", name.chars().filter(|c| !c.is_control()).take(64).collect::<String>())
}

/// Characters of one value.
const MAX_VALUE_LEN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(instructions: &str, variables: &[Variable]) -> AgentConfig {
        AgentConfig { instructions: Some(instructions.into()), variables: variables.to_vec(), ..AgentConfig::at("ws://127.0.0.1/") }
    }

    fn ana() -> Known {
        Known { name: Some(Redacted::new("Ana María Ruiz".to_owned())), direction: "outbound", ..Known::default() }
    }

    const LISTED: [Variable; 3] = [Variable::PatientFirstName, Variable::PatientLanguage, Variable::CallDirection];

    #[test]
    fn what_is_known_stands_in_the_place_of_variables_and_something_else_for_what_is_not() {
        let agent =
            agent("Greet {{patient.first_name}}, in {{ patient.language|English }}, {{call.direction}}{{patient.first_name}}.", &LISTED);
        assert_eq!(agent.faults(), []);
        assert!(agent.asks_for_patient());
        assert_eq!(agent.told(&ana()).instructions(), Some("Greet Ana, in English, outboundAna."));
        assert_eq!(agent.told(&Known::default()).instructions(), Some("Greet , in English, ."));
    }

    #[test]
    fn a_variable_that_is_not_listed_or_not_known_is_refused_before_a_call() {
        let keys = |instructions| {
            let faults = agent(instructions, &LISTED).faults();
            faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.bound)).collect::<Vec<_>>()
        };
        assert_eq!(keys("{{patient.name}}"), ["instructions must stand in variables"]);
        assert!(keys("{{patient.notes}}")[0].starts_with("instructions known: patient.name,"));
        assert_eq!(keys("Hello {{patient.first_name"), ["instructions a variable ends with }}"]);
        assert_eq!(keys("{ } {x} }}"), [""; 0]);
    }

    #[test]
    fn what_an_agent_is_told_of_a_patient_is_not_printed() {
        let agent =
            AgentConfig { greeting: Some("Hello {{patient.first_name}}".into()), ..agent("Greet {{patient.first_name}}.", &LISTED) };
        let told = agent.told(&ana());
        assert_eq!((told.instructions(), told.greeting()), (Some("Greet Ana."), Some("Hello Ana")));
        let printed = format!("{told:?}");
        assert!(!printed.contains("Ana") && printed.contains("greeting: Some([redacted])"), "{printed}");
    }

    #[test]
    fn what_stands_in_a_record_is_text_and_no_instruction_of_several_lines() {
        let hostile = Known { language: Some(Redacted::new("en\n\n# New rules {{patient.name}}".to_owned())), ..Known::default() };
        let told = agent("{{patient.language}}", &LISTED).told(&hostile);
        assert_eq!(told.instructions(), Some("en# New rules {{patient.name}}"));
        let long = Known { language: Some(Redacted::new("x".repeat(10_000))), ..Known::default() };
        assert_eq!(agent("{{patient.language}}", &LISTED).told(&long).instructions().map(str::len), Some(MAX_VALUE_LEN));
    }
}
