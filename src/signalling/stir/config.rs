//! `[stir]`, and what a trunk says of it.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credential::Anchors;
use super::signer::{Signer, SignerError};
use super::verifier::Verifier;
use crate::domain::caller_verification::Attestation;
use crate::domain::setting::SettingFault;
use crate::net::https::{HttpsClient, HttpsUrl};

/// `[stir]`: whose word counts on who calls, and with what we give ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StirConfig {
    /// Our certificate, a PEM file with its chain. Goes with the two below. Default none.
    pub certificate: Option<PathBuf>,
    /// The key of it, a PEM file; of the curve P-256.
    pub private_key: Option<PathBuf>,
    /// Where others fetch the certificate: `https://…`.
    pub certificate_url: Option<String>,
    /// The authorities whose certificates count for callers, a PEM file. Default none: nobody is verified.
    pub authorities: Option<PathBuf>,
}

/// What a trunk wants known of those who call by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StirRule {
    /// Nothing is checked.
    #[default]
    Off,
    /// What is found stands in the record.
    Verify,
    /// Who is not verified is refused.
    Require,
}

/// The most that our signature says of calls that go out by a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignRule {
    /// Nothing is signed.
    #[default]
    Off,
    /// That the number is the customer's, where it is.
    A,
    /// That the customer is known.
    B,
    /// That the call came from here.
    C,
}

/// Why it cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StirError {
    /// Certificate or key.
    #[error("stir: {0}")]
    Signer(#[from] SignerError),
    /// The authorities' file cannot be read.
    #[error("stir.authorities: {path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// An authority's certificate is none.
    #[error("stir.authorities: a certificate cannot be used: {0}")]
    Authority(#[from] webpki::Error),
}

impl SignRule {
    /// The most that is said; none where nothing is signed.
    #[must_use]
    pub const fn limit(self) -> Option<Attestation> {
        match self {
            Self::Off => None,
            Self::A => Some(Attestation::A),
            Self::B => Some(Attestation::B),
            Self::C => Some(Attestation::C),
        }
    }
}

impl StirConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let parts = [self.certificate.is_some(), self.private_key.is_some(), self.certificate_url.is_some()];
        if parts.contains(&true) && parts.contains(&false) {
            let bound = "goes with private_key and certificate_url";
            faults.push(SettingFault::new("certificate", "(incomplete)", bound, "set all three or none"));
        }
        let fetched = |url: &String| url.parse::<HttpsUrl>().is_ok_and(|url| url.is_secure() && !url.target().contains('?'));
        if let Some(url) = self.certificate_url.as_ref().filter(|url| !fetched(url)) {
            let bound = "must be https:// without user, query and fragment: others fetch nothing else";
            faults.push(SettingFault::new("certificate_url", format!("{url:?}"), bound, "publish the chain there as a PEM file"));
        }
        faults
    }

    /// Whether calls can be signed.
    #[must_use]
    pub const fn signs(&self) -> bool {
        self.certificate.is_some()
    }

    /// What signs, where there is a certificate.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn signer(&self) -> Result<Option<Signer>, StirError> {
        match (&self.certificate, &self.private_key, &self.certificate_url) {
            (Some(certificate), Some(key), Some(url)) => Ok(Some(Signer::open(certificate, key, url)?)),
            _ => Ok(None),
        }
    }

    /// What verifies, where there are authorities.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn verifier(&self, client: HttpsClient) -> Result<Option<Verifier>, StirError> {
        let Some(path) = &self.authorities else { return Ok(None) };
        let file = |source| StirError::File { path: path.clone(), source };
        let authorities = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(file)?;
        Ok(Some(Verifier::new(client, Anchors::new(&authorities)?)))
    }
}
