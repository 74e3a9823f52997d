//! Changes: to the store, to the word that something has changed, and into force.

use super::{Switchboard, SwitchboardError, Whose, gateway_scope};
use crate::domain::ids::OrgId;
use crate::signalling::toll::{DiallingRules, GatewayStop, Stop};
use crate::signalling::trunks::{KeptNumber, KeptTrunk};
use crate::store::telephony::TelephonyRecord;
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};

/// A name that an organisation has claimed before it takes it into use.
struct Claim {
    name: String,
    /// Which field is at fault where it is another's.
    field: &'static str,
    version: u64,
}

impl Switchboard {
    /// Adds a trunk; answers with its version.
    ///
    /// # Errors
    /// When its name or login is another's, there are as many as may be, or the store fails.
    pub async fn add_trunk(&self, trunk: &KeptTrunk) -> Result<u64, SwitchboardError> {
        if self.configured_trunk(&trunk.org_id, &trunk.id).is_some() {
            return Err(SwitchboardError::Taken { field: "name" });
        }
        if self.trunks(&trunk.org_id).len() >= MAX_TRUNKS {
            return Err(SwitchboardError::Full);
        }
        let claim = self.claim_login(trunk).await?;
        self.add(&trunk.org_id, trunk, "name", claim).await
    }

    /// Puts a trunk in the place of one that stands at `before`.
    ///
    /// # Errors
    /// When its login is another's, it has changed meanwhile, or the store fails.
    pub async fn change_trunk(&self, before: &Versioned<KeptTrunk>, trunk: &KeptTrunk) -> Result<u64, SwitchboardError> {
        let (org, moves) = (&trunk.org_id, login_claim(&before.record) != login_claim(trunk));
        let former = if moves { self.standing(org, login_claim(&before.record)).await? } else { None };
        let claim = self.claim_login(trunk).await?;
        let version = match self.telephony().update(&OrgScope::new(org.clone()), trunk, before.version).await {
            Ok(version) => version,
            Err(error) => {
                if moves && was_refused(&error) {
                    self.release(org, claim).await;
                }
                return Err(error.into());
            }
        };
        self.release(org, former).await;
        self.came_to_pass().await.map(|()| version)
    }

    /// Takes a trunk away: its calls end, and what names it finds none.
    ///
    /// # Errors
    /// When it has changed meanwhile, or the store fails.
    pub async fn remove_trunk(&self, trunk: &Versioned<KeptTrunk>) -> Result<(), SwitchboardError> {
        self.remove(&trunk.record.org_id, trunk, login_claim(&trunk.record)).await
    }

    /// Adds a number; answers with its version.
    ///
    /// # Errors
    /// When it is another's, there are as many as may be, or the store fails.
    pub async fn add_number(&self, number: &KeptNumber) -> Result<u64, SwitchboardError> {
        let configured = self.shared.configured.numbers.get(&number.number);
        if configured.is_some_and(|configured| configured.org == number.org_id || is_international(&number.number)) {
            return Err(SwitchboardError::Taken { field: "number" });
        }
        if self.numbers(&number.org_id).len() >= MAX_NUMBERS {
            return Err(SwitchboardError::Full);
        }
        let claim = match number_claim(number) {
            Some(name) => Some(self.claim(name, &number.org_id, "number").await?),
            None => None,
        };
        self.add(&number.org_id, number, "number", claim).await
    }

    /// Puts a number in the place of one that stands at `version`.
    ///
    /// # Errors
    /// When it has changed meanwhile, or the store fails.
    pub async fn change_number(&self, number: &KeptNumber, version: u64) -> Result<u64, SwitchboardError> {
        self.change(&number.org_id, number, version).await
    }

    /// Takes a number away: calls to it find nobody, those that are up go on.
    ///
    /// # Errors
    /// When it has changed meanwhile, or the store fails.
    pub async fn remove_number(&self, number: &Versioned<KeptNumber>) -> Result<(), SwitchboardError> {
        self.remove(&number.record.org_id, number, number_claim(&number.record)).await
    }

    /// Puts an organisation's rules of dialling in the place of those that stand at `version`, 0 where there are none.
    ///
    /// # Errors
    /// When they have changed meanwhile, or the store fails.
    pub async fn set_dialling(&self, rules: &DiallingRules, version: u64) -> Result<u64, SwitchboardError> {
        match version {
            0 => self.insert(&rules.org_id, rules).await,
            version => self.change(&rules.org_id, rules, version).await,
        }
    }

    pub(super) async fn write_stop(&self, whose: &Whose, stop: Option<Stop>) -> Result<(), SwitchboardError> {
        let telephony = self.telephony();
        for _ in 0..ATTEMPTS {
            let written = match whose {
                Whose::Everybody => {
                    let scope = gateway_scope();
                    let record = GatewayStop { stop };
                    match telephony.get::<GatewayStop>(&scope, GatewayStop::ID).await? {
                        Some(found) => telephony.update(&scope, &record, found.version).await,
                        None => telephony.insert(&scope, &record).await,
                    }
                }
                Whose::Organisation(org) => {
                    let scope = OrgScope::new(org.clone());
                    let now = chrono::Utc::now();
                    match telephony.get::<DiallingRules>(&scope, org.as_str()).await? {
                        Some(found) => {
                            let record = DiallingRules { stop, updated_at: now, ..found.record };
                            telephony.update(&scope, &record, found.version).await
                        }
                        None => telephony.insert(&scope, &DiallingRules { stop, ..DiallingRules::none(org.clone(), now) }).await,
                    }
                }
            };
            match written {
                Ok(_) => return self.came_to_pass().await,
                Err(StoreError::Conflict { .. } | StoreError::Exists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy.into())
    }

    async fn add<T: TelephonyRecord>(
        &self,
        org: &OrgId,
        record: &T,
        field: &'static str,
        claim: Option<Claim>,
    ) -> Result<u64, SwitchboardError> {
        let scope = OrgScope::new(org.clone());
        let version = match self.telephony().insert(&scope, record).await {
            Ok(version) => version,
            // One that is there has the claim.
            Err(StoreError::Exists { .. }) => return Err(SwitchboardError::Taken { field }),
            Err(error) => {
                if was_refused(&error) {
                    self.release(org, claim).await;
                }
                return Err(error.into());
            }
        };
        // Who has just removed the same record may have given the claim up with it.
        if let Some(Claim { name, field, .. }) = claim
            && let Err(error) = self.claim(name, org, field).await
        {
            if matches!(error, SwitchboardError::Taken { .. }) {
                self.telephony().remove(&scope, record, version).await?;
            }
            return Err(error);
        }
        self.came_to_pass().await.map(|()| version)
    }

    async fn insert<T: TelephonyRecord>(&self, org: &OrgId, record: &T) -> Result<u64, SwitchboardError> {
        let version = self.telephony().insert(&OrgScope::new(org.clone()), record).await?;
        self.came_to_pass().await.map(|()| version)
    }

    async fn change<T: TelephonyRecord>(&self, org: &OrgId, record: &T, version: u64) -> Result<u64, SwitchboardError> {
        let version = self.telephony().update(&OrgScope::new(org.clone()), record, version).await?;
        self.came_to_pass().await.map(|()| version)
    }

    async fn remove<T: TelephonyRecord>(&self, org: &OrgId, record: &Versioned<T>, claim: Option<String>) -> Result<(), SwitchboardError> {
        let claim = self.standing(org, claim).await?;
        self.telephony().remove(&OrgScope::new(org.clone()), &record.record, record.version).await?;
        self.release(org, claim).await;
        self.came_to_pass().await
    }

    pub(super) async fn came_to_pass(&self) -> Result<(), SwitchboardError> {
        self.telephony().changed().await?;
        self.refresh().await
    }

    async fn claim_login(&self, trunk: &KeptTrunk) -> Result<Option<Claim>, SwitchboardError> {
        let (Some(login), Some(name)) = (&trunk.settings.login, login_claim(trunk)) else { return Ok(None) };
        if self.shared.configured.trunks.values().any(|configured| configured.login.as_ref() == Some(login)) {
            return Err(SwitchboardError::Taken { field: "login" });
        }
        let others = self.trunks(&trunk.org_id);
        if others.iter().any(|other| other.id != trunk.id && other.settings.login.as_ref() == Some(login)) {
            return Err(SwitchboardError::Taken { field: "login" });
        }
        self.claim(name, &trunk.org_id, "login").await.map(Some)
    }

    async fn claim(&self, name: String, org: &OrgId, field: &'static str) -> Result<Claim, SwitchboardError> {
        match self.telephony().claim(&name, org).await {
            Ok(version) => Ok(Claim { name, field, version }),
            Err(StoreError::Exists { .. }) => Err(SwitchboardError::Taken { field }),
            Err(error) => Err(error.into()),
        }
    }

    /// An organisation's claim as it stands, before what it is for goes: what is claimed after this is not given up with it.
    async fn standing(&self, org: &OrgId, name: Option<String>) -> Result<Option<Claim>, SwitchboardError> {
        let Some(name) = name else { return Ok(None) };
        let version = self.telephony().claim_version(&name, org).await?;
        Ok(version.map(|version| Claim { name, field: "name", version }))
    }

    /// A claim that stays behind keeps its name from others and does no other harm.
    async fn release(&self, org: &OrgId, claim: Option<Claim>) {
        let Some(Claim { name, version, .. }) = claim else { return };
        if let Err(error) = self.telephony().release(&name, org, version).await {
            tracing::warn!(%error, "claim_left_behind");
        }
    }
}

/// Whether nothing was written for certain: where a database failed nobody knows.
const fn was_refused(error: &StoreError) -> bool {
    !matches!(error, StoreError::Database(_) | StoreError::Closed)
}

fn login_claim(trunk: &KeptTrunk) -> Option<String> {
    trunk.settings.login.as_ref().map(|login| format!("login:{login}"))
}

/// An international number is one organisation's; extensions are each organisation's own.
fn number_claim(number: &KeptNumber) -> Option<String> {
    is_international(&number.number).then(|| format!("number:{}", number.number))
}

fn is_international(number: &str) -> bool {
    number.starts_with('+')
}

/// Trunks of an organisation.
const MAX_TRUNKS: usize = 200;
/// Numbers of an organisation.
const MAX_NUMBERS: usize = 5_000;
/// Each that is lost was another's success.
const ATTEMPTS: u32 = 16;
