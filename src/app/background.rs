//! What stands before calls and goes on beside them and requests: room for their files, webhooks on their way, what is over being forgotten, the agent that is built in.

use std::sync::Arc;
use std::time::Duration;

use super::AppError;
use crate::agent::simulator;
use crate::call::records::Records;
use crate::config::Config;
use crate::net::https::HttpsClient;
use crate::net::limits::{OpenFiles, raise_open_files};
use crate::net::tls::TlsContext;
use crate::signalling::start;
use crate::store::dial_ins::DialIns;
use crate::store::named_requests::NamedRequests;
use crate::store::sealed::SealedDocuments;
use crate::store::webhooks::WebhookStore;
use crate::supervision::{Breakers, Supervisor};
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
pub(super) fn keep_store_swept(sealed: &Arc<SealedDocuments>, tasks: &Supervisor) -> (NamedRequests, DialIns) {
    let (names, announced) = (NamedRequests::new(Arc::clone(sealed)), DialIns::new(Arc::clone(sealed)));
    let swept = (names.clone(), announced.clone());
    tasks.keep("store_upkeep", move || sweep(swept.0.clone(), swept.1.clone()));
    (names, announced)
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

/// Delivers what webhooks are to be told.
pub(super) fn start_webhooks(
    config: &Config,
    client: HttpsClient,
    sealed: &Arc<SealedDocuments>,
    records: &Records,
    breakers: &Breakers,
    tasks: &Supervisor,
) -> Webhooks {
    let webhooks = Webhooks::new(WebhookParts {
        store: WebhookStore::new(Arc::clone(sealed)),
        client,
        breakers: breakers.clone(),
        metrics: records.metrics.clone(),
        config: config.webhooks.clone(),
    });
    let (carried, swept, told, events) = (webhooks.clone(), webhooks.clone(), webhooks.clone(), records.events.clone());
    tasks.keep("webhook_deliveries", move || carried.clone().run());
    tasks.keep("webhook_events", move || told.clone().follow(events.subscribe()));
    tasks.keep("webhook_upkeep", move || swept.clone().upkeep());
    webhooks
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
