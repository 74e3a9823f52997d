//! Telephone numbers: as somebody wrote them, and as ITU-T E.164 for dialling and for telling callers.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field_fault::FieldRule;

/// A country's calling code, ITU-T E.164 section 6.1: one to three digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct CallingCode(String);

/// A number as it was written: digits, spaces and hyphens, a `+` before them or none (the contract's
/// `^\+?[\d\s-]+$`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct WrittenNumber(String);

/// A number as ITU-T E.164 has it: `+` and 8 to 15 digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct E164(String);

impl WrittenNumber {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same number in E.164, when it has its country code or `home` says where it was written. A national number
    /// loses the 0 that is dialled before it at home; in Italy (39) that 0 is part of the number.
    #[must_use]
    pub fn to_e164(&self, home: Option<&CallingCode>) -> Option<E164> {
        let digits: String = self.0.chars().filter(char::is_ascii_digit).collect();
        if self.0.trim_start().starts_with('+') {
            return E164::of_digits(&digits);
        }
        if let Some(international) = digits.strip_prefix("00") {
            return E164::of_digits(international);
        }
        let CallingCode(code) = home?;
        // In the North American plan the country code is also what is dialled before a number at home.
        if code == "1" {
            let national = digits.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(&digits);
            return (national.len() == 10).then(|| E164::of_digits(&format!("1{national}"))).flatten();
        }
        let national = if code == "39" { digits.as_str() } else { digits.strip_prefix('0').unwrap_or(&digits) };
        E164::of_digits(&format!("{code}{national}"))
    }
}

impl E164 {
    /// `+` and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of_digits(digits: &str) -> Option<Self> {
        ((8..=15).contains(&digits.len()) && !digits.starts_with('0')).then(|| Self(format!("+{digits}")))
    }
}

impl FromStr for CallingCode {
    type Err = FieldRule;

    fn from_str(written: &str) -> Result<Self, FieldRule> {
        let digits = written.strip_prefix('+').unwrap_or(written);
        let legal = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if legal { Ok(Self(digits.to_owned())) } else { Err(FieldRule::Phone) }
    }
}

impl FromStr for WrittenNumber {
    type Err = FieldRule;

    fn from_str(written: &str) -> Result<Self, FieldRule> {
        let trimmed = written.trim();
        let rest = trimmed.strip_prefix('+').unwrap_or(trimmed);
        let legal = |character: char| character.is_ascii_digit() || character == ' ' || character == '-';
        let digits = rest.chars().filter(char::is_ascii_digit).count();
        if rest.chars().all(legal) && (3..=15).contains(&digits) && trimmed.len() <= MAX_WRITTEN {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(FieldRule::Phone)
        }
    }
}

impl FromStr for E164 {
    type Err = FieldRule;

    fn from_str(written: &str) -> Result<Self, FieldRule> {
        let digits = written.strip_prefix('+').ok_or(FieldRule::Phone)?;
        let legal = digits.bytes().all(|byte| byte.is_ascii_digit());
        legal.then(|| Self::of_digits(digits)).flatten().ok_or(FieldRule::Phone)
    }
}

macro_rules! text_form {
    ($($name:ident),+) => {
        $(impl TryFrom<String> for $name {
            type Error = FieldRule;

            fn try_from(written: String) -> Result<Self, FieldRule> {
                written.parse()
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.0
            }
        })+
    };
}
text_form!(CallingCode, WrittenNumber, E164);

impl fmt::Debug for WrittenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

const MAX_WRITTEN: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(written: &str, home: Option<&str>) -> Option<String> {
        let home = home.map(|code| code.parse().unwrap());
        written.parse::<WrittenNumber>().unwrap().to_e164(home.as_ref()).map(String::from)
    }

    #[test]
    fn a_number_is_dialled_the_same_however_it_was_written() {
        for (written, home) in
            [("+1 555-010-0199", None), ("001 555 010 0199", Some("49")), ("555 010 0199", Some("1")), ("1-555-010-0199", Some("1"))]
        {
            assert_eq!(e164(written, home).as_deref(), Some("+15550100199"), "{written}");
        }
        assert_eq!(e164("030 123456", Some("49")).as_deref(), Some("+4930123456"));
        assert_eq!(e164("06 1234567", Some("39")).as_deref(), Some("+39061234567"));
    }

    #[test]
    fn a_national_number_without_a_country_has_no_international_form() {
        assert_eq!(e164("030 123456", None), None);
        assert_eq!(e164("+123", Some("1")), None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "+", "call me", "123;456", "+1 (555)", "12", "1234567890123456", "１２３４"] {
            assert_eq!(text.parse::<WrittenNumber>().map(|_| ()), Err(FieldRule::Phone), "{text}");
        }
        assert!("15550100".parse::<E164>().is_err() && "+0155501001".parse::<E164>().is_err());
    }
}
