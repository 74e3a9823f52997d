//! Settings of the store: `[store]`.

use std::path::PathBuf;

use serde::Deserialize;

/// `[store]`: where records are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Directory, made when missing, readable by its owner only. Default `./data`.
    pub path: PathBuf,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { path: PathBuf::from("./data") }
    }
}
