//! Settings of the store: `[store]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::sealed::{MasterKeyError, MasterKeys};
use crate::domain::redacted::Redacted;
use crate::domain::setting::{SettingFault, secret_fault};

/// `[store]`: where records are kept, and what personal data in them is sealed with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Which database keeps them. Default `sqlite`.
    pub backend: Backend,
    /// Directory, made when missing, readable by its owner only. Default `./data`.
    pub path: PathBuf,
    /// The secret that wraps every organisation's keys, at least 32 bytes; only from the environment,
    /// `AURICLE__STORE__MASTER_SECRET`. When absent, that in `master_secret_file`.
    pub master_secret: Option<Redacted<String>>,
    /// The master secret of before; only from the environment. What it wrapped still opens, until `auricle admin
    /// rotate-keys` has wrapped it anew.
    pub former_master_secret: Option<Redacted<String>>,
    /// File of the master secret, made when missing. Default `master_secret` within `path`; a copy of the records then
    /// holds the key to them, so production wants it elsewhere.
    pub master_secret_file: Option<PathBuf>,
}

/// Which database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// SQLite, in one file within `path`.
    #[default]
    Sqlite,
    /// MongoDB, where `MONGO_URI` says.
    Mongo,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            path: PathBuf::from("./data"),
            master_secret: None,
            former_master_secret: None,
            master_secret_file: None,
        }
    }
}

impl StoreConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let given = [("master_secret", &self.master_secret), ("former_master_secret", &self.former_master_secret)];
        given.into_iter().filter_map(|(key, secret)| secret_fault(key, secret.as_ref()?)).collect()
    }

    /// The master key that these settings name, made where they name none and there is none. Blocks while it reads.
    ///
    /// # Errors
    /// When its file cannot be used or holds too little.
    pub fn master_keys(&self) -> Result<MasterKeys, MasterKeyError> {
        let former: Vec<_> = self.former_master_secret.iter().cloned().collect();
        match &self.master_secret {
            Some(secret) => MasterKeys::new(secret, &former),
            None => MasterKeys::open(&self.master_secret_file.clone().unwrap_or_else(|| self.path.join("master_secret")), &former),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_or_known_master_secret_is_refused_without_being_shown() {
        for secret in ["short", "your-secret-key-here-your-secret-key-here"] {
            let config = StoreConfig { master_secret: Some(Redacted::new(secret.to_owned())), ..StoreConfig::default() };
            let faults = config.faults();
            assert_eq!(faults.len(), 1, "{secret}");
            assert!(!format!("{faults:?} {config:?}").contains(secret));
        }
    }

    #[test]
    fn a_master_secret_is_made_once_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let config = StoreConfig { path: directory.path().join("deep"), ..StoreConfig::default() };
        let (name, wrapped) = config.master_keys().unwrap().wrap(b"key", "here").unwrap();
        let again = config.master_keys().unwrap();
        assert_eq!(again.unwrap(&name, &wrapped, "here").unwrap().as_slice(), b"key");
        assert!(matches!(again.unwrap(&name, &wrapped, "there"), Err(MasterKeyError::Tampered)));
    }
}
