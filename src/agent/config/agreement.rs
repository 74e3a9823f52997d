//! With whom there is an agreement that callers' audio may go to an agent.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::OrgId;

/// With whom there is an agreement that callers' audio may go to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Agreement {
    /// With every organisation.
    All(Everybody),
    /// With these.
    With(BTreeSet<OrgId>),
}

/// The word for every organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Everybody {
    /// `"all"`.
    All,
}

impl Agreement {
    /// Whether there is one with this organisation.
    #[must_use]
    pub fn is_with(&self, org: &OrgId) -> bool {
        match self {
            Self::All(_) => true,
            Self::With(organisations) => organisations.contains(org),
        }
    }

    /// Whether it is with this organisation and nobody else, or with nobody: what one organisation can say of itself.
    #[must_use]
    pub fn is_of(&self, org: &OrgId) -> bool {
        match self {
            Self::All(_) => false,
            Self::With(organisations) => organisations.iter().all(|other| other == org),
        }
    }
}
