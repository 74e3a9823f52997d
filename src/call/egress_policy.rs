//! Whose callers' audio may go to which agents: `[egress]`, and `agents.<name>.agreement`.
//!
//! An organisation is covered when what its callers say may go only to whom it has an agreement with (a BAA under HIPAA, a contract
//! under article 28 of the GDPR). An agent without one is no agent to its calls, neither the first nor one that takes over: a call
//! that has no other is refused, and the audit log says why.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::agent::config::{Agreement, Everybody};
use crate::domain::ids::OrgId;

/// `[egress]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    /// The organisations whose callers' audio goes only to agents with an agreement: a list of them, or `"all"`. Default: none.
    pub covered: Covered,
}

/// Whose audio is covered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Covered {
    /// Every organisation's.
    All(Everybody),
    /// That of these.
    Of(BTreeSet<OrgId>),
}

impl Default for Covered {
    fn default() -> Self {
        Self::Of(BTreeSet::new())
    }
}

impl EgressConfig {
    /// Whether audio of an organisation's callers may go to an agent with this agreement.
    #[must_use]
    pub fn permits(&self, org: &OrgId, agreement: Option<&Agreement>) -> bool {
        let covered = match &self.covered {
            Covered::All(_) => true,
            Covered::Of(organisations) => organisations.contains(org),
        };
        !covered || agreement.is_some_and(|agreement| agreement.is_with(org))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(text: &str) -> EgressConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn audio_of_a_covered_organisation_goes_where_there_is_an_agreement_with_it() {
        let (clinic, other): (OrgId, OrgId) = (OrgId::random(), OrgId::random());
        let some = egress(&format!("covered = [\"{clinic}\"]"));
        let with_other: Agreement = serde_json::from_value(serde_json::json!([other])).unwrap();
        let with_all: Agreement = serde_json::from_value(serde_json::json!("all")).unwrap();
        let with_clinic: Agreement = serde_json::from_value(serde_json::json!([clinic])).unwrap();
        for (agreement, permitted) in [(None, false), (Some(&with_other), false), (Some(&with_all), true), (Some(&with_clinic), true)] {
            assert_eq!(some.permits(&clinic, agreement), permitted, "{agreement:?}");
            assert!(some.permits(&other, agreement), "one that is not covered goes anywhere");
        }
        assert!(!egress("covered = \"all\"").permits(&other, None));
        assert!(egress("").permits(&clinic, None));
        assert!(toml::from_str::<EgressConfig>("covered = \"nobody\"").is_err());
    }
}
