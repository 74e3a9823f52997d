//! From a dial string to an international number (ITU-T E.164).
//!
//! Taken: `+4930…`, `tel:+4930…`, and numbers with the prefixes that the caller's own network has for calls abroad and within the
//! country; visual separators (RFC 3966 §3) are dropped, and so is the `(0)` that people write behind a country's code. Refused, on
//! purpose: any other national prefix there, which an exchange may drop and so dial another number; escapes, digits of other
//! scripts, letters, keys to be pressed later, and every parameter (`phone-context`, `isub`, `ext`, `postd`): each is a way to dial something
//! else than what was looked at.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::countries::{self, Country};
use super::{Service, emergency, services};

/// How numbers are written where the caller is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Numbering {
    /// The own country's calling code, without plus. Empty: only numbers with a plus are understood. Default empty.
    pub country_code: String,
    /// What is dialled before a number abroad. Default `00`.
    pub international_prefix: String,
    /// What is dialled before a number within the country; empty where nothing is. Default `0`.
    pub national_prefix: String,
}

impl Default for Numbering {
    fn default() -> Self {
        Self { country_code: String::new(), international_prefix: "00".to_owned(), national_prefix: "0".to_owned() }
    }
}

/// An international number: a plus and 7 to 15 digits, of a country or a service that exists.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number {
    text: String,
    country: Option<Country>,
    service: Service,
}

/// Why a dial string is not dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Empty or far too long.
    #[error("empty or too long")]
    Length,
    /// A character that no number has, or one where it may not stand.
    #[error("a character that does not belong into a number")]
    Character,
    /// Parameters behind the number.
    #[error("parameters behind the number")]
    Parameter,
    /// It is neither international nor of a form of this country.
    #[error("neither an international number nor one of this country")]
    Form,
    /// No number of the international plan is so short or so long.
    #[error("too few or too many digits")]
    Digits,
    /// Behind the country's code stands what is dialled within the country alone.
    #[error("a national prefix behind the code of the country")]
    NationalPrefix,
    /// No such country and no such service.
    #[error("no such country")]
    Country,
    /// An emergency number.
    #[error("an emergency number")]
    Emergency,
}

impl Numbering {
    /// The number that a dial string stands for.
    ///
    /// # Errors
    /// When it is not understood beyond doubt, or is an emergency number.
    pub fn read(&self, text: &str) -> Result<Number, DialError> {
        if text.is_empty() || text.len() > MAX_LEN {
            return Err(DialError::Length);
        }
        let is_uri = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
        let number = if is_uri { text.get(4..).unwrap_or_default() } else { text };
        if number.contains(';') {
            return Err(DialError::Parameter);
        }
        let digits = digits(&without_optional_zero(number)?, !is_uri)?;
        if emergency::is_emergency(digits.trim_start_matches('+')) {
            return Err(DialError::Emergency);
        }
        let international = self.international(&digits).ok_or(DialError::Form)?;
        let number = Number::from_digits(&international)?;
        if emergency::leads_to_emergency(&international) { Err(DialError::Emergency) } else { Ok(number) }
    }

    /// What a peer calls itself or whom it called, for records and rules: the international form where there is one, else the
    /// text as it was.
    #[must_use]
    pub fn tidy(&self, text: &str) -> String {
        self.read(text).map_or_else(|_| text.to_owned(), |number| number.as_str().to_owned())
    }

    /// Every setting that cannot stand, by the name of its key.
    pub(crate) fn wrong_keys(&self) -> Vec<&'static str> {
        let prefix = |text: &str| text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        let code = self.country_code.is_empty() || countries::is_calling_code(&self.country_code);
        [
            ("country_code", code),
            ("international_prefix", prefix(&self.international_prefix)),
            ("national_prefix", prefix(&self.national_prefix)),
        ]
        .into_iter()
        .filter_map(|(key, fine)| (!fine).then_some(key))
        .collect()
    }

    fn international(&self, digits: &str) -> Option<String> {
        if let Some(rest) = digits.strip_prefix('+') {
            return Some(rest.to_owned());
        }
        if self.country_code.is_empty() {
            return None;
        }
        let abroad = Some(&self.international_prefix).filter(|prefix| !prefix.is_empty());
        if let Some(rest) = abroad.and_then(|prefix| digits.strip_prefix(prefix.as_str())) {
            return Some(rest.to_owned());
        }
        let rest = digits.strip_prefix(self.national_prefix.as_str())?;
        Some(format!("{}{rest}", self.country_code))
    }
}

impl Number {
    /// A number of the international plan from its digits, without plus.
    fn from_digits(digits: &str) -> Result<Self, DialError> {
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
            return Err(DialError::Digits);
        }
        let (country, service) = (countries::of(digits), services::of(digits));
        if country.is_none() && service == Service::Ordinary {
            return Err(DialError::Country);
        }
        if countries::behind_code(digits).is_some_and(|(code, national)| !countries::keeps(code, national)) {
            return Err(DialError::NationalPrefix);
        }
        Ok(Self { text: format!("+{digits}"), country, service })
    }

    /// A plus and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it leads; nowhere in particular for services without a country.
    #[must_use]
    pub const fn country(&self) -> Option<Country> {
        self.country
    }

    /// What kind of service it is.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }
}

/// Hides whose number it is.
impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Number({:?}, {:?})", self.country, self.service)
    }
}

/// Without the `(0)` behind a country's code, which is for those who dial within the country; where the plan keeps its 0, nobody can tell
/// what is meant.
fn without_optional_zero(text: &str) -> Result<Cow<'_, str>, DialError> {
    let Some((before, behind)) = text.split_once("(0)") else { return Ok(Cow::Borrowed(text)) };
    let code: String = before.chars().filter(char::is_ascii_digit).collect();
    if !before.starts_with('+') || !countries::is_calling_code(&code) {
        return Ok(Cow::Borrowed(text));
    }
    if countries::keeps(&code, "0") { Err(DialError::NationalPrefix) } else { Ok(Cow::Owned(format!("{before}{behind}"))) }
}

/// A plus at most, and digits.
fn digits(text: &str, spaced: bool) -> Result<String, DialError> {
    let mut digits = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => digits.push(character),
            '-' | '.' | '(' | ')' => {}
            ' ' if spaced => {}
            _ => return Err(DialError::Character),
        }
    }
    // Separators alone, or before the plus, are no number.
    let starts_well = text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '('));
    if starts_well && digits.bytes().any(|byte| byte.is_ascii_digit()) { Ok(digits) } else { Err(DialError::Character) }
}

/// Of a dial string: 15 digits with a separator behind each, and room.
const MAX_LEN: usize = 48;

/// No subscriber anywhere has fewer, country included.
const MIN_DIGITS: usize = 7;

/// ITU-T E.164 §6.
const MAX_DIGITS: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn german() -> Numbering {
        Numbering { country_code: "49".to_owned(), ..Numbering::default() }
    }

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        for text in ["+4930901820", "+49 (30) 901-820", "tel:+49-30-901.820", "004930901820", "030901820", "030 90 18 20"] {
            assert_eq!(german().read(text).unwrap().as_str(), "+4930901820", "{text}");
        }
    }

    #[test]
    fn a_national_zero_behind_the_code_is_dropped_in_brackets_and_refused_without() {
        for (text, number) in [
            ("+49 (0)30 901820", Ok("+4930901820")),
            ("+49(0)30901820", Ok("+4930901820")),
            ("tel:+49(0)30901820", Ok("+4930901820")),
            ("+39 06 69812345", Ok("+390669812345")),
            ("+225 07 12 34 56 78", Ok("+2250712345678")),
            ("+490537123456", Err(DialError::NationalPrefix)),
            ("00490537123456", Err(DialError::NationalPrefix)),
            ("+49 (05) 37123456", Err(DialError::NationalPrefix)),
            ("+49 (0)0537123456", Err(DialError::NationalPrefix)),
            ("+44 0906 8790000", Err(DialError::NationalPrefix)),
            ("+44 0 999 123456", Err(DialError::NationalPrefix)),
            ("+39 (0)6 69812345", Err(DialError::NationalPrefix)),
            ("+39 0053123456", Err(DialError::NationalPrefix)),
            ("+1 011 5352 123456", Err(DialError::NationalPrefix)),
            ("+1 1 900 555 0100", Err(DialError::NationalPrefix)),
        ] {
            assert_eq!(german().read(text).as_ref().map(Number::as_str), number.as_ref().copied(), "{text}");
        }
    }

    #[test]
    fn without_a_country_only_a_plus_is_understood() {
        let nowhere = Numbering::default();
        assert_eq!(nowhere.read("030901820"), Err(DialError::Form));
        assert!(nowhere.read("+4930901820").is_ok());
    }

    #[test]
    fn a_plan_with_a_one_before_national_numbers_is_understood() {
        let american = Numbering { country_code: "1".into(), international_prefix: "011".into(), national_prefix: "1".into() };
        assert_eq!(american.read("1 212 555 0100").unwrap().as_str(), "+12125550100");
        assert_eq!(american.read("011 49 30 901820").unwrap().as_str(), "+4930901820");
        assert_eq!(american.read("911"), Err(DialError::Emergency));
    }

    #[test]
    fn a_number_shows_nobody_in_logs() {
        assert!(!format!("{:?}", german().read("+4930901820").unwrap()).contains("901820"));
    }
}
