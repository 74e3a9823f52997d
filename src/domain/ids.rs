//! Identifiers: random, prefixed by what they name, the same in the store, in logs and in URLs.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Why a text is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of the form {prefix}_ and 26 characters of base 32")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline, extend("pattern" = concat!("^", $prefix, "_[0-9a-hjkmnp-tv-z]{26}$")))]
        pub struct $name(String);

        impl $name {
            /// A fresh identifier of 128 random bits.
            ///
            /// # Panics
            /// When the operating system has no randomness to give.
            #[must_use]
            pub fn random() -> Self {
                Self(format!(concat!($prefix, "_{}"), random_suffix()))
            }

            /// The identifier that stands for what another system called `origin`: the same at each import.
            #[must_use]
            pub fn derived(origin: &str) -> Self {
                Self(format!(concat!($prefix, "_{}"), derived_suffix(concat!($prefix, ":"), origin)))
            }

            /// The whole text, prefix included.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Its 128 bits: what is left of it where another system has a form of its own for names.
            #[must_use]
            pub fn to_bits(&self) -> u128 {
                bits_of(self.0.strip_prefix(concat!($prefix, "_")).unwrap_or_default())
            }

            /// The identifier of these bits.
            #[must_use]
            pub fn from_bits(bits: u128) -> Self {
                Self(format!(concat!($prefix, "_{}"), suffix_of(bits.to_be_bytes())))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { prefix: $prefix };
                let suffix = text.strip_prefix(concat!($prefix, "_")).ok_or(invalid)?;
                if is_suffix(suffix) { Ok(Self(text.to_owned())) } else { Err(invalid) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One call.
    CallId,
    "call"
);
id!(
    /// One HTTP request, named in its answer and in every log line it causes.
    RequestId,
    "req"
);
id!(
    /// Somebody who signs in.
    UserId,
    "user"
);
id!(
    /// Somebody who is cared for and called.
    PatientId,
    "pat"
);
id!(
    /// Somebody who looks after a patient.
    CaregiverId,
    "cgv"
);
id!(
    /// One sign-in, from its password to its end: a family of refresh tokens.
    SessionId,
    "sess"
);
id!(
    /// One access token.
    TokenId,
    "tok"
);
id!(
    /// A key with which a program signs in.
    ApiKeyId,
    "key"
);
id!(
    /// A trunk. It follows from organisation and name, so that of one name there is one trunk.
    TrunkId,
    "trunk"
);
id!(
    /// A number that is answered. It follows from organisation and number.
    NumberId,
    "num"
);
id!(
    /// An agent. It follows from organisation and name.
    AgentId,
    "agent"
);
id!(
    /// Where an organisation is told what happens.
    WebhookId,
    "whk"
);
id!(
    /// Something that a webhook is told: the same at every attempt.
    DeliveryId,
    "dlv"
);
id!(
    /// Something that happened, as webhooks are told: the same for each of them.
    WebhookEventId,
    "evt"
);
id!(
    /// A key with which a carrier signs what it announces.
    DialInKeyId,
    "dik"
);

/// An organisation: the tenant wall. Readable names are allowed, since administrators choose them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^org_[0-9a-z]{1,40}$"))]
pub struct OrgId(String);

impl OrgId {
    /// The organisation that exists before any other is made: `org_default`.
    #[must_use]
    pub fn default_org() -> Self {
        Self("org_default".to_owned())
    }

    /// A fresh organisation of 128 random bits.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("org_{}", random_suffix()))
    }

    /// The gateway itself, above all organisations. It is no text that reads as an identifier, so nobody outside can
    /// name it.
    #[must_use]
    pub(crate) fn gateway() -> Self {
        Self("gateway".to_owned())
    }

    /// The whole text, prefix included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrgId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let suffix = text.strip_prefix("org_").ok_or(InvalidId { prefix: "org" })?;
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if (1..=40).contains(&suffix.len()) && suffix.chars().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { prefix: "org" })
        }
    }
}

impl TryFrom<String> for OrgId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<OrgId> for String {
    fn from(id: OrgId) -> Self {
        id.0
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Crockford's base 32, lower case: no letter that is mistaken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LEN: usize = 26;

fn random_suffix() -> String {
    let mut random = [0u8; 16];
    #[expect(clippy::expect_used, reason = "identifiers guard nothing if they can be guessed: without randomness nothing may go on")]
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    suffix_of(random)
}

/// Of a hash, so that nothing of the origin's form is left, and nobody can tell two systems' identifiers apart.
fn derived_suffix(kind: &str, origin: &str) -> String {
    let digest = Sha256::new().chain_update(kind).chain_update(origin).finalize();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, hashed)| *byte = hashed);
    suffix_of(bytes)
}

fn suffix_of(bytes: [u8; 16]) -> String {
    let mut bits = u128::from_be_bytes(bytes);
    let mut suffix = [b'0'; SUFFIX_LEN];
    for place in suffix.iter_mut().rev() {
        let digit = usize::try_from(bits & 31).unwrap_or_default();
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        bits >>= 5;
    }
    suffix.iter().map(|&byte| char::from(byte)).collect()
}

/// The reverse of [`suffix_of`]: of 26 digits of five bits the lowest 128.
fn bits_of(suffix: &str) -> u128 {
    let digit = |byte: u8| ALPHABET.iter().position(|&known| known == byte).unwrap_or_default() as u128;
    suffix.bytes().fold(0, |bits, byte| bits << 5 | digit(byte))
}

/// Whether `text` is an identifier of the kind that `prefix` names.
#[must_use]
pub fn is_identifier(prefix: &str, text: &str) -> bool {
    match prefix {
        "org" => text.parse::<OrgId>().is_ok(),
        prefix => text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).is_some_and(is_suffix),
    }
}

fn is_suffix(text: &str) -> bool {
    text.len() == SUFFIX_LEN && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_identifier_reads_back_as_itself() {
        let id = CallId::random();
        assert_eq!(id.as_str().parse::<CallId>(), Ok(id.clone()));
        assert_ne!(CallId::random(), id);
        assert_eq!(CallId::from_bits(id.to_bits()), id);
    }

    #[test]
    fn an_imported_identifier_is_the_same_each_time_and_legal() {
        let id = PatientId::derived("507f1f77bcf86cd799439011");
        assert_eq!(id, PatientId::derived("507f1f77bcf86cd799439011"));
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_ne!(id, PatientId::derived("507f1f77bcf86cd799439012"));
        assert_ne!(id.as_str()[4..], CallId::derived("507f1f77bcf86cd799439011").as_str()[5..]);
    }

    #[test]
    fn an_identifier_of_another_kind_or_shape_is_refused() {
        let request = RequestId::random();
        assert!(request.as_str().parse::<CallId>().is_err());
        assert!("call_../../../etc/passwd".parse::<CallId>().is_err());
        assert!(is_identifier("req", request.as_str()) && !is_identifier("call", request.as_str()) && !is_identifier("cgv", "cgv_0"));
        assert!("call_".parse::<CallId>().is_err());
        assert!("org_A b".parse::<OrgId>().is_err());
        assert!(OrgId::gateway().as_str().parse::<OrgId>().is_err());
        assert_eq!(OrgId::random().as_str().parse::<OrgId>().map(|_| ()), Ok(()));
    }
}
