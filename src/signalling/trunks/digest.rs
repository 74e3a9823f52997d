//! Digest algorithms as an operator names them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sip::auth::{Algorithm, Algorithms};

use crate::domain::setting::SettingFault;

/// One algorithm of RFC 8760.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum DigestAlgorithm {
    /// SHA-256.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// MD5, for those who know nothing else.
    #[serde(rename = "MD5")]
    Md5,
}

/// Algorithms in the order of challenges: `SHA-256`, `MD5`. Some peers read the first challenge alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct DigestAlgorithms(Vec<DigestAlgorithm>);

impl Default for DigestAlgorithms {
    fn default() -> Self {
        Self(vec![DigestAlgorithm::Sha256, DigestAlgorithm::Md5])
    }
}

impl DigestAlgorithms {
    /// As signalling takes them; both where the list cannot stand.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        self.read().unwrap_or_default()
    }

    /// Why the list cannot stand, if so.
    #[must_use]
    pub fn fault(&self, key: &str) -> Option<SettingFault> {
        let mend = "leave it out for [\"SHA-256\", \"MD5\"]";
        self.read().is_none().then(|| SettingFault::new(key, "(set)", "must name one algorithm or two different ones", mend))
    }

    fn read(&self) -> Option<Algorithms> {
        let named = self.0.iter().map(|algorithm| match algorithm {
            DigestAlgorithm::Sha256 => Algorithm::Sha256,
            DigestAlgorithm::Md5 => Algorithm::Md5,
        });
        Algorithms::new(&named.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> DigestAlgorithms {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_order_is_the_one_that_is_written_and_a_list_that_cannot_stand_is_a_fault() {
        let order = |text: &str| read(text).algorithms().iter().collect::<Vec<_>>();
        assert_eq!(order(r#"["MD5", "SHA-256"]"#), [Algorithm::Md5, Algorithm::Sha256]);
        assert_eq!(order(r#"["SHA-256"]"#), [Algorithm::Sha256]);
        assert_eq!(DigestAlgorithms::default().fault("x"), None);
        assert!([r"[]", r#"["MD5", "MD5"]"#, r#"["MD5", "SHA-256", "MD5"]"#].iter().all(|text| read(text).fault("x").is_some()));
        assert!(serde_json::from_str::<DigestAlgorithms>(r#"["SHA-512-256"]"#).is_err());
    }
}
