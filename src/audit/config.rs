//! Settings of the audit log: `[audit]`.

use std::path::PathBuf;

use serde::Deserialize;

/// `[audit]`: where the log is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Directory, made when missing, readable by its owner only. Default `audit` within `store.path`.
    pub path: Option<PathBuf>,
}
