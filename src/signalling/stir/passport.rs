//! The PASSporT: who calls whom, and who says so, as a signed token (RFC 8225, with the claims of SHAKEN, RFC 8588).
//!
//! Full form only. What is written is canonical (RFC 8225 §9): members in the order of their names, no white space. What is read need
//! not be: the signature stands over the octets as they came.

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use crate::domain::caller_verification::Attestation;

/// What is signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// How far the signer goes.
    pub attest: Attestation,
    /// Who is called.
    pub dest: Called,
    /// When it was signed, in seconds since 1970.
    pub iat: u64,
    /// Who calls.
    pub orig: Caller,
    /// The signer's own name for where the call came from.
    pub origid: String,
}

/// Who calls.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The number, canonical.
    pub tn: String,
}

/// Who is called.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The numbers, canonical.
    pub tn: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    alg: String,
    ppt: String,
    typ: String,
    x5u: String,
    /// What must be understood (RFC 7515 §4.1.11): nothing of the kind is.
    #[serde(default, skip_serializing)]
    crit: Option<Value>,
}

/// A token that was read; its signature is not checked yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Passport {
    /// What it says.
    pub claims: Claims,
    /// Where the signer's certificate is.
    pub x5u: String,
    /// What the signature stands over.
    pub signed: Vec<u8>,
    /// r and s of ES256, 32 octets each (RFC 7518 §3.4).
    pub signature: [u8; 64],
}

/// Hides numbers and signature.
impl std::fmt::Debug for Passport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passport").field("attest", &self.claims.attest).finish_non_exhaustive()
    }
}

impl Passport {
    /// Reads a token of SHAKEN.
    ///
    /// # Errors
    /// When it is none, or says what SHAKEN does not allow.
    pub fn parse(token: &str) -> Result<Self, Fault> {
        let mut parts = token.split('.');
        let (Some(head), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(Fault::Malformed);
        };
        let decode = |part: &str| BASE64.decode_to_vec(part).map_err(|_| Fault::Malformed);
        let read: Head = serde_json::from_slice(&decode(head)?).map_err(|_| Fault::Malformed)?;
        if read.alg != ES256 || read.ppt != SHAKEN || read.typ != "passport" || read.crit.is_some() {
            return Err(Fault::Malformed);
        }
        let claims: Claims = serde_json::from_slice(&decode(payload)?).map_err(|_| Fault::Malformed)?;
        let signature = decode(signature)?.try_into().map_err(|_| Fault::Malformed)?;
        let signed = format!("{head}.{payload}").into_bytes();
        if claims.dest.tn.is_empty() || claims.dest.tn.len() > MAX_CALLED || claims.origid.is_empty() || claims.origid.len() > MAX_ORIGID {
            return Err(Fault::Malformed);
        }
        Ok(Self { claims, x5u: read.x5u, signed, signature })
    }
}

impl Claims {
    /// The octets to sign, with the certificate at `x5u`.
    #[must_use]
    pub fn to_sign(&self, x5u: &str) -> String {
        let head = Head { alg: ES256.to_owned(), ppt: SHAKEN.to_owned(), typ: "passport".to_owned(), x5u: x5u.to_owned(), crit: None };
        // Strings and numbers always have a form in JSON.
        let part = |json: Result<Vec<u8>, serde_json::Error>| BASE64.encode_to_string(json.unwrap_or_default());
        format!("{}.{}", part(serde_json::to_vec(&head)), part(serde_json::to_vec(self)))
    }
}

/// A number as PASSporTs write it (RFC 8224 §8.3): digits, `*` and `#`, without plus and whatever makes it readable. `None` for what is
/// no number.
#[must_use]
pub fn canonical(number: &str) -> Option<String> {
    let number = number.split(';').next().unwrap_or_default();
    let number = number.strip_prefix('+').unwrap_or(number);
    let digits: String = number.chars().filter(|character| !matches!(character, '-' | '.' | '(' | ')' | ' ')).collect();
    let is_number =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'));
    is_number.then_some(digits)
}

pub(super) const ES256: &str = "ES256";
pub(super) const SHAKEN: &str = "shaken";
/// Of a call that was sent on (RFC 8946).
pub(super) const DIV: &str = "div";
const MAX_DIGITS: usize = 32;
const MAX_CALLED: usize = 16;
const MAX_ORIGID: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Claims {
        Claims {
            attest: Attestation::A,
            dest: Called { tn: vec!["12155550131".into()] },
            iat: 1_443_208_345,
            orig: Caller { tn: "12155550121".into() },
            origid: "123e4567-e89b-12d3-a456-426655440000".into(),
        }
    }

    #[test]
    fn what_is_signed_is_the_canonical_form_of_rfc_8588() {
        let to_sign = example().to_sign("https://cert.example.org/passport.cer");
        let parts: Vec<_> = to_sign.split('.').map(|part| String::from_utf8(BASE64.decode_to_vec(part).unwrap()).unwrap()).collect();
        assert_eq!(parts[0], r#"{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}"#);
        let claims = r#"{"attest":"A","dest":{"tn":["12155550131"]},"iat":1443208345,"orig":{"tn":"12155550121"},"origid":"123e4567-e89b-12d3-a456-426655440000"}"#;
        assert_eq!(parts[1], claims);
        let read = Passport::parse(&format!("{to_sign}.{}", BASE64.encode_to_string([7; 64]))).unwrap();
        assert_eq!((read.claims == example(), read.x5u.as_str()), (true, "https://cert.example.org/passport.cer"));
    }

    #[test]
    fn another_algorithm_type_or_extension_and_what_must_be_understood_are_refused() {
        let signature = BASE64.encode_to_string([7; 64]);
        let payload = BASE64.encode_to_string(serde_json::to_vec(&example()).unwrap());
        let parse = |head: &str| Passport::parse(&format!("{}.{payload}.{signature}", BASE64.encode_to_string(head)));
        assert!(parse(r#"{"x5u":"https://c","typ":"passport","ppt":"shaken","alg":"ES256"}"#).is_ok(), "in any order");
        for head in [
            r#"{"alg":"none","ppt":"shaken","typ":"passport","x5u":"https://c"}"#,
            r#"{"alg":"ES256","ppt":"div","typ":"passport","x5u":"https://c"}"#,
            r#"{"alg":"ES256","typ":"passport","x5u":"https://c"}"#,
            r#"{"alg":"ES256","ppt":"shaken","typ":"JWT","x5u":"https://c"}"#,
            r#"{"alg":"ES256","ppt":"shaken","typ":"passport"}"#,
            r#"{"alg":"ES256","alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://c"}"#,
            r#"{"alg":"ES256","crit":["x"],"ppt":"shaken","typ":"passport","x5u":"https://c"}"#,
        ] {
            assert_eq!(parse(head).unwrap_err(), Fault::Malformed, "{head}");
        }
        let claims = |claims: &str| {
            let head = BASE64.encode_to_string(r#"{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://c"}"#);
            Passport::parse(&format!("{head}.{}.{signature}", BASE64.encode_to_string(claims)))
        };
        for wrong in [
            r#"{"attest":"D","dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2"},"origid":"o"}"#,
            r#"{"attest":"A","dest":{"tn":[]},"iat":1,"orig":{"tn":"2"},"origid":"o"}"#,
            r#"{"attest":"A","dest":{"tn":["1"]},"iat":"1","orig":{"tn":"2"},"origid":"o"}"#,
            r#"{"attest":"A","dest":{"tn":["1"]},"iat":1,"orig":{"uri":"sip:a@b"},"origid":"o"}"#,
        ] {
            assert_eq!(claims(wrong).unwrap_err(), Fault::Malformed, "{wrong}");
        }
    }

    #[test]
    fn a_number_has_one_form() {
        for (written, number) in [("+1 (215) 555-0121", "12155550121"), ("12155550121;npdi", "12155550121"), ("*67", "*67")] {
            assert_eq!(canonical(written).as_deref(), Some(number));
        }
        for nothing in ["", "+", "anonymous", "1%32", "++1", "１２"] {
            assert_eq!(canonical(nothing), None, "{nothing}");
        }
    }
}
