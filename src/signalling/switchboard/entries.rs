//! What there is, of configuration and store alike, as an organisation sees it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Switchboard;
use crate::call::config::NumberConfig;
use crate::domain::ids::{NumberId, OrgId, TrunkId};
use crate::domain::setting::SettingFault;
use crate::signalling::dialling::Numbering;
use crate::signalling::toll::{DiallingRules, TollPolicy};
use crate::signalling::trunks::{KeptNumber, KeptTrunk, TrunkConfig, TrunkName};

/// A trunk, without its passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkEntry {
    /// Which one.
    pub id: TrunkId,
    /// Whose it is.
    pub org_id: OrgId,
    /// What the organisation calls it.
    pub name: String,
    /// Its settings.
    pub settings: TrunkConfig,
    /// Whether we have a password in its realm.
    pub has_password: bool,
    /// Whether there is one for its login.
    pub has_login_password: bool,
    /// Made and last changed; none for one of the configuration.
    pub times: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Why a number that can be called is not answered as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberWarning {
    /// The operator's `[egress]` covers the organisation, and none of the number's agents has its agreement: calls are refused.
    NoAgreement,
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberEntry {
    /// Which one.
    pub id: NumberId,
    /// Whose it is.
    pub org_id: OrgId,
    /// As it is dialled.
    pub number: String,
    /// Who answers it.
    pub settings: NumberConfig,
    /// Made and last changed; none for one of the configuration.
    pub times: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl TrunkEntry {
    fn configured(name: &str, settings: &TrunkConfig) -> Self {
        Self {
            id: KeptTrunk::id_of(&settings.org, name),
            org_id: settings.org.clone(),
            name: name.to_owned(),
            has_password: settings.password_env.is_some(),
            has_login_password: settings.login_password_env.is_some(),
            settings: settings.clone(),
            times: None,
        }
    }

    /// What signalling calls it.
    #[must_use]
    pub fn full_name(&self) -> TrunkName {
        match self.times {
            None => TrunkName::from(self.name.as_str()),
            Some(_) => TrunkName::from(format!("{}/{}", self.org_id, self.name).as_str()),
        }
    }
}

impl From<KeptTrunk> for TrunkEntry {
    fn from(trunk: KeptTrunk) -> Self {
        let KeptTrunk { id, org_id, name, settings, secrets, created_at, updated_at } = trunk;
        let (has_password, has_login_password) = (secrets.password.is_some(), secrets.login_password.is_some());
        Self { id, org_id, name, settings, has_password, has_login_password, times: Some((created_at, updated_at)) }
    }
}

impl From<KeptNumber> for NumberEntry {
    fn from(number: KeptNumber) -> Self {
        let KeptNumber { id, org_id, number, settings, created_at, updated_at } = number;
        Self { id, org_id, number, settings, times: Some((created_at, updated_at)) }
    }
}

impl Switchboard {
    /// An organisation's trunks, those of the configuration too, by their identifiers.
    #[must_use]
    pub fn trunks(&self, org: &OrgId) -> Vec<TrunkEntry> {
        let configured = self.shared.configured.trunks.iter().filter(|(_, trunk)| trunk.org == *org);
        let mut entries: Vec<_> = configured.map(|(name, trunk)| TrunkEntry::configured(name, trunk)).collect();
        entries.extend(self.stored().kept.trunks.iter().filter(|trunk| trunk.org_id == *org).cloned().map(TrunkEntry::from));
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        // Of two the configuration's, which stands first since the order is stable.
        entries.dedup_by(|b, a| a.id == b.id);
        entries
    }

    /// An organisation's numbers, those of the configuration too, by their identifiers.
    #[must_use]
    pub fn numbers(&self, org: &OrgId) -> Vec<NumberEntry> {
        let configured = self.shared.configured.numbers.iter().filter(|(_, number)| number.org == *org);
        let mut entries: Vec<_> = configured
            .map(|(number, settings)| NumberEntry {
                id: KeptNumber::id_of(org, number),
                org_id: org.clone(),
                number: number.clone(),
                settings: settings.clone(),
                times: None,
            })
            .collect();
        entries.extend(self.stored().kept.numbers.iter().filter(|number| number.org_id == *org).cloned().map(NumberEntry::from));
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        entries.dedup_by(|b, a| a.id == b.id);
        entries
    }

    /// The configuration's trunk of this identifier.
    #[must_use]
    pub fn configured_trunk(&self, org: &OrgId, id: &TrunkId) -> Option<TrunkEntry> {
        let mut own = self.shared.configured.trunks.iter().filter(|(_, trunk)| trunk.org == *org);
        own.find(|(name, _)| KeptTrunk::id_of(org, name) == *id).map(|(name, trunk)| TrunkEntry::configured(name, trunk))
    }

    /// The configuration's number of this identifier.
    #[must_use]
    pub fn configured_number(&self, org: &OrgId, id: &NumberId) -> Option<NumberEntry> {
        self.numbers(org).into_iter().find(|entry| entry.id == *id && entry.times.is_none())
    }

    /// The configuration's rules of dialling for an organisation.
    #[must_use]
    pub fn configured_policy(&self, org: &OrgId) -> Option<&TollPolicy> {
        self.shared.configured.tenants.get(org.as_str())
    }

    /// What keeps a number from being answered, though each of its settings can stand.
    #[must_use]
    pub fn number_warnings(&self, org: &OrgId, settings: &NumberConfig) -> Vec<NumberWarning> {
        let (agents, tried) = (self.agents(org), settings.agents());
        let mut tried = agents.iter().filter(|agent| tried.contains(&agent.name)).peekable();
        let known = tried.peek().is_some();
        let permitted = tried.any(|agent| self.shared.supply.egress.permits(org, agent.settings.agreement.as_ref()));
        if known && !permitted { vec![NumberWarning::NoAgreement] } else { Vec::new() }
    }

    /// Every setting of a number that cannot stand.
    #[must_use]
    pub fn number_faults(&self, number: &KeptNumber) -> Vec<SettingFault> {
        let agents = self.agents(&number.org_id);
        let tried = number.settings.agents();
        let protocols = agents.iter().filter(|agent| tried.contains(&agent.name)).map(|agent| agent.settings.protocol);
        let conduct = number.settings.conduct_faults(protocols);
        let agents: Vec<_> = agents.iter().map(|agent| agent.name.as_str()).collect();
        let trunks = self.trunks(&number.org_id);
        let trunks: Vec<_> = trunks.iter().map(|trunk| trunk.name.as_str()).collect();
        let mut faults: Vec<_> = crate::call::config::name_fault("number", &number.number).into_iter().collect();
        let read = Numbering::default().read(&number.number);
        if number.number.starts_with('+') && !read.is_ok_and(|read| read.as_str() == number.number) {
            faults.push(SettingFault::new("number", "(set)", "must be an international number", "write it as in \"+4930901820\""));
        }
        faults.extend(number.settings.faults(&agents, &trunks));
        faults.extend(conduct);
        faults
    }

    /// Every rule of dialling that cannot stand.
    #[must_use]
    pub fn dialling_faults(&self, rules: &DiallingRules) -> Vec<SettingFault> {
        let trunks = self.trunks(&rules.org_id);
        rules.faults(&trunks.iter().map(|trunk| trunk.name.as_str()).collect::<Vec<_>>())
    }
}
