//! What stands before calls and goes on beside them and requests: room for their files, webhooks on their way, what is over being forgotten, the agent that is built in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::AppError;
use crate::agent::simulator;
use crate::call::records::Records;
use crate::config::Config;
use crate::net::https::HttpsClient;
use crate::net::limits::{OpenFiles, raise_open_files};
use crate::net::tls::TlsContext;
use crate::signalling::ladder::{LadderBook, LadderKeeper, Tap};
use crate::signalling::start;
use crate::store::Documents;
use crate::store::dial_ins::DialIns;
use crate::store::ladders::{LadderKeep, Ladders};
use crate::store::named_requests::NamedRequests;
use crate::store::sealed::SealedDocuments;
use crate::store::webhooks::WebhookStore;
use crate::supervision::{Breakers, Supervisor};
use crate::telemetry::hep::HepSender;
use crate::telemetry::metrics::Metrics;
use crate::webhooks::{WebhookParts, Webhooks};

/// As many open files as calls may need, or a word of warning.
pub(super) fn raise_limits(config: &Config) {
    let calls = config.calls.max_concurrent as usize;
    match raise_open_files() {
        Ok(files) if files.suffice_for(calls) => {}
        Ok(files) => tracing::warn!(limit = files.new, needed = OpenFiles::needed(calls), "open_files_limit_low"),
        Err(error) => tracing::warn!(%error, "open_files_limit_unknown"),
    }
}

/// What is kept for a while only, and forgotten when it is over.
pub(super) fn keep_store_swept(config: &Config, sealed: &Arc<SealedDocuments>, tasks: &Supervisor) -> (NamedRequests, DialIns) {
    let (names, announced) = (NamedRequests::new(Arc::clone(sealed)), DialIns::new(Arc::clone(sealed)));
    let swept = (names.clone(), announced.clone());
    tasks.keep("store_upkeep", move || sweep(swept.0.clone(), swept.1.clone()));
    let (ladders, keep) = (Ladders::new(Arc::clone(sealed)), config.sip.ladder.keep());
    tasks.keep("ladder_upkeep", move || sweep_ladders(ladders.clone(), keep));
    let left = Arc::clone(sealed);
    tasks.keep("store_recovery", move || recover(Arc::clone(&left)));
    (names, announced)
}

/// Ends what was left half done, every half a minute and for ever.
async fn recover(sealed: Arc<SealedDocuments>) {
    loop {
        tokio::time::sleep(RECOVER_EVERY).await;
        if let Err(error) = sealed.recover().await {
            tracing::warn!(%error, "store_not_recovered");
        }
    }
}

/// Forgets the signalling of calls that is too old or too much, every hour and for ever.
async fn sweep_ladders(ladders: Ladders, keep: LadderKeep) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        match ladders.sweep(chrono::Utc::now(), keep).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "ladders_swept"),
            Err(error) => tracing::warn!(%error, "ladders_not_swept"),
        }
    }
}

/// Forgets what is over, every hour and for ever.
async fn sweep(names: NamedRequests, announced: DialIns) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let now = chrono::Utc::now();
        for outcome in [names.sweep(now).await, announced.sweep_all(now).await] {
            if let Err(error) = outcome {
                tracing::warn!(%error, "store_not_swept");
            }
        }
    }
}

/// The way out, for webhooks and tools.
pub(super) fn https_client(config: &Config) -> Result<HttpsClient, AppError> {
    let names = start::names(&config.sip)?;
    let tls = TlsContext::open(config.https_client.tls_files()).map_err(AppError::HttpsClient)?;
    Ok(HttpsClient::new(names, tls, config.https_client.reach()))
}

/// Delivers what webhooks are to be told. The task ends when it is said that calls are over and all of them are told.
pub(super) fn start_webhooks(
    config: &Config,
    client: HttpsClient,
    sealed: &Arc<SealedDocuments>,
    records: &Records,
    breakers: &Breakers,
    tasks: &Supervisor,
    calls_over: watch::Receiver<bool>,
) -> (Webhooks, JoinHandle<()>) {
    let webhooks = Webhooks::new(WebhookParts {
        store: WebhookStore::new(Arc::clone(sealed)),
        client,
        breakers: breakers.clone(),
        metrics: records.metrics.clone(),
        config: config.webhooks.clone(),
    });
    let (carried, swept, told, events) = (webhooks.clone(), webhooks.clone(), webhooks.clone(), records.events.clone());
    tasks.keep("webhook_deliveries", move || carried.clone().run());
    let over = calls_over.clone();
    let told = tasks.keep_to_its_end("webhook_events", calls_over, move || told.clone().follow(events.subscribe(), over.clone()));
    tasks.keep("webhook_upkeep", move || swept.clone().upkeep());
    (webhooks, told)
}

/// The way to a collector such as Homer, where there is one.
pub(super) fn start_collector(config: &Config, metrics: &Metrics) -> Option<HepSender> {
    let (collector, task) = HepSender::new(&config.hep, metrics.clone())?;
    tokio::spawn(task.run());
    Some(collector)
}

/// What sees the messages of SIP, and what writes what it has kept.
pub(super) fn sip_tap(config: &Config, book: &LadderBook, store: &Ladders, records: &Records) -> (Tap, LadderKeeper) {
    let (keeper, finished) = LadderKeeper::new(book.clone(), store.clone(), records.metrics.clone());
    let tap = Tap::default();
    let tap = if config.sip.ladder.enabled { tap.with_ladders(book.clone(), finished, records.metrics.clone()) } else { tap };
    match &records.collector {
        Some(collector) => (tap.with_collector(collector.clone()), keeper),
        None => (tap, keeper),
    }
}

/// Starts the agent that needs nobody.
pub(super) async fn start_simulator(config: &Config) -> Result<(), AppError> {
    let Some(address) = config.simulator.listen else { return Ok(()) };
    let listener = super::listen("the simulator", address).await?;
    let simulator = config.simulator.simulator()?;
    // It lives as long as the process; calls end before that.
    tokio::spawn(simulator::serve(listener, simulator, std::future::pending()));
    Ok(())
}

const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
const RECOVER_EVERY: Duration = Duration::from_secs(30);
