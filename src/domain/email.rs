//! E-mail addresses, RFC 5321 section 4.1.2 without quoted local parts, address literals and SMTPUTF8: nobody who is
//! written to by a clinic has one of those, and each has been an injection somewhere.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field_fault::FieldRule;

/// An address in lower case: by the RFC a local part's case may matter, in the field it never does, and two spellings
/// of one mailbox must not be two people.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = FieldRule;

    fn from_str(written: &str) -> Result<Self, FieldRule> {
        let written = written.trim();
        let (local, domain) = written.rsplit_once('@').ok_or(FieldRule::Email)?;
        if written.len() <= MAX_LEN && is_local(local) && is_domain(domain) {
            Ok(Self(written.to_ascii_lowercase()))
        } else {
            Err(FieldRule::Email)
        }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = FieldRule;

    fn try_from(written: String) -> Result<Self, FieldRule> {
        written.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// As a log may show it, `tes***@***.com`.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = self.0.chars().take_while(|&character| character != '@').take(3).collect();
        let end = self.0.rsplit('.').next().unwrap_or_default();
        write!(f, "{start}***@***.{end}")
    }
}

fn is_local(local: &str) -> bool {
    let atom =
        |atom: &str| !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte));
    local.len() <= 64 && local.split('.').all(atom)
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.') && domain.split('.').all(label) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// RFC 5321 section 4.5.3.1.3, without the angle brackets.
const MAX_LEN: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_in_lower_case_and_shown_masked() {
        let address: EmailAddress = " Tess.O'Neil+care@Clinic.Example.COM ".parse().unwrap();
        assert_eq!(address.as_str(), "tess.o'neil+care@clinic.example.com");
        assert_eq!(format!("{address:?}"), "tes***@***.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        let texts =
            ["", "@", "a@", "@b.c", "a@b", "a b@c.d", "a@b..c", ".a@b.c", "a.@b.c", "a@-b.c", "a@b.1", "a\r\nbcc:x@y.z", "ä@b.c", &long];
        for text in texts {
            assert_eq!(text.parse::<EmailAddress>().map(|_| ()), Err(FieldRule::Email), "{text:?}");
        }
    }
}
