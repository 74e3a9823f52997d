//! Tokens: access tokens and the steps of a sign-in as JSON Web Tokens (RFC 7519), signed with HMAC-SHA256 and with
//! nothing else (RFC 8725 sections 3.1 and 3.2). Every claim is required and typed: a date that is a text, an audience that
//! is a list or a key that is named by a path is no token of ours. Signatures are ring's; the library sees to the form.

mod keys;
mod ring_provider;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

pub use self::keys::{TokenKeys, TokenSubject};
use crate::domain::access::Role;
use crate::domain::ids::{OrgId, SessionId, TokenId, UserId};
use crate::domain::redacted::Redacted;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// From whom.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// Of which user.
    pub sub: UserId,
    /// In which organisation.
    pub org: OrgId,
    /// Which token.
    pub jti: TokenId,
    /// What it is for.
    pub typ: TokenKind,
    /// Made when; seconds since 1970.
    pub iat: i64,
    /// Not good before.
    pub nbf: i64,
    /// Good until.
    pub exp: i64,
    /// Of which sign-in; none for the steps toward one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// When the password was chosen with which the sign-in of this step began; milliseconds since 1970. Where another has been chosen since
    /// then, the step is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pwd: Option<i64>,
    /// The user's role when it was made; what they may do follows from the role they have when they ask.
    pub role: Role,
}

/// What a token is for: one for a step opens nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// To ask with.
    Access,
    /// The password was right; the second factor is still to come.
    SecondFactor,
    /// The password was right; a second factor has to be set up first.
    Enrolment,
    /// The password was right; another has to be chosen first.
    PasswordChange,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is none of ours: form, algorithm, key or signature.
    #[error("the token is none of ours")]
    Foreign,
    /// It is one of ours for something else.
    #[error("the token is for something else")]
    Misplaced,
    /// It is not good yet, or no more.
    #[error("the token is not good now")]
    Untimely,
}

/// One key.
struct NamedKey {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Signs claims.
fn sign(key: &NamedKey, claims: &Claims) -> Option<Redacted<String>> {
    ring_provider::install();
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(ALGORITHM) };
    jsonwebtoken::encode(&header, claims, &key.encoding).ok().map(Redacted::new)
}

/// The name of the key that a token wants, when its header is one that we write.
fn kid(token: &str) -> Result<String, TokenFault> {
    if token.len() > MAX_TOKEN_LEN || !is_compact(token) {
        return Err(TokenFault::Foreign);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Foreign)?;
    let plain = Header { typ: header.typ.clone(), kid: header.kid.clone(), ..Header::new(ALGORITHM) };
    // Whatever else a header may hold (a key, a link to one, extensions that must be understood) is none of ours.
    if header != plain {
        return Err(TokenFault::Foreign);
    }
    header.kid.ok_or(TokenFault::Foreign)
}

/// Whether a text has the compact form of RFC 7515 section 3.1: three parts in base64url without padding, each written in the
/// one way there is. The library is more lenient, and a token that can be written in two ways is two tokens.
fn is_compact(token: &str) -> bool {
    let one_way = |part: &str| {
        let decoded = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part);
        decoded.is_ok_and(|bytes| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes) == part)
    };
    token.split('.').count() == 3 && token.split('.').all(one_way)
}

/// The claims of a token that `key` signed, whatever they say.
fn verify(key: &DecodingKey, token: &str) -> Result<Claims, TokenFault> {
    ring_provider::install();
    let mut validation = Validation::new(ALGORITHM);
    // Times and names are judged below, by the clock that is passed in; all of them are required by type.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode(token, key, &validation).map(|token| token.claims).map_err(|_| TokenFault::Foreign)
}

/// Whether claims are for `kind`, from and for us, and good now.
fn judge(claims: &Claims, kind: TokenKind, issuer: &str, now: DateTime<Utc>) -> Result<(), TokenFault> {
    if claims.iss != issuer || claims.aud != AUDIENCE || claims.typ != kind || claims.sid.is_some() != (kind == TokenKind::Access) {
        return Err(TokenFault::Misplaced);
    }
    let at = now.timestamp();
    let leeway = LEEWAY.num_seconds();
    let sound = claims.iat <= claims.exp && claims.iat <= at.saturating_add(leeway) && claims.nbf <= at.saturating_add(leeway);
    if sound && at < claims.exp { Ok(()) } else { Err(TokenFault::Untimely) }
}

const ALGORITHM: Algorithm = Algorithm::HS256;
/// For whom tokens are.
const AUDIENCE: &str = "auricle";
/// How far nodes' clocks may differ for what begins; what ends, ends on time.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Ours have some 500 bytes.
const MAX_TOKEN_LEN: usize = 4_096;

#[cfg(test)]
mod tests;
