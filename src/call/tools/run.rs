//! Running a tool of the operator's: an HTTPS request, signed, on a control thread.
//!
//! The request is a POST of JSON. `Auricle-Signature` proves who sent it and when, as with webhooks; `Auricle-Tool-Call` is the same at every
//! attempt, so that whoever runs it twice can tell. Where it may go is decided by the same rules as for webhooks: a name is looked up once, all its
//! addresses have to be permitted, and no redirect is followed. Bounded: attempts, time, the length of an answer, and how many run in the whole gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, http};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::toolset::Own;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::net::https::{HttpsClient, RequestError, RequestLimits};
use crate::supervision::Breakers;
use crate::webhooks::{SIGNATURE, signature};

/// A tool to run.
#[derive(Clone, Debug)]
pub struct ToolRun {
    /// The agent's name for it.
    pub(super) id: String,
    pub(super) tool: Arc<Own>,
    /// A JSON object that keeps the tool's rules.
    pub(super) arguments: Redacted<String>,
    pub(super) call: CallId,
    pub(super) org: OrgId,
    pub(super) agent: String,
}

impl ToolRun {
    /// Which of the agent's tools it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.tool.settings.name
    }

    /// The agent's name for it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the tool is given: a JSON object.
    #[must_use]
    pub const fn arguments(&self) -> &Redacted<String> {
        &self.arguments
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct ToolReport {
    /// The agent's name for it.
    pub id: String,
    /// What it answered.
    pub answer: Result<Redacted<String>, ToolFault>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolFault {
    /// A stable word.
    pub reason: &'static str,
    /// What the tool itself said that is wrong, for the agent.
    pub said: Option<Redacted<String>>,
}

/// Runs tools; clones share its bounds.
#[derive(Clone, Debug)]
pub struct ToolRunner {
    client: HttpsClient,
    breakers: Breakers,
    places: Arc<Semaphore>,
}

/// What a tool is told.
#[derive(Serialize)]
struct Told<'a> {
    tool: &'a str,
    arguments: &'a RawValue,
    tool_call_id: &'a str,
    call_id: &'a CallId,
    org_id: &'a OrgId,
    agent: &'a str,
}

impl ToolRunner {
    /// Runs tools by `client`; a tool that fails again and again is left alone for a while.
    #[must_use]
    pub fn new(client: HttpsClient, breakers: Breakers) -> Self {
        Self { client, breakers, places: Arc::new(Semaphore::new(MAX_RUNNING)) }
    }

    /// Runs one to its end.
    pub async fn run(&self, run: &ToolRun) -> Result<Redacted<String>, ToolFault> {
        let Ok(_place) = self.places.try_acquire() else { return Err(fault("gateway_busy")) };
        let Own { settings, .. } = &*run.tool;
        let name = format!("tool {}/{}/{}", run.org, run.agent, settings.name);
        if !self.breakers.allows(&name, Instant::now()) {
            return Err(fault("tool_resting"));
        }
        let outcome = tokio::time::timeout(settings.timeout(), self.attempts(run)).await.unwrap_or_else(|_| Err(fault("timed_out")));
        // Who answers that the question was wrong is well. Of a tool that nobody waits for to its end nothing is known: nothing is reported.
        let is_well = outcome.as_ref().map_or_else(|fault| fault.said.is_some(), |_| true);
        self.breakers.report(&name, is_well, Instant::now());
        outcome
    }

    async fn attempts(&self, run: &ToolRun) -> Result<Redacted<String>, ToolFault> {
        let mut attempt = 1;
        loop {
            match self.attempt(run).await {
                Err((_, true)) if attempt < run.tool.settings.attempts => {
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                outcome => return outcome.map_err(|(fault, _)| fault),
            }
        }
    }

    /// One attempt; where it fails, whether another may do better.
    async fn attempt(&self, run: &ToolRun) -> Result<Redacted<String>, (ToolFault, bool)> {
        let Own { settings, url, .. } = &*run.tool;
        let body = body(run).ok_or((fault("request_invalid"), false))?;
        let headers = headers(run, &body).map_err(|_| (fault("request_invalid"), false))?;
        let total = settings.timeout();
        let limits = RequestLimits { total, connect: total.min(CONNECT), max_answer_len: settings.max_answer_bytes };
        let answer = self.client.request(Method::POST, url, headers, body, limits).await.map_err(|error| {
            let again =
                matches!(error, RequestError::Connect(_) | RequestError::TimedOut | RequestError::Http(_) | RequestError::NoAddress);
            (fault(error.reason()), again)
        })?;
        let text = std::str::from_utf8(&answer.body).map(|text| Redacted::new(text.to_owned()));
        match answer.status {
            status if status.is_success() => text.map_err(|_| (fault("not_text"), false)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err((fault("status"), true)),
            status if status.is_client_error() => Err((ToolFault { reason: "status", said: text.ok() }, false)),
            status => Err((fault("status"), status.is_server_error())),
        }
    }
}

fn body(run: &ToolRun) -> Option<Bytes> {
    let told = Told {
        tool: &run.tool.settings.name,
        arguments: serde_json::from_str(run.arguments.expose()).ok()?,
        tool_call_id: &run.id,
        call_id: &run.call,
        org_id: &run.org,
        agent: &run.agent,
    };
    serde_json::to_vec(&told).ok().map(Bytes::from)
}

fn headers(run: &ToolRun, body: &[u8]) -> Result<HeaderMap, http::header::InvalidHeaderValue> {
    let signed = signature(std::iter::once(run.tool.key.expose().as_str()), Utc::now().timestamp(), body);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static(SIGNATURE), signed.parse()?);
    headers.insert(HeaderName::from_static("auricle-tool"), run.tool.settings.name.parse()?);
    // The agent's name for it may hold what no header holds.
    headers.insert(HeaderName::from_static("auricle-tool-call"), format!("{}-{}", run.call, hex::encode(&run.id)).parse()?);
    Ok(headers)
}

const fn fault(reason: &'static str) -> ToolFault {
    ToolFault { reason, said: None }
}

/// In the whole gateway.
const MAX_RUNNING: usize = 256;
const CONNECT: Duration = Duration::from_secs(2);
/// Before the second attempt; longer before each that follows.
const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
