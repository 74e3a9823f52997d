//! Trunks and numbers that an interface made: kept in the store beside those of the configuration, with the same settings and the
//! same checks. A name is unique within its organisation; where the configuration has it too, the configuration's holds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::{Passwords, TrunkConfig};
use crate::call::config::{NumberConfig, name_fault};
use crate::domain::ids::{NumberId, OrgId, TrunkId};
use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;
use crate::signalling::toll::DiallingRules;
use crate::store::Collection;
use crate::store::telephony::{self, TelephonyRecord};

/// A trunk that an interface made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TrunkDocument")]
pub struct KeptTrunk {
    /// Which one.
    pub id: TrunkId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Its name within the organisation.
    pub name: String,
    /// Its settings.
    pub settings: TrunkConfig,
    /// Its passwords.
    pub secrets: TrunkSecrets,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// A trunk's passwords. They go in and never out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkSecrets {
    /// Ours in its realm.
    pub password: Option<Redacted<String>>,
    /// The trunk's own, of its login.
    pub login_password: Option<Redacted<String>>,
}

/// A number that an interface made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "NumberDocument")]
pub struct KeptNumber {
    /// Which one.
    pub id: NumberId,
    /// Whose it is.
    pub org_id: OrgId,
    /// As it is dialled; `default` stands for every one not listed.
    pub number: String,
    /// Who answers it.
    pub settings: NumberConfig,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// All that interfaces made.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Trunks.
    pub trunks: Vec<KeptTrunk>,
    /// Numbers.
    pub numbers: Vec<KeptNumber>,
    /// What organisations may dial, and who is stopped.
    pub dialling: Vec<DiallingRules>,
}

impl KeptTrunk {
    /// The identifier of an organisation's trunk of this name, wherever it stands.
    #[must_use]
    pub fn id_of(org: &OrgId, name: &str) -> TrunkId {
        TrunkId::derived(&format!("{org}/{name}"))
    }

    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let passwords = Passwords {
            own: ("password", self.secrets.password.is_some()),
            login: ("login_password", self.secrets.login_password.is_some()),
        };
        let mut faults: Vec<_> = name_fault("name", &self.name).into_iter().collect();
        faults.extend(self.settings.faults_with(passwords));
        faults
    }
}

impl KeptNumber {
    /// The identifier of an organisation's number, wherever it stands.
    #[must_use]
    pub fn id_of(org: &OrgId, number: &str) -> NumberId {
        NumberId::derived(&format!("{org}/{number}"))
    }
}

impl TelephonyRecord for KeptTrunk {
    const COLLECTION: &'static Collection = &telephony::TRUNKS;

    fn id(&self) -> String {
        self.id.to_string()
    }
}

impl TelephonyRecord for KeptNumber {
    const COLLECTION: &'static Collection = &telephony::NUMBERS;

    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// A trunk as it is read: whose it is stands once, beside its settings.
#[derive(Deserialize)]
struct TrunkDocument {
    id: TrunkId,
    org_id: OrgId,
    name: String,
    settings: TrunkConfig,
    #[serde(default)]
    secrets: TrunkSecrets,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct NumberDocument {
    id: NumberId,
    org_id: OrgId,
    number: String,
    settings: NumberConfig,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<TrunkDocument> for KeptTrunk {
    fn from(document: TrunkDocument) -> Self {
        let TrunkDocument { id, org_id, name, settings, secrets, created_at, updated_at } = document;
        let settings = TrunkConfig { org: org_id.clone(), ..settings };
        Self { id, org_id, name, settings, secrets, created_at, updated_at }
    }
}

impl From<NumberDocument> for KeptNumber {
    fn from(document: NumberDocument) -> Self {
        let NumberDocument { id, org_id, number, settings, created_at, updated_at } = document;
        let settings = NumberConfig { org: org_id.clone(), ..settings };
        Self { id, org_id, number, settings, created_at, updated_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk() -> KeptTrunk {
        let org_id: OrgId = "org_practice".parse().unwrap();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        KeptTrunk {
            id: KeptTrunk::id_of(&org_id, "carrier"),
            name: "carrier".to_owned(),
            settings: TrunkConfig { org: org_id.clone(), login: Some("pbx".to_owned()), ..TrunkConfig::default() },
            secrets: TrunkSecrets { login_password: Some("planted".to_owned().into()), ..TrunkSecrets::default() },
            org_id,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_trunk_reads_back_as_it_was_with_its_organisation() {
        let text = serde_json::to_string(&trunk()).unwrap();
        assert_eq!(serde_json::from_str::<KeptTrunk>(&text).unwrap(), trunk());
    }

    #[test]
    fn passwords_are_asked_for_by_the_names_that_an_interface_has() {
        assert_eq!(trunk().faults(), []);
        let bare = KeptTrunk { secrets: TrunkSecrets::default(), ..trunk() };
        assert_eq!(bare.faults().first().map(|fault| fault.bound.as_str()), Some("goes with login_password"));
    }

    #[test]
    fn one_name_of_two_organisations_is_two_trunks() {
        let ids = ["org_a", "org_b"].map(|org| KeptTrunk::id_of(&org.parse().unwrap(), "carrier"));
        assert_ne!(ids[0], ids[1]);
    }
}
