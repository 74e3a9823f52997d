//! What is wrong with a field that somebody sent: all faults of an input are told at once, none shows its value.

use serde::Serialize;

/// One field that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// Its path, as in `caregivers[0].email`.
    pub field: String,
    /// What it breaks.
    pub rule: FieldRule,
}

/// A rule that a field can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum FieldRule {
    /// It must be there.
    #[error("must be given")]
    Required,
    /// So many characters.
    #[error("must have {min} to {max} characters")]
    Length {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// So many entries.
    #[error("must have at most {max} entries")]
    Entries {
        /// At most.
        max: usize,
    },
    /// An e-mail address.
    #[error("must be an e-mail address")]
    Email,
    /// A telephone number.
    #[error("must be a telephone number: digits, spaces and hyphens, with a + before the country code")]
    Phone,
    /// A day.
    #[error("must be a day between 1850 and today, as in 1942-03-28")]
    Day,
    /// A language.
    #[error("must be a language tag, as in en or es-MX")]
    Language,
    /// A time zone.
    #[error("must be the name of a time zone, as in Europe/Madrid")]
    TimeZone,
    /// No control characters.
    #[error("must hold no control characters")]
    Control,
}

/// Gathers the faults of an input while its fields are read one after the other.
#[derive(Debug, Default)]
pub struct FieldFaults(Vec<FieldFault>);

impl FieldFaults {
    /// The value, or nothing and a fault of `field`.
    pub fn take<T>(&mut self, field: impl Into<String>, outcome: Result<T, FieldRule>) -> Option<T> {
        outcome.map_err(|rule| self.0.push(FieldFault { field: field.into(), rule })).ok()
    }

    /// The same for a field that may be absent.
    pub fn take_optional<T>(&mut self, field: impl Into<String>, outcome: Option<Result<T, FieldRule>>) -> Option<T> {
        outcome.and_then(|outcome| self.take(field, outcome))
    }

    /// Adds a fault.
    pub fn push(&mut self, field: impl Into<String>, rule: FieldRule) {
        self.0.push(FieldFault { field: field.into(), rule });
    }

    /// What was read, or every fault.
    ///
    /// # Errors
    /// With the faults, when there are any.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<FieldFault>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                if self.0.is_empty() {
                    self.push("", FieldRule::Required);
                }
                Err(self.0)
            }
        }
    }
}

/// A text of `min` to `max` characters without control characters (line breaks excepted where `lines`), trimmed.
///
/// # Errors
/// With the rule that it breaks.
pub fn text(written: &str, min: usize, max: usize, lines: bool) -> Result<String, FieldRule> {
    let trimmed = written.trim();
    if !(min..=max).contains(&trimmed.chars().count()) {
        return Err(FieldRule::Length { min, max });
    }
    if trimmed.chars().any(|character| character.is_control() && !(lines && matches!(character, '\n' | '\t' | '\r'))) {
        return Err(FieldRule::Control);
    }
    Ok(trimmed.to_owned())
}
