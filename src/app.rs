//! Wiring: which part runs where, and in which order they start and stop.
//!
//! Start: limits, store and audit, the built-in agent, media threads, sockets; then the first call can come. Stop: no
//! new calls, the running ones, and what they leave behind; then the threads.

mod background;
mod interrupted;
mod launching;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::transport::webrtc::DtlsError;
use sip::endpoint::{Endpoint, EndpointConfig};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;

use crate::agent::bots::BotAccounts;
use crate::agent::client::EndpointError;
use crate::agent::simulator::ScriptError;
use crate::api::{AppState, Certificates, InMemory, Limits, Parts, Proxies, ServeError, Server};
use crate::audit::{AuditError, AuditLog};
use crate::call::callers::Callers;
use crate::call::launch::Launcher;
use crate::call::records::Records;
use crate::call::registry::{CallRegistry, OutboundRequest};
use crate::call::thread;
use crate::call::tools::toolset::ToolsetError;
use crate::config::Config;
use crate::domain::audit_event::AuditEvent;
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::identity::bootstrap::FirstPassword;
use crate::identity::mail::{self, MailError, MailQueue};
use crate::identity::{AdminSecret, Identity, IdentityError, SecretError};
use crate::net::port_range::PortError;
use crate::net::tls::TlsError;
use crate::phone::WavError;
use crate::shutdown::{StopSignals, drain};
use crate::signalling::gateway::{Gateway, GatewayConfig};
use crate::signalling::ladder::{LadderBook, Tap};
use crate::signalling::sip::SipShell;
use crate::signalling::start::{self, Switched};
use crate::signalling::switchboard::{SwitchboardError, SwitchboardOutlet};
use crate::signalling::targets::look_up;
use crate::signalling::toll::LedgerPort;
use crate::store::calls::CallRecords;
use crate::store::config::Backend;
use crate::store::ladders::Ladders;
use crate::store::mongo::{MongoDocuments, MongoSettings, MongoSettingsError};
use crate::store::organisations::Organisations;
use crate::store::patients::Patients;
use crate::store::recorder::Recorder;
use crate::store::sealed::SealedDocuments;
use crate::store::sqlite::SqliteDocuments;
use crate::store::telephony::Telephony;
use crate::store::timed::TimedDocuments;
use crate::store::{COLLECTIONS, Documents, StoreError, backup, migrations};
use crate::supervision::{Breakers, Supervisor};
use crate::telemetry::hep::HepSender;
use crate::telemetry::metrics::Metrics;

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A signal handler or a thread cannot be had.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
    /// A port cannot be had.
    #[error("{what} cannot listen on {address}: {source}")]
    Bind {
        /// What for.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A port, a certificate or the name servers of SIP.
    #[error(transparent)]
    Sip(#[from] start::StartError),
    /// No RTP ports.
    #[error(transparent)]
    Ports(#[from] PortError),
    /// No media threads.
    #[error(transparent)]
    Threads(#[from] thread::StartError),
    /// No certificate for calls of web pages.
    #[error(transparent)]
    Dtls(#[from] DtlsError),
    /// No store.
    #[error("the store in {path} cannot be opened: {source}")]
    Store {
        /// Where.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// No audit log.
    #[error("the audit log in {path} cannot be opened: {source}")]
    Audit {
        /// Where.
        path: PathBuf,
        /// Why.
        source: AuditError,
    },
    /// A trunk's password, or the trunks and numbers of the store.
    #[error("trunks and numbers: {0}")]
    Telephony(#[from] SwitchboardError),
    /// MongoDB is to be used and its settings do not do.
    #[error(transparent)]
    Mongo(#[from] MongoSettingsError),
    /// Nobody can sign in.
    #[error("identity cannot be started: {0}")]
    Identity(#[from] IdentityError),
    /// No e-mail can leave.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// No admin secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// No TLS.
    #[error("TLS cannot be served: {0}")]
    Tls(#[from] ServeError),
    /// The authorities that servers are trusted by.
    #[error("https_client.authorities: {0}")]
    HttpsClient(#[source] TlsError),
    /// The built-in agent's script.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// What callers are to hear who wait for an agent.
    #[error("calls.waiting_phrase: {0}")]
    WaitingPhrase(#[from] WavError),
    /// An agent's tools cannot be used as configured.
    #[error("agent {name}: {source}")]
    Tools {
        /// Its name.
        name: String,
        /// Why.
        source: ToolsetError,
    },
    /// An agent cannot be reached as configured.
    #[error("agent {name}: {source}")]
    Agent {
        /// Its name.
        name: String,
        /// Why.
        source: EndpointError,
    },
}

/// A gateway that takes calls.
#[derive(Debug)]
pub struct Started {
    /// Where SIP is spoken.
    pub sip: SocketAddr,
    /// Where REST is.
    pub rest: SocketAddr,
    /// The admin secret, when it was made just now; it is kept only as a hash.
    pub fresh_secret: Option<Redacted<String>>,
    /// The first administrator, when made just now; the password opens the way to another.
    pub first_admin: Option<FirstPassword>,
}

/// Runs the gateway until a signal ends it. To be called on the control runtime.
///
/// # Errors
/// When something that it needs cannot be had: a port, a directory, a thread.
pub async fn run(config: Config, started: impl FnOnce(&Started)) -> Result<(), AppError> {
    let began = Instant::now();
    let mut signals = StopSignals::listen()?;
    background::raise_limits(&config);
    let (stop, stopped) = watch::channel(false);
    let (calls_over, over) = watch::channel(false);
    let (tasks, breakers) = (Supervisor::new(stopped.clone()), Breakers::default());
    let metrics = Metrics::new();
    let sealed = open_store(&config, &metrics).await?;
    let audit = open_audit(&config)?;
    let (identity, first_admin) = open_identity(&config, Arc::clone(&sealed), &audit).await?;
    let kept = identity.clone();
    tasks.keep("session_upkeep", move || kept.clone().upkeep());
    let collector = background::start_collector(&config, &metrics);
    let (call_records, records) = open_records(&sealed, audit, metrics, collector, &tasks);
    background::start_simulator(&config).await?;
    let (media, browsers) = launching::start_threads(&config, &records.metrics)?;
    let (registry, outbound) = CallRegistry::new(config.calls.max_concurrent as usize);
    let (https, supply) = launching::agents(&config, &breakers)?;
    let (webhooks, told) = background::start_webhooks(&config, https, &sealed, &records, &breakers, &tasks, over);
    interrupted::end(&config, &call_records, &Patients::new(Arc::clone(&sealed)), &webhooks).await?;
    let launcher = launching::launcher(&config, Arc::clone(&media), browsers, registry.clone(), records.clone(), &supply, &breakers)?;
    let whip = launching::start_whip(&config, &launcher);
    let (running_ladders, ladders) = (LadderBook::new(config.sip.ladder), Ladders::new(Arc::clone(&sealed)));
    let (tap, keeper) = background::sip_tap(&config, &running_ladders, &ladders, &records);
    let telephony = Telephony::new(Arc::clone(&sealed));
    let (switchboard, switched) = start::switchboard(config.directory(), supply, telephony, &tasks, &records.metrics).await?;
    let sip = start_sip(&config, launcher, outbound, switched, tap, stopped.clone())?;
    let sip = tokio::spawn(async move { tokio::join!(sip, keeper.run()) });
    let (secret, fresh) = AdminSecret::open(&config.store.path, config.http.admin_secret.as_ref())?;
    let gateway = launching::view(&config, began, Arc::clone(&media));
    let (named_requests, dial_ins) = background::keep_store_swept(&config, &sealed, &tasks);
    let state = AppState::from(Parts {
        registry: registry.clone(),
        records: call_records,
        running_ladders,
        ladders,
        patients: Patients::new(Arc::clone(&sealed)),
        organisations: Organisations::new(Arc::clone(&sealed)),
        switchboard,
        whip,
        audit: records.audit.clone(),
        identity: identity.with_admin_secret(secret),
        metrics: records.metrics.clone(),
        events: records.events.clone(),
        limits: Limits::new(Arc::new(InMemory::default()), config.http.api_requests_per_minute),
        proxies: Proxies::new(&config.http.trusted_proxies, config.http.forwarded_header),
        dial_ins,
        bots: BotAccounts::of(&config.agents),
        named_requests,
        webhooks,
        origins: config.http.cors_origins.clone(),
        tasks: tasks.clone(),
        breakers,
        gateway,
        stopped: stopped.clone(),
    });
    let api = start_api(&config, state, stopped).await?;
    started(&Started { sip: config.sip.listen, rest: config.http.listen, fresh_secret: fresh, first_admin });

    signals.next().await;
    tracing::info!("gateway_stopping");
    registry.close();
    drain(&registry, &mut signals, DRAIN).await;
    // Nobody listens any more only when everybody has ended already.
    let _ = stop.send(true);
    media.stop(Instant::now() + FAREWELL).await;
    let _ = tokio::time::timeout(FAREWELL, async { tokio::join!(sip, api) }).await;
    // What happened last is told, too: it stands in the store before there is none.
    let _ = calls_over.send(true);
    let _ = tokio::time::timeout(FAREWELL, told).await;
    Ok(())
}

/// Everything that is put down of calls, over an open store and an open audit log.
fn open_records(
    sealed: &Arc<SealedDocuments>,
    audit: AuditLog,
    metrics: Metrics,
    collector: Option<HepSender>,
    tasks: &Supervisor,
) -> (CallRecords, Records) {
    let calls = CallRecords::new(Arc::clone(sealed) as Arc<dyn Documents>);
    let counted = metrics.clone();
    tasks.keep("metrics_upkeep", move || counted.clone().upkeep());
    let (recorder, task) = Recorder::new(calls.clone(), metrics.clone());
    tokio::spawn(task.run());
    let (events, _) = broadcast::channel(EVENT_QUEUE);
    let callers = Some(Callers::new(Arc::clone(sealed)));
    (calls, Records { recorder, audit, events, metrics, control: Handle::current(), callers, collector })
}

/// Opens the audit log.
///
/// # Errors
/// When it cannot be opened, was changed, or another process has it.
pub fn open_audit(config: &Config) -> Result<AuditLog, AppError> {
    let path = config.audit_path();
    AuditLog::open(&path).map_err(|source| AppError::Audit { path, source })
}

/// Opens the database as it is, sealed fields and all.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_documents(config: &Config) -> Result<Arc<dyn Documents>, AppError> {
    let refused = |source| AppError::Store { path: config.store.path.clone(), source };
    match config.store.backend {
        Backend::Sqlite => Ok(SqliteDocuments::open(&config.store.path, COLLECTIONS).map_err(refused)?),
        Backend::Mongo => {
            let settings = MongoSettings::from_environment(|name| std::env::var(name).ok())?;
            Ok(MongoDocuments::open(settings, COLLECTIONS).await.map_err(refused)?)
        }
    }
}

/// Opens the store, whose times `metrics` keeps, and brings what an earlier release wrote to the form of this one.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_store(config: &Config, metrics: &Metrics) -> Result<Arc<SealedDocuments>, AppError> {
    let refused = |source| AppError::Store { path: config.store.path.clone(), source };
    let documents = TimedDocuments::new(open_documents(config).await?, metrics.clone());
    backup::ensure_whole(&*documents).await.map_err(refused)?;
    let master = config.store.master_keys().map_err(|source| refused(source.into()))?;
    let sealed = SealedDocuments::new(documents, master);
    let migrated = migrations::migrate(&sealed).await.map_err(refused)?;
    if migrated > 0 {
        tracing::info!(documents = migrated, "records_migrated");
    }
    Ok(sealed)
}

/// Says who somebody is; at the first start there is somebody.
///
/// # Errors
/// When the store fails, or a thread or file cannot be had.
pub async fn open_identity(
    config: &Config,
    sealed: Arc<SealedDocuments>,
    audit: &AuditLog,
) -> Result<(Identity, Option<FirstPassword>), AppError> {
    let (mail, carrier) = MailQueue::new(mail::mailer(&config.mail, &config.store.path)?);
    tokio::spawn(carrier);
    let now = chrono::Utc::now();
    let identity = Identity::start(config.identity.clone(), sealed, mail, now).await?;
    let first = identity.bootstrap(now).await?;
    if let Some(first) = &first {
        let entered = audit.append(&OrgId::default_org(), AuditEvent::first_administrator(&first.user)).await;
        entered.map_err(|source| AppError::Audit { path: config.audit_path(), source })?;
    }
    Ok((identity, first))
}

fn start_sip(
    config: &Config,
    launcher: Launcher,
    outbound: mpsc::Receiver<OutboundRequest>,
    Switched { outlet: SwitchboardOutlet { directory, questions }, ledger: LedgerPort { charges, settled }, accounts }: Switched,
    tap: Tap,
    stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, AppError> {
    let transports = start::transports(&config.sip, launcher.metrics().clone())?;
    let locator = start::locator(&config.sip)?;
    let stir = start::stir(&config.stir, &config.sip, &config.https_client)?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::from)?;
    let max_dialogs = config.calls.max_concurrent as usize * 2;
    let endpoint = Endpoint::new(EndpointConfig {
        user_agent: concat!("Auricle/", env!("CARGO_PKG_VERSION")).to_owned(),
        seed,
        max_dialogs,
        tcp: start::tcp_end(&config.sip),
        ..EndpointConfig::default()
    });
    let (to_sip, commands) = mpsc::channel(SIGNALLING_QUEUE);
    let (found, targets) = mpsc::channel(TARGETS_QUEUE);
    tokio::spawn(look_up(locator.clone(), directory.clone(), found));
    let gateway = Gateway::new(
        Instant::now(),
        GatewayConfig {
            launcher,
            directory: Arc::clone(&directory.borrow()),
            seed,
            flood: transports.flood_guard(),
            max_calls_per_second: config.sip.max_calls_per_second,
            tap,
            stir,
            to_sip,
            charges,
            accounts,
        },
    );
    let shell = SipShell { transports, endpoint, gateway, commands, outbound, locator, directory, targets, questions, settled };
    Ok(tokio::spawn(shell.run(stopped)))
}

async fn start_api(config: &Config, state: AppState, stopped: watch::Receiver<bool>) -> Result<JoinHandle<()>, AppError> {
    let listener = listen("the REST API", config.http.listen).await?;
    let tasks = state.tasks.clone();
    let mut server = Server::new(listener, state);
    if let (Some(certificate), Some(key)) = (&config.http.certificate, &config.http.private_key) {
        let certificates = Certificates::read(certificate, key)?;
        server = server.with_tls(Arc::clone(&certificates))?;
        tasks.keep("tls_certificate", move || Arc::clone(&certificates).keep_fresh());
    }
    Ok(tokio::spawn(server.run(stopped)))
}

async fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Bind { what, address, source })
}

/// How long running calls may go on once the gateway is asked to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// How long media threads may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Events that a slow watcher may lag behind.
const EVENT_QUEUE: usize = 1_024;

/// Addresses of trunks that may wait for signalling.
const TARGETS_QUEUE: usize = 16;

/// Words of calls that may wait for signalling.
const SIGNALLING_QUEUE: usize = 4_096;
