//! A gateway without signalling: what the tests call, and what they look into.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::{Router, response::Response};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{broadcast, mpsc, watch};
use tower::ServiceExt;

use super::cast::Cast;
use super::counted::Counted;
use crate::agent::bots::BotAccounts;
use crate::agent::config::AgentConfig;
use crate::agent::kept::{AgentSecrets, KeptAgent};
use crate::api::config::ForwardedHeader;
use crate::api::{AppState, GatewayView, InMemory, Limits, Parts, Proxies, router};
use crate::audit::AuditLog;
use crate::call::command::CallCommand;
use crate::call::config::NumberConfig;
use crate::call::registry::{CallRegistry, OutboundRequest};
use crate::domain::call_record::{CallRecord, CallStatus, Direction, MediaStatistics, SessionStatus, Speaker, Utterance};
use crate::domain::ids::{CallId, OrgId, WebhookId};
use crate::domain::patient::{Patient, PatientInput};
use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;
use crate::domain::webhook::{WebhookEndpoint, WebhookEventType, WebhookStatus};
use crate::identity::bootstrap::FirstPassword;
use crate::identity::mail::{Mail, MailError, MailQueue, Mailer};
use crate::identity::{AdminSecret, Identity, IdentityConfig};
use crate::net::dns::Names;
use crate::net::https::{HttpsClient, Reach};
use crate::net::tls::{TlsContext, TlsFiles};
use crate::signalling::ladder::{LadderBook, LadderConfig};
use crate::signalling::switchboard::Switchboard;
use crate::signalling::toll::TollPolicy;
use crate::signalling::trunks::{DirectorySource, KeptNumber, KeptTrunk, TrunkConfig, TrunkSecrets};
use crate::store::calls::CallRecords;
use crate::store::dial_ins::DialIns;
use crate::store::ladders::Ladders;
use crate::store::named_requests::NamedRequests;
use crate::store::organisations::Organisations;
use crate::store::patients::Patients;
use crate::store::sealed::{MasterKeys, SealedDocuments};
use crate::store::sqlite::SqliteDocuments;
use crate::store::telephony::Telephony;
use crate::store::users::Users;
use crate::store::webhooks::WebhookStore;
use crate::store::{BoxFuture, COLLECTIONS, Documents, OrgScope};
use crate::supervision::{Breakers, Supervisor};
use crate::telemetry::metrics::Metrics;
use crate::webhooks::config::WebhooksConfig;
use crate::webhooks::{KEY_OVERLAP, WebhookParts, Webhooks, fresh_secret};

/// A bot's account, and its token.
pub(super) const BOT: &str = "AC0123456789abcdef0123456789abcdef";
pub(super) const BOT_TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// What starts bots in rooms, and where the rooms are.
pub(super) const ROOM_KEY: &str = "pk_room";
pub(super) const ROOMS: &str = "sip:rooms.example";

pub(super) const SECRET: &str = "8f1c0b7e6a5d4c3b2a190817f6e5d4c3";

pub(in crate::api) struct House {
    pub(super) router: Router,
    pub(in crate::api) state: AppState,
    pub(super) registry: CallRegistry,
    pub(super) records: CallRecords,
    pub(super) outbound: mpsc::Receiver<OutboundRequest>,
    pub(super) directory: TempDir,
    pub(super) stop: watch::Sender<bool>,
    sealed: Arc<SealedDocuments>,
    pub(super) cast: Cast,
    /// The e-mails that left.
    pub(super) sent: Arc<Sent>,
    /// The way in at the first start.
    pub(super) first: FirstPassword,
    /// What the store was asked.
    pub(super) counted: Arc<Counted>,
}

/// The web origin that may read answers.
pub(super) const ORIGIN: &str = "https://app.example.org";

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status and code of an error, whose form is checked on the way.
    pub(super) fn error(&self) -> (u16, String) {
        let body = self.json();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&body), ["success", "error", "request_id"]);
        assert_eq!(keys(&body["error"]), ["message", "code", "field", "context"]);
        assert_eq!(body["success"], false);
        assert_eq!(body["request_id"].as_str(), self.headers["x-request-id"].to_str().ok());
        (self.status.as_u16(), body["error"]["code"].as_str().unwrap().to_owned())
    }
}

impl House {
    pub(in crate::api) fn new() -> Self {
        Self::with_limit(100_000)
    }

    /// A house that takes so many requests a minute.
    pub(super) fn with_limit(per_minute: u32) -> Self {
        Self::built(per_minute, configured())
    }

    /// A house whose configuration has neither trunks nor numbers.
    pub(super) fn bare() -> Self {
        Self::built(100_000, DirectorySource::default())
    }

    fn built(per_minute: u32, configured: DirectorySource) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let secret = Redacted::new(SECRET.to_owned());
        let documents = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
        let counted = Counted::new(documents);
        let sealed = SealedDocuments::new(Arc::clone(&counted) as Arc<dyn Documents>, MasterKeys::new(&secret, &[]).unwrap());
        let (identity, sent, first) = open_identity(&sealed);
        let records = CallRecords::new(Arc::clone(&sealed) as Arc<dyn Documents>);
        let audit = AuditLog::open_with(&directory.path().join("audit"), 1).unwrap();
        let (registry, outbound) = CallRegistry::new(10);
        let (stop, stopped) = watch::channel(false);
        let gateway = GatewayView {
            started: Instant::now(),
            environment: "test",
            threads: Arc::new(Vec::new),
            check_config: Arc::new(|text| {
                let fault = || SettingFault::new("file", "(text)", "must be empty", "take everything out");
                if text.is_empty() { Vec::new() } else { vec![fault()] }
            }),
        };
        let state = AppState::from(Parts {
            registry: registry.clone(),
            records: records.clone(),
            running_ladders: LadderBook::new(LadderConfig::default()),
            ladders: Ladders::new(Arc::clone(&sealed)),
            patients: Patients::new(Arc::clone(&sealed)),
            switchboard: switchboard(configured, Telephony::new(Arc::clone(&sealed))),
            whip: None,
            organisations: Organisations::new(Arc::clone(&sealed)),
            audit,
            identity: identity.clone(),
            metrics: Metrics::new(),
            events: broadcast::channel(64).0,
            limits: Limits::new(Arc::new(InMemory::default()), per_minute),
            proxies: Proxies::new(&["198.51.100.0/24".parse().unwrap()], ForwardedHeader::XForwardedFor),
            webhooks: webhooks(&sealed),
            dial_ins: DialIns::new(Arc::clone(&sealed)),
            bots: BotAccounts::default().and_account("bot", (BOT, BOT_TOKEN), &["+4930901820"]).and_room("cloud", ROOM_KEY, ROOMS),
            named_requests: NamedRequests::new(Arc::clone(&sealed)),
            origins: vec![ORIGIN.to_owned()],
            tasks: Supervisor::new(stopped.clone()),
            breakers: Breakers::default(),
            gateway,
            stopped,
        });
        let cast = Cast::new(identity, Users::new(Arc::clone(&sealed)), Organisations::new(Arc::clone(&sealed)));
        Self { router: router(state.clone()), state, registry, records, outbound, directory, stop, sealed, cast, sent, first, counted }
    }

    /// A trunk of `org` in the store.
    pub(super) async fn trunk(&self, org: &OrgId, name: &str) -> KeptTrunk {
        let (now, settings) = (Utc::now(), TrunkConfig { org: org.clone(), ..TrunkConfig::default() });
        let (id, name, org_id) = (KeptTrunk::id_of(org, name), name.to_owned(), org.clone());
        let trunk = KeptTrunk { id, org_id, name, settings, secrets: TrunkSecrets::default(), created_at: now, updated_at: now };
        self.state.switchboard.add_trunk(&trunk).await.unwrap();
        trunk
    }

    /// A number of `org` in the store.
    pub(super) async fn number(&self, org: &OrgId, number: &str) -> KeptNumber {
        let settings = NumberConfig { org: org.clone(), agent: "reception".to_owned(), ..NumberConfig::default() };
        let (now, id) = (Utc::now(), KeptNumber::id_of(org, number));
        let number = KeptNumber { id, org_id: org.clone(), number: number.to_owned(), settings, created_at: now, updated_at: now };
        self.state.switchboard.add_number(&number).await.unwrap();
        number
    }

    /// An agent of `org` in the store.
    pub(super) async fn agent(&self, org: &OrgId, name: &str) -> KeptAgent {
        let settings = AgentConfig::at("wss://agent.example.org/");
        let secrets = AgentSecrets { api_key: Some(Redacted::new("planted-key".to_owned())), ..AgentSecrets::default() };
        let agent = KeptAgent::new(org.clone(), name.to_owned(), settings, secrets, Utc::now());
        self.state.switchboard.add_agent(&agent).await.unwrap();
        agent
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    pub(super) async fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, body: &str) -> Answer {
        post(&self.router, body).await
    }

    pub(super) async fn post_to(&self, path: &str, body: &str) -> Answer {
        let request = request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Every audit entry, oldest first.
    pub(super) fn audited(&self) -> Vec<Value> {
        let mut paths: Vec<_> =
            std::fs::read_dir(self.directory.path().join("audit")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        let text: String = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"].clone()).collect()
    }

    /// Action, outcome and reason of every audit entry.
    pub(super) fn deeds(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        self.audited().iter().map(|entry| [&entry["action"], &entry["outcome"], &entry["reason"]].map(text).join(" ")).collect()
    }

    /// Makes the audit log's disk fail: something stands where its next segment should be.
    pub(super) fn break_audit(&self) {
        let taken = self.directory.path().join("audit");
        for number in 1..100 {
            let path = taken.join(format!("audit-{number:08}.jsonl"));
            if !path.exists() {
                std::fs::create_dir(path).unwrap();
            }
        }
    }

    /// The switchboard of a gateway that starts anew over the same store.
    pub(super) fn another_switchboard(&self) -> Switchboard {
        switchboard(configured(), Telephony::new(Arc::clone(&self.sealed)))
    }

    /// A call in the table; what it is told comes out of the receiver.
    pub(super) fn running(&self, id: &CallId, org: &OrgId) -> mpsc::Receiver<CallCommand> {
        let (commands, inbox) = mpsc::channel(4);
        let entry = self.registry.enter(id.clone(), org.clone(), commands).unwrap();
        // It runs for as long as the test does.
        std::mem::forget(entry);
        inbox
    }

    /// A patient of `org`, removed or not.
    pub(super) async fn patient(&self, org: &OrgId, removed: bool) -> Patient {
        let input = PatientInput { name: Redacted::new("Ana Planted".to_owned()), ..PatientInput::default() };
        let details = input.check(None, Utc::now().date_naive()).unwrap();
        let mut patient = Patient::new(org.clone(), details, Utc::now());
        patient.deleted_at = removed.then(Utc::now);
        self.state.patients.insert(&OrgScope::new(org.clone()), &patient).await.unwrap();
        patient
    }

    /// The names of requests, as another process on the same store has them.
    pub(super) fn another_process(&self) -> NamedRequests {
        NamedRequests::new(Arc::clone(&self.sealed))
    }

    /// A webhook of `org` that is told of every call that ends.
    pub(super) async fn webhook(&self, org: &OrgId) -> WebhookEndpoint {
        let now = Utc::now();
        let mut endpoint = WebhookEndpoint {
            id: WebhookId::random(),
            org_id: org.clone(),
            url: Redacted::new("https://hooks.example.org/Planted".to_owned()),
            description: None,
            event_types: vec![WebhookEventType::CallEnded],
            status: WebhookStatus::Enabled,
            secrets: Vec::new(),
            failing_since: None,
            created_at: now,
            updated_at: now,
        };
        endpoint.rotate(fresh_secret(), now, KEY_OVERLAP);
        self.state.webhooks.store().insert(&OrgScope::new(org.clone()), &endpoint).await.unwrap();
        endpoint
    }

    /// The same as [`Self::ask`], as somebody else and with a body.
    pub(super) async fn ask_as(&self, bearer: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let mut request = request(method, path);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let mut request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        request.headers_mut().remove(header::AUTHORIZATION);
        if let Some(bearer) = bearer {
            let bearer = self.cast.bearer(bearer).await;
            request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {bearer}").parse().unwrap());
        }
        self.send(request).await
    }

    pub(super) async fn recorded(&self, org: &OrgId, status: SessionStatus, started_at: DateTime<Utc>) -> CallRecord {
        let record = record(org, status, started_at);
        self.records.put(&OrgScope::new(org.clone()), [&record]).await.unwrap();
        record
    }
}

/// The trunk `configured`, the number `+4930901820`, and rules for `org_tolled`.
fn configured() -> DirectorySource {
    let number = NumberConfig { agent: "reception".to_owned(), ..NumberConfig::default() };
    let login = (Some("configured".to_owned()), Some("PLANTED".to_owned()));
    let trunk = TrunkConfig { login: login.0, login_password_env: login.1, ..TrunkConfig::default() };
    DirectorySource {
        trunks: BTreeMap::from([("configured".to_owned(), trunk)]),
        numbers: BTreeMap::from([("+4930901820".to_owned(), number)]),
        tenants: BTreeMap::from([("org_tolled".to_owned(), TollPolicy::default())]),
        ..DirectorySource::default()
    }
}

/// Nobody speaks SIP behind it: what is asked of trunks finds nobody.
fn switchboard(configured: DirectorySource, telephony: Telephony) -> Switchboard {
    let agents = vec!["reception".to_owned()];
    Switchboard::new(configured, agents, telephony, Box::new(|_| Some("planted-password".to_owned()))).unwrap().0
}

/// Keeps e-mails.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Vec<Mail>>);

impl Mailer for Sent {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        self.0.lock().unwrap().push(mail.clone());
        Box::pin(async { Ok(()) })
    }
}

impl Sent {
    /// What was sent to an address and not looked at yet; waits for it a little.
    pub(super) async fn to(&self, email: &str) -> String {
        for _ in 0..30_000 {
            if let Some(text) = self.take(email) {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("no e-mail came");
    }

    fn take(&self, email: &str) -> Option<String> {
        let mut sent = self.0.lock().unwrap();
        let at = sent.iter().position(|mail| mail.to.expose().as_str() == email)?;
        Some(sent.remove(at).text.into_inner())
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Identity with cheap hashes. Opened on a thread of its own, so that a house can be had without waiting.
fn open_identity(sealed: &Arc<SealedDocuments>) -> (Identity, Arc<Sent>, FirstPassword) {
    let config = IdentityConfig { password_memory_kib: 64, password_passes: 1, ..IdentityConfig::default() };
    let sent = Arc::new(Sent::default());
    let (mail, carrier) = MailQueue::new(sent.clone());
    tokio::spawn(carrier);
    let sealed = Arc::clone(sealed);
    let opening = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let identity = Identity::start(config, sealed, mail, Utc::now()).await.unwrap();
            let first = identity.bootstrap(Utc::now()).await.unwrap().unwrap();
            (identity.with_admin_secret(AdminSecret::of(SECRET)), first)
        })
    });
    let (identity, first) = opening.join().unwrap();
    (identity, sent, first)
}

pub(super) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response: Response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.unwrap()).into_owned();
    Answer { status: parts.status, headers: parts.headers, text }
}

/// Asks for a call with this body.
pub(super) async fn post(router: &Router, body: &str) -> Answer {
    let request = request("POST", "/v1/calls").header(header::CONTENT_TYPE, "application/json");
    send(router, request.body(Body::from(body.to_owned())).unwrap()).await
}

/// A request with the right secret, from a client with an address.
pub(super) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    let client: SocketAddr = "203.0.113.77:4711".parse().unwrap();
    let bearer = format!("Bearer {SECRET}");
    Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer).extension(ConnectInfo(client))
}

/// Webhooks whose name server is silent, and that reach this machine alone.
fn webhooks(sealed: &Arc<SealedDocuments>) -> Webhooks {
    let names = Names::new(&["127.0.0.1:9".parse().unwrap()], Duration::from_secs(1)).unwrap();
    let reach = Reach { allowed: vec!["127.0.0.0/8".parse().unwrap()], ports: vec![443], plain: false };
    Webhooks::new(WebhookParts {
        store: WebhookStore::new(Arc::clone(sealed)),
        client: HttpsClient::new(names, TlsContext::open(TlsFiles::default()).unwrap(), reach),
        breakers: Breakers::default(),
        metrics: Metrics::new(),
        config: WebhooksConfig::default(),
    })
}

fn record(org: &OrgId, session_status: SessionStatus, started_at: DateTime<Utc>) -> CallRecord {
    let word = Utterance {
        at_ms: 900,
        speaker: Speaker::Caller,
        text: Redacted::new("aspirin".to_owned()),
        heard_ms: None,
        interrupted: false,
        began_ms: None,
        ended_ms: None,
        heard: None,
    };
    CallRecord {
        id: CallId::random(),
        org_id: org.clone(),
        patient_id: None,
        dial_in_call_id: None,
        direction: Direction::Inbound,
        from: Redacted::new("+15550100".to_owned()),
        to: Redacted::new("1000".to_owned()),
        caller_verification: None,
        arrival: None,
        agent: "desk".to_owned(),
        agent_version: None,
        session_status,
        call_status: CallStatus::InProgress,
        started_at,
        answered_at: None,
        ended_at: None,
        termination: None,
        timeline: Vec::new(),
        media: MediaStatistics::default(),
        transcript: vec![word],
    }
}
