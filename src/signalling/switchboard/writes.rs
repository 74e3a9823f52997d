//! Changes: to the store, to the word that something has changed, and into force.

use super::{Switchboard, SwitchboardError, Whose, gateway_scope};
use crate::domain::ids::OrgId;
use crate::signalling::toll::{DiallingRules, GatewayStop, Stop};
use crate::signalling::trunks::{KeptNumber, KeptTrunk};
use crate::store::telephony::TelephonyRecord;
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};

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
        self.claim_login(trunk).await?;
        self.add(&trunk.org_id, trunk, "name", login_claim(trunk)).await
    }

    /// Puts a trunk in the place of one that stands at `before`.
    ///
    /// # Errors
    /// When its login is another's, it has changed meanwhile, or the store fails.
    pub async fn change_trunk(&self, before: &Versioned<KeptTrunk>, trunk: &KeptTrunk) -> Result<u64, SwitchboardError> {
        self.claim_login(trunk).await?;
        let version = self.change(&trunk.org_id, trunk, before.version).await?;
        if login_claim(&before.record) != login_claim(trunk) {
            self.release(&trunk.org_id, login_claim(&before.record)).await;
        }
        Ok(version)
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
        if let Some(claim) = number_claim(number) {
            self.claim(&claim, &number.org_id, "number").await?;
        }
        self.add(&number.org_id, number, "number", number_claim(number)).await
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
        claim: Option<String>,
    ) -> Result<u64, SwitchboardError> {
        match self.insert(org, record).await {
            // One that is there has the claim.
            Err(SwitchboardError::Store(StoreError::Exists { .. })) => Err(SwitchboardError::Taken { field }),
            Err(error) => {
                self.release(org, claim).await;
                Err(error)
            }
            added => added,
        }
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
        self.telephony().remove(&OrgScope::new(org.clone()), &record.record, record.version).await?;
        self.release(org, claim).await;
        self.came_to_pass().await
    }

    pub(super) async fn came_to_pass(&self) -> Result<(), SwitchboardError> {
        self.telephony().changed().await?;
        self.refresh().await
    }

    async fn claim_login(&self, trunk: &KeptTrunk) -> Result<(), SwitchboardError> {
        let Some(login) = &trunk.settings.login else { return Ok(()) };
        if self.shared.configured.trunks.values().any(|configured| configured.login.as_ref() == Some(login)) {
            return Err(SwitchboardError::Taken { field: "login" });
        }
        let others = self.trunks(&trunk.org_id);
        if others.iter().any(|other| other.id != trunk.id && other.settings.login.as_ref() == Some(login)) {
            return Err(SwitchboardError::Taken { field: "login" });
        }
        self.claim(&format!("login:{login}"), &trunk.org_id, "login").await
    }

    async fn claim(&self, name: &str, org: &OrgId, field: &'static str) -> Result<(), SwitchboardError> {
        self.telephony().claim(name, org).await.map_err(|error| match error {
            StoreError::Exists { .. } => SwitchboardError::Taken { field },
            error => error.into(),
        })
    }

    /// A claim that stays behind keeps its name from others and does no other harm.
    async fn release(&self, org: &OrgId, claim: Option<String>) {
        let Some(claim) = claim else { return };
        if let Err(error) = self.telephony().release(&claim, org).await {
            tracing::warn!(%error, "claim_left_behind");
        }
    }
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
