//! How everything stands: for whoever runs the gateway.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use schemars::JsonSchema;
use serde::Serialize;

use super::health::PATIENCE;
use crate::api::contract::Output;
use crate::api::state::AppState;
use crate::call::thread::ThreadStatus;
use crate::signalling::gateway::Standings;
use crate::signalling::trunks::TrunkStatus;
use crate::supervision::{BreakerState, BreakerStatus, TaskState, TaskStatus};
use crate::webhooks::WebhooksStatus;

/// Every part, and how it fares.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status {
    status: Standing,
    version: &'static str,
    environment: &'static str,
    uptime_s: u64,
    calls: Calls,
    requests: Requests,
    store: Store,
    audit: Standing,
    /// Trunks that are in use; null where whoever speaks SIP does not answer.
    trunks: Option<Trunks>,
    media_threads: Vec<Thread>,
    background_tasks: Vec<Task>,
    breakers: Vec<BreakerView>,
    webhooks: Deliveries,
}

/// What is on its way to webhooks.
#[derive(Debug, Serialize, JsonSchema)]
struct Deliveries {
    waiting: usize,
    in_flight: usize,
    /// For how long the oldest has waited; null when none does.
    oldest_s: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Ok,
    Degraded,
    Stopping,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Calls {
    active: usize,
    capacity: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Requests {
    active: usize,
    capacity: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Store {
    status: Standing,
    /// How long it took to answer; null when it did not.
    latency_ms: Option<u64>,
    /// Operations under way, those that wait for a connection among them.
    under_way: usize,
}

/// Trunks by how they stand; `/metrics` and `/v1/trunks/{id}/status` tell which.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Trunks {
    in_use: usize,
    /// Whose target does not answer.
    down: usize,
    /// With which we want to be registered and are not.
    unregistered: usize,
    inbound_calls: u32,
    outbound_calls: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Thread {
    name: String,
    calls: usize,
    /// Those of its calls, and few of its own.
    tasks: usize,
    panicked_calls: u64,
}

impl From<ThreadStatus> for Thread {
    fn from(ThreadStatus { name, running, tasks, panicked, .. }: ThreadStatus) -> Self {
        Self { name, calls: running, tasks, panicked_calls: panicked }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Task {
    name: &'static str,
    state: &'static str,
    restarts: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct BreakerView {
    name: String,
    state: &'static str,
    failures: u32,
}

/// `GET /status`.
pub(super) async fn status(State(state): State<AppState>) -> Json<Status> {
    let asked = Instant::now();
    let answered = tokio::time::timeout(PATIENCE, state.records.probe()).await;
    let latency = matches!(answered, Ok(Ok(()))).then(|| u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX));
    let ok_if = |ok: bool| if ok { Standing::Ok } else { Standing::Degraded };
    let tasks: Vec<_> = state.tasks.status().into_iter().map(Task::from).collect();
    let (store, audit) = (ok_if(latency.is_some()), ok_if(state.audit.is_writing()));
    let waiting = tasks.iter().any(|task| task.state == "waiting");
    let overall = match state.registry.is_closed() {
        true => Standing::Stopping,
        false => ok_if(store == Standing::Ok && audit == Standing::Ok && !waiting),
    };
    let threads = (state.gateway.threads)().into_iter();
    let trunks = state.switchboard.standings().await.map(|standings| Trunks::of(&standings));
    Json(Status {
        status: overall,
        version: env!("CARGO_PKG_VERSION"),
        environment: state.gateway.environment,
        uptime_s: state.gateway.started.elapsed().as_secs(),
        calls: Calls { active: state.registry.len(), capacity: state.registry.capacity() },
        requests: Requests { active: state.places.taken(), capacity: state.places.capacity() },
        store: Store { status: store, latency_ms: latency, under_way: state.records.under_way() },
        audit,
        trunks,
        media_threads: threads.map(Thread::from).collect(),
        background_tasks: tasks,
        breakers: state.breakers.status(Instant::now()).into_iter().map(BreakerView::from).collect(),
        webhooks: state.webhooks.status().into(),
    })
}

impl Trunks {
    fn of(standings: &Standings) -> Self {
        let mut trunks = Self::default();
        for standing in standings.trunks.values() {
            let status = standing.status.as_ref();
            trunks.in_use += 1;
            trunks.down += usize::from(status.is_some_and(|status| !status.is_up()));
            trunks.unregistered += usize::from(status.and_then(TrunkStatus::is_registered) == Some(false));
            trunks.inbound_calls += standing.inbound;
            trunks.outbound_calls += standing.outbound;
        }
        trunks
    }
}

impl From<WebhooksStatus> for Deliveries {
    fn from(WebhooksStatus { waiting, in_flight, oldest }: WebhooksStatus) -> Self {
        Self { waiting, in_flight, oldest_s: oldest.map(|oldest| (Utc::now() - oldest).num_seconds().max(0)) }
    }
}

impl From<TaskStatus> for Task {
    fn from(task: TaskStatus) -> Self {
        let state = match task.state {
            TaskState::Running => "running",
            TaskState::Waiting => "waiting",
            TaskState::Stopped => "stopped",
        };
        Self { name: task.name, state, restarts: task.restarts }
    }
}

impl From<BreakerStatus> for BreakerView {
    fn from(breaker: BreakerStatus) -> Self {
        let state = match breaker.state {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
        };
        Self { name: breaker.name, state, failures: breaker.failures }
    }
}

impl Output for Status {
    fn example() -> Self {
        Self {
            status: Standing::Ok,
            version: env!("CARGO_PKG_VERSION"),
            environment: "production",
            uptime_s: 86_400,
            calls: Calls { active: 12, capacity: 1_000 },
            requests: Requests { active: 1, capacity: 256 },
            store: Store { status: Standing::Ok, latency_ms: Some(1), under_way: 0 },
            audit: Standing::Ok,
            trunks: Some(Trunks { in_use: 3, down: 0, unregistered: 0, inbound_calls: 10, outbound_calls: 2 }),
            media_threads: vec![Thread { name: "media-0".to_owned(), calls: 12, tasks: 40, panicked_calls: 0 }],
            background_tasks: vec![Task { name: "metrics_upkeep", state: "running", restarts: 0 }],
            breakers: Vec::new(),
            webhooks: Deliveries { waiting: 1, in_flight: 1, oldest_s: Some(0) },
        }
    }
}
