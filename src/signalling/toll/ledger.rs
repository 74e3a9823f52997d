//! The days' accounts in the store: every charge is added to the account of its organisation and day, by comparing versions, so that
//! gateways on one store add to one account. A restart goes on with what stands there; days that are over stay as they are.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::meter::{Charge, Used};
use crate::domain::ids::OrgId;
use crate::store::telephony::{self, Telephony, TelephonyRecord};
use crate::store::versioned::Versioned;
use crate::store::{Collection, OrgScope, StoreError};

/// One organisation's account of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollDay {
    /// Whose.
    pub org_id: OrgId,
    /// The day's number since 1970, UTC.
    pub day: u64,
    /// What was used on it.
    pub used: Used,
}

impl TelephonyRecord for TollDay {
    const COLLECTION: &'static Collection = &telephony::TOLL_DAYS;

    fn id(&self) -> String {
        id_of(self.day)
    }
}

/// A charge, and the account as it stands with it; none when the store failed.
pub type Settlement = (Charge, Option<Used>);

/// The accounts.
#[derive(Debug)]
pub struct Ledger {
    telephony: Telephony,
    charges: mpsc::Receiver<Charge>,
    settled: mpsc::Sender<Settlement>,
}

/// A meter's way to the ledger.
#[derive(Debug)]
pub struct LedgerPort {
    /// What is to be charged; what does not fit is kept and tried again.
    pub charges: mpsc::Sender<Charge>,
    /// What was.
    pub settled: mpsc::Receiver<Settlement>,
}

impl Ledger {
    /// A ledger over this store, and the way to it.
    #[must_use]
    pub fn new(telephony: Telephony) -> (Self, LedgerPort) {
        let ((charges, to_charge), (settled, answers)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        (Self { telephony, charges: to_charge, settled }, LedgerPort { charges, settled: answers })
    }

    /// The accounts of a day.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_day(telephony: &Telephony, day: u64) -> Result<Vec<TollDay>, StoreError> {
        let mut found = Vec::new();
        for scope in telephony.scopes::<TollDay>().await? {
            let account: Option<Versioned<TollDay>> = telephony.get(&scope, &id_of(day)).await?;
            found.extend(account.map(|account| account.record));
        }
        Ok(found)
    }

    /// Charges until nobody is left who calls.
    pub async fn run(mut self) {
        while let Some(charge) = self.charges.recv().await {
            let total = match self.add(&charge).await {
                Ok(total) => Some(total),
                Err(error) => {
                    tracing::error!(%error, "toll_not_recorded");
                    // It comes again; a store that is away is not asked without pause.
                    tokio::time::sleep(PAUSE).await;
                    None
                }
            };
            if self.settled.send((charge, total)).await.is_err() {
                return;
            }
        }
    }

    async fn add(&self, charge: &Charge) -> Result<Used, StoreError> {
        let scope = OrgScope::new(charge.org.clone());
        for _ in 0..ATTEMPTS {
            let found: Option<Versioned<TollDay>> = self.telephony.get(&scope, &id_of(charge.day)).await?;
            let before = found.as_ref().map(|found| found.record.used).unwrap_or_default();
            let account = TollDay { org_id: charge.org.clone(), day: charge.day, used: before.and(charge.used) };
            let written = match found {
                Some(found) => self.telephony.update(&scope, &account, found.version).await,
                None => self.telephony.insert(&scope, &account).await,
            };
            match written {
                Ok(_) => return Ok(account.used),
                // Another gateway was faster.
                Err(StoreError::Conflict { .. } | StoreError::Exists { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }
}

/// The number of the day since 1970, UTC.
#[must_use]
pub fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400
}

fn id_of(day: u64) -> String {
    format!("day_{day}")
}

/// Charges that may wait: one an organisation and minute.
const QUEUE: usize = 256;
/// Each that is lost was another gateway's success.
const ATTEMPTS: u32 = 64;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::redacted::Redacted;
    use crate::store::COLLECTIONS;
    use crate::store::sealed::{MasterKeys, SealedDocuments};
    use crate::store::sqlite::SqliteDocuments;

    fn telephony(folder: &tempfile::TempDir) -> Telephony {
        let master = MasterKeys::new(&Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned()), &[]).unwrap();
        Telephony::new(SealedDocuments::new(SqliteDocuments::open(folder.path(), COLLECTIONS).unwrap(), master))
    }

    #[tokio::test]
    async fn gateways_on_one_store_add_to_one_account_which_is_there_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = telephony(&folder);
        let mut ports = Vec::new();
        for (ledger, port) in [Ledger::new(store.clone()), Ledger::new(store.clone())] {
            tokio::spawn(ledger.run());
            ports.push(port);
        }
        let org = OrgId::default_org();
        let charge = Charge { org: org.clone(), day: 20_000, used: Used { calls: 1, minutes: 2, spent: 30 } };
        for _ in 0..10 {
            for port in &ports {
                port.charges.send(charge.clone()).await.unwrap();
            }
        }
        let mut totals = Vec::new();
        for port in &mut ports {
            for _ in 0..10 {
                totals.push(port.settled.recv().await.unwrap().1.unwrap().minutes);
            }
        }
        totals.sort_unstable();
        assert_eq!(totals, (1..=20).map(|n| 2 * n).collect::<Vec<_>>(), "no charge is lost and none counts twice");
        drop(ports);
        let found = Ledger::of_day(&store, 20_000).await.unwrap();
        assert_eq!(found, [TollDay { org_id: org, day: 20_000, used: Used { calls: 20, minutes: 40, spent: 600 } }]);
        assert_eq!(Ledger::of_day(&store, 20_001).await.unwrap(), []);
    }
}
