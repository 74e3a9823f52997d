//! Signs for the numbers that our calls show (RFC 8224 §4.1, the authentication service).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use ring::digest;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use sip::header::{ExtraHeaders, HeaderName};

use super::der::{Der, INTEGER, SEQUENCE};
use super::passport::{Called, Caller, Claims, canonical};
use crate::domain::caller_verification::Attestation;
use crate::domain::ids::OrgId;

/// Signs; clones share the key.
#[derive(Clone)]
pub struct Signer {
    key: Arc<dyn SigningKey>,
    certificate_url: Arc<str>,
}

/// Hides the key.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// A file cannot be read, or holds no PEM of the kind.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate file holds none.
    #[error("{path} holds no certificate")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// ES256 is all that SHAKEN knows.
    #[error("the key is not of the curve P-256")]
    Curve,
    /// Everybody would call our signatures false.
    #[error("the key is not that of the certificate")]
    Mismatch,
}

/// What a call says of itself, to be signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    /// Who calls, canonical.
    caller: String,
    /// Who is called, canonical.
    called: String,
    attest: Attestation,
    origid: String,
}

/// Hides who calls whom.
impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statement").field("attest", &self.attest).finish_non_exhaustive()
    }
}

impl Statement {
    /// That a customer of ours calls. `owned` says whether the number shown is one that the customer may use; `limit` is the most that
    /// may be said. `None` where either is no number.
    #[must_use]
    pub fn new(org: &OrgId, caller: &str, called: &str, owned: bool, limit: Attestation) -> Option<Self> {
        let (caller, called) = (canonical(caller)?, canonical(called)?);
        // A is above B is above C, and written the other way round in the order of letters.
        let attest = limit.max(if owned { Attestation::A } else { Attestation::B });
        Some(Self { caller, called, attest, origid: origid(org) })
    }
}

impl Signer {
    /// With the key in one PEM file (PKCS #8 or SEC 1), for the certificate in another, which others find at `certificate_url`.
    ///
    /// # Errors
    /// When they cannot be read or do not fit.
    pub fn open(certificate: &Path, key: &Path, certificate_url: &str) -> Result<Self, SignerError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| SignerError::File { path, source }
        };
        let chain: Vec<_> =
            CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<_, _>>).map_err(file(certificate))?;
        if chain.is_empty() {
            return Err(SignerError::Empty { path: certificate.to_owned() });
        }
        let der = PrivateKeyDer::from_pem_file(key).map_err(file(key))?;
        let key = any_ecdsa_type(&der).map_err(|_| SignerError::Curve)?;
        if key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]).is_none() {
            return Err(SignerError::Curve);
        }
        CertifiedKey::new(chain, Arc::clone(&key)).keys_match().map_err(|_| SignerError::Mismatch)?;
        Ok(Self { key, certificate_url: certificate_url.into() })
    }

    /// The headers that say it: Identity, and the Date that goes with it (RFC 8224 §4.1). None when the key fails, which no key of
    /// this curve does.
    #[must_use]
    pub fn sign(&self, now: DateTime<Utc>, statement: &Statement) -> ExtraHeaders {
        let Statement { caller, called, attest, origid } = statement.clone();
        let iat = u64::try_from(now.timestamp()).unwrap_or_default();
        let claims = Claims { attest, dest: Called { tn: vec![called] }, iat, orig: Caller { tn: caller }, origid };
        let to_sign = claims.to_sign(&self.certificate_url);
        let headers = ExtraHeaders::default();
        let signer = self.key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
        let signature = signer.and_then(|signer| signer.sign(to_sign.as_bytes()).ok());
        let Some(signature) = signature.and_then(|signature| fixed(&signature)) else { return headers };
        let token = format!("{to_sign}.{}", BASE64.encode_to_string(signature));
        let identity = format!("{token};info=<{}>;alg=ES256;ppt=shaken", self.certificate_url);
        headers.with(HeaderName::Date, now.format("%a, %d %b %Y %H:%M:%S GMT")).with(HeaderName::Identity, identity)
    }
}

/// The same for each call of an organisation, and telling nobody which one it is: a UUID of version 8 (RFC 9562 §5.8).
fn origid(org: &OrgId) -> String {
    let digest = digest::digest(&digest::SHA256, format!("auricle origid {org}").as_bytes());
    let octets = digest.as_ref().first_chunk::<16>().copied().unwrap_or_default();
    let number = u128::from_be_bytes(octets) & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
    let text = format!("{number:032x}");
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// From the DER of X.509 to the fixed form of JWS (RFC 7518 §3.4).
fn fixed(signature: &[u8]) -> Option<[u8; 64]> {
    let mut numbers = Der::new(signature).enter(SEQUENCE)?;
    let mut fixed = [0; 64];
    let (r, s) = fixed.split_at_mut(32);
    for half in [r, s] {
        let number = numbers.content(INTEGER)?;
        let number = number.iter().position(|octet| *octet != 0).and_then(|start| number.get(start..))?;
        half.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    }
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_customer_is_attested_as_far_as_the_number_is_the_customers_and_no_further_than_the_limit() {
        let org = OrgId::default_org();
        let attest = |owned, limit| Statement::new(&org, "+12155550121", "+12155550131", owned, limit).unwrap().attest;
        assert_eq!((attest(true, Attestation::A), attest(false, Attestation::A)), (Attestation::A, Attestation::B));
        assert_eq!((attest(true, Attestation::B), attest(false, Attestation::C)), (Attestation::B, Attestation::C));
        assert_eq!(Statement::new(&org, "auricle", "+12155550131", true, Attestation::A), None, "a name is no number");
    }

    #[test]
    fn an_organisations_name_of_origin_is_a_uuid_and_its_own() {
        let one = origid(&OrgId::default_org());
        assert_eq!((one.len(), one.as_bytes()[14], matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b')), (36, b'8', true), "{one}");
        assert_ne!(one, origid(&"org_other".parse().unwrap()));
    }

    #[test]
    fn short_and_padded_numbers_of_a_signature_get_their_32_octets() {
        let mut der = vec![0x30, 3 + 35];
        der.extend([2, 1, 5, 2, 33, 0]);
        der.extend([0xff; 32]);
        let fixed = fixed(&der).unwrap();
        assert_eq!((fixed[31], &fixed[..31], &fixed[32..]), (5, &[0_u8; 31][..], &[0xff_u8; 32][..]));
    }
}
