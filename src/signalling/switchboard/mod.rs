//! The trunks, numbers and rules of configuration and store as one directory, made anew at every change and sent to whoever speaks SIP.
//!
//! A change is written to the store first and is in force here before it is answered. Gateways on one store look every two seconds whether
//! anything was changed elsewhere. A stop of calls out goes the other way round: it is in force first and written after, and stays in force
//! here where the store is away.

mod agents;
mod entries;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use self::agents::Made;
pub use self::agents::{AgentEntry, AgentSupply};
pub use self::entries::{NumberEntry, NumberWarning, TrunkEntry};
use super::gateway::{StandingQuestion, Standings};
use super::toll::{DiallingRules, GatewayStop, Stop};
use super::trunks::{Directory, DirectoryError, DirectorySource, Kept, TrunkName, TrunkStatus};
use crate::agent::kept::KeptAgent;
use crate::domain::ids::OrgId;
use crate::store::telephony::Telephony;
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};
use crate::telemetry::metrics::Metrics;

/// Why something of telephony was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SwitchboardError {
    /// Another has the same.
    #[error("another has the same {field}")]
    Taken {
        /// What of it.
        field: &'static str,
    },
    /// It stands in the configuration.
    #[error("it stands in the configuration")]
    Configured,
    /// There are as many as may be.
    #[error("there are as many as may be")]
    Full,
    /// It has changed meanwhile, or the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No directory can be made of it.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Whose calls out are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// Everybody's.
    Everybody,
    /// One organisation's.
    Organisation(OrgId),
}

/// Finds the secrets that the configuration names.
pub type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Trunks, numbers and rules, whoever made them; clones share it.
#[derive(Clone)]
pub struct Switchboard {
    shared: Arc<Shared>,
}

struct Shared {
    configured: DirectorySource,
    supply: AgentSupply,
    made: Made,
    variables: Box<Variables>,
    telephony: Telephony,
    /// What the store had when it was read last.
    stored: RwLock<Arc<Stored>>,
    /// Stops that are in force and not known to be in the store.
    stops: Mutex<BTreeMap<Whose, Stop>>,
    /// One reads at a time: an older reading must not take the place of a newer one.
    reading: tokio::sync::Mutex<()>,
    revision: AtomicU64,
    directories: watch::Sender<Arc<Directory>>,
    questions: mpsc::Sender<StandingQuestion>,
}

#[derive(Debug, Default)]
struct Stored {
    kept: Kept,
    agents: Vec<Versioned<KeptAgent>>,
    removed_agents: Vec<Versioned<KeptAgent>>,
    stop: Option<Stop>,
}

/// What whoever speaks SIP takes from a switchboard.
#[derive(Debug)]
pub struct SwitchboardOutlet {
    /// The directory that holds.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Who wants to know how things stand.
    pub questions: mpsc::Receiver<StandingQuestion>,
}

impl fmt::Debug for Switchboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switchboard").finish_non_exhaustive()
    }
}

impl Switchboard {
    /// A switchboard for what is configured; what the store has is not read yet.
    ///
    /// # Errors
    /// When a secret that the configuration names is not there.
    pub fn new(
        configured: DirectorySource,
        supply: impl Into<AgentSupply>,
        telephony: Telephony,
        variables: Box<Variables>,
    ) -> Result<(Self, SwitchboardOutlet), DirectoryError> {
        let directory = Directory::new(configured.clone(), &variables)?;
        let (directories, directory) = watch::channel(Arc::new(directory));
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let shared = Shared {
            configured,
            supply: supply.into(),
            made: Made::default(),
            variables,
            telephony,
            stored: RwLock::default(),
            stops: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            revision: AtomicU64::new(0),
            directories,
            questions,
        };
        Ok((Self { shared: Arc::new(shared) }, SwitchboardOutlet { directory, questions: asked }))
    }

    /// Reads what the store has, which is in force when this returns.
    ///
    /// # Errors
    /// When the store fails: what was in force stays so.
    pub async fn refresh(&self) -> Result<(), SwitchboardError> {
        let Shared { telephony, reading, .. } = &*self.shared;
        let _one = reading.lock().await;
        // Before everything else, so that a change between the two is seen next time.
        let revision = telephony.revision().await?;
        let kept = Kept {
            trunks: telephony.all(MAX_RECORDS).await?,
            numbers: telephony.all(MAX_RECORDS).await?,
            dialling: telephony.all(MAX_RECORDS).await?,
        };
        let agents: Vec<Versioned<KeptAgent>> = telephony.all_versioned(MAX_RECORDS).await?;
        let (removed_agents, agents): (Vec<_>, Vec<_>) = agents.into_iter().partition(|found| found.record.removed_at.is_some());
        self.publish_agents(&agents);
        let stop = telephony.get::<GatewayStop>(&gateway_scope(), GatewayStop::ID).await?.and_then(|found| found.record.stop);
        let stored = Stored { kept, agents, removed_agents, stop };
        *self.shared.stored.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stored);
        self.shared.revision.store(revision, Ordering::Relaxed);
        self.publish()?;
        Ok(())
    }

    /// Follows what other gateways change, and tells the metrics how trunks stand, for ever.
    pub async fn watch(self, metrics: Metrics) {
        let (mut read_at, mut told) = (Instant::now(), BTreeSet::new());
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let changed = match self.shared.telephony.revision().await {
                Ok(revision) => revision != self.shared.revision.load(Ordering::Relaxed),
                Err(error) => {
                    tracing::warn!(%error, "telephony_not_looked_at");
                    false
                }
            };
            if changed || read_at.elapsed() > READ_AGAIN {
                match self.refresh().await {
                    Ok(()) => read_at = Instant::now(),
                    Err(error) => tracing::warn!(%error, "telephony_not_read"),
                }
            }
            if let Some(standings) = self.standings().await {
                tell(&metrics, &standings, &mut told);
            }
        }
    }

    /// How trunks and tenants stand; none when whoever speaks SIP does not answer.
    pub async fn standings(&self) -> Option<Standings> {
        let (answer, standings) = oneshot::channel();
        self.shared.questions.try_send(answer).ok()?;
        tokio::time::timeout(PATIENCE, standings).await.ok()?.ok()
    }

    /// The directory that is in force.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.shared.directories.borrow())
    }

    /// Stops calls out: those that are up end. It is in force when this returns, on this gateway; [`Switchboard::keep_stop`] makes it last.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn stop_now(&self, whose: Whose, stop: Stop) -> Result<(), SwitchboardError> {
        self.stops().insert(whose, stop);
        Ok(self.publish()?)
    }

    /// Writes a stop to the store: from then on it holds on every gateway, and after a restart.
    ///
    /// # Errors
    /// When the store fails: the stop stays in force here.
    pub async fn keep_stop(&self, whose: Whose, stop: Stop) -> Result<(), SwitchboardError> {
        self.write_stop(&whose, Some(stop)).await?;
        self.stops().remove(&whose);
        Ok(())
    }

    /// Lets calls out go again.
    ///
    /// # Errors
    /// When the store fails: the stop stays in force.
    pub async fn resume(&self, whose: Whose) -> Result<(), SwitchboardError> {
        self.write_stop(&whose, None).await?;
        self.stops().remove(&whose);
        Ok(self.publish()?)
    }

    /// Whether and by whom an organisation's calls out are stopped; a stop of everybody counts as well.
    #[must_use]
    pub fn stop_of(&self, org: &OrgId) -> Option<Stop> {
        self.stop_of_everybody().or_else(|| self.own_stop_of(org))
    }

    /// Whether and by whom an organisation's own calls out are stopped.
    #[must_use]
    pub fn own_stop_of(&self, org: &OrgId) -> Option<Stop> {
        let kept = self.stored().kept.dialling.iter().find(|rules| rules.org_id == *org).and_then(|rules| rules.stop);
        kept.or_else(|| self.stops().get(&Whose::Organisation(org.clone())).copied())
    }

    /// Whether calls out of everybody are stopped.
    #[must_use]
    pub fn stop_of_everybody(&self) -> Option<Stop> {
        self.stored().stop.or_else(|| self.stops().get(&Whose::Everybody).copied())
    }

    /// The store below.
    #[must_use]
    pub fn telephony(&self) -> &Telephony {
        &self.shared.telephony
    }

    fn publish(&self) -> Result<(), DirectoryError> {
        let stored = self.stored();
        let mut kept = stored.kept.clone();
        let stops = self.stops().clone();
        for (whose, stop) in &stops {
            let Whose::Organisation(org) = whose else { continue };
            match kept.dialling.iter_mut().find(|rules| rules.org_id == *org) {
                Some(rules) => rules.stop = rules.stop.or(Some(*stop)),
                None => kept.dialling.push(DiallingRules { stop: Some(*stop), ..DiallingRules::none(org.clone(), stop.at) }),
            }
        }
        let stopped = stored.stop.is_some() || stops.contains_key(&Whose::Everybody);
        let source = DirectorySource { kept, stopped, ..self.shared.configured.clone() };
        let directory = Directory::new(source, &self.shared.variables)?;
        self.shared.directories.send_replace(Arc::new(directory));
        Ok(())
    }

    fn stored(&self) -> Arc<Stored> {
        Arc::clone(&self.shared.stored.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn stops(&self) -> std::sync::MutexGuard<'_, BTreeMap<Whose, Stop>> {
        self.shared.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the metrics how trunks stand, and of those that are no more that nobody knows.
fn tell(metrics: &Metrics, standings: &Standings, told: &mut BTreeSet<TrunkName>) {
    for gone in told.iter().filter(|name| !standings.trunks.contains_key(*name)) {
        metrics.trunk_gone(&gone.to_string());
    }
    for (name, standing) in &standings.trunks {
        let status = standing.status.as_ref();
        let (up, registered) = (status.map(TrunkStatus::is_up), status.and_then(TrunkStatus::is_registered));
        metrics.trunk(&name.to_string(), up, registered, [("inbound", standing.inbound), ("outbound", standing.outbound)]);
    }
    *told = standings.trunks.keys().cloned().collect();
}

/// Above all organisations.
fn gateway_scope() -> OrgScope {
    OrgScope::new(OrgId::gateway())
}

/// Questions that may wait.
const QUESTIONS: usize = 32;
/// How long an answer to one may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often is looked whether anything was changed elsewhere.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How often everything is read whatever was seen: a gateway that died between a change and the word of it told nobody.
const READ_AGAIN: Duration = Duration::from_secs(60);
/// Records of a kind that all organisations may have together.
const MAX_RECORDS: usize = 50_000;

#[cfg(test)]
mod tests;
