//! `GET /v1/calls/{id}/ladder`: the signalling of a call, while it runs and afterwards, as JSON, as text or as a capture.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{call_id, of_call};
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::contract::{Input, Member, Object, Output, Shape};
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::CallId;
use crate::domain::ladder::{Ladder, LadderMessage, LadderTransport, Way};
use crate::domain::redacted::Redacted;
use crate::signalling::ladder::{Sort, Step, diagram, pcap, steps};

/// `GET /v1/calls/{id}/ladder`.
pub(super) async fn ladder(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<LadderQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = call_id(&id)?;
    let form = query.format.unwrap_or_else(|| Form::accepted(headers.get(header::ACCEPT)));
    let found = find(&state, &requester, &id).await;
    let deed = Deed { resource: AuditResource::Ladder, ..of_call(AuditAction::View, Some(&id)) };
    state.record(&requester, deed, &found).await?;
    let (ladder, running) = found?;
    Ok(match form {
        Form::Json => Json(LadderView::new(&ladder, running)).into_response(),
        Form::Text => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], diagram(&ladder)).into_response(),
        Form::Pcap => {
            let named = format!("attachment; filename=\"{id}.pcap\"");
            let headers = [(header::CONTENT_TYPE, PCAP.to_owned()), (header::CONTENT_DISPOSITION, named)];
            (headers, pcap(&ladder)).into_response()
        }
    })
}

/// A running call's is in memory, that of one that is over in the store.
async fn find(state: &AppState, requester: &Requester, id: &CallId) -> Result<(Ladder, bool), ApiError> {
    if let Some(found) = state.running_ladders.read(&requester.auth.org, id) {
        return Ok(found);
    }
    let kept = state.ladders.get(&requester.scope(), id).await?;
    kept.map(|ladder| (ladder, false)).ok_or(ApiError::NoSuch("ladder"))
}

/// In which form.
#[derive(Debug, Deserialize)]
pub(super) struct LadderQuery {
    format: Option<Form>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Json,
    Text,
    Pcap,
}

impl Form {
    /// The first that a client takes; JSON when it takes none of them, as for everything else here.
    fn accepted(accept: Option<&HeaderValue>) -> Self {
        let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let types = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
        let form = |media_type: &str| match media_type {
            "application/json" | "*/*" => Some(Self::Json),
            "text/plain" | "text/*" => Some(Self::Text),
            PCAP => Some(Self::Pcap),
            _ => None,
        };
        types.filter_map(form).next().unwrap_or(Self::Json)
    }
}

impl Input for LadderQuery {
    const SHAPE: &'static Object = &Object {
        name: "LadderQuery",
        members: &[Member::optional(
            "format",
            Shape::Choice(&["json", "text", "pcap"]),
            "`text` draws it, `pcap` is for Wireshark; what `Accept` names when absent, and JSON when it names none of them.",
        )],
    };
}

/// The signalling of a call.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LadderView {
    id: CallId,
    /// Whether more may come.
    running: bool,
    /// When the first message went by.
    started_at: DateTime<Utc>,
    /// Messages missing from the middle, for which the bounds left no room.
    left_out: u64,
    /// In the order in which they went by.
    messages: Vec<MessageView>,
}

/// One message of SIP.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MessageView {
    /// Counted from one.
    number: usize,
    at: DateTime<Utc>,
    /// Milliseconds since the first message.
    at_ms: f64,
    /// Milliseconds since the message before.
    delay_ms: f64,
    /// A response: milliseconds since its request; null for requests, and where that is not there.
    since_request_ms: Option<f64>,
    /// `received` or `sent`, by the gateway.
    direction: &'static str,
    /// `UDP`, `TCP`, `TLS`, `WS` or `WSS`.
    transport: &'static str,
    /// Address and port of whoever sent it.
    from: String,
    /// Address and port of whoever it went to.
    to: String,
    /// The method of a request; null for a response and for what is malformed.
    method: Option<String>,
    /// The status of a response.
    status: Option<u16>,
    /// What stands beside the status.
    reason: Option<String>,
    /// The number in CSeq.
    cseq: Option<u32>,
    /// The method in CSeq: of a response, what it answers.
    cseq_method: Option<String>,
    /// The caller's URI, as the message says.
    from_uri: Option<Redacted<String>>,
    /// The callee's URI, as the message says.
    to_uri: Option<Redacted<String>>,
    /// Names the dialog between the two ends; a call that tried several trunks has several.
    sip_call_id: Option<String>,
    /// Whether the same has gone the same way before.
    repeated: bool,
    /// The whole message. Secrets are masked, octet by octet, with `x`; what is not UTF-8 is replaced.
    text: Redacted<String>,
}

impl LadderView {
    fn new(ladder: &Ladder, running: bool) -> Self {
        let messages = (1..).zip(steps(ladder)).map(|(number, step)| MessageView::new(number, step)).collect();
        Self { id: ladder.id.clone(), running, started_at: ladder.started_at, left_out: ladder.left_out, messages }
    }
}

impl MessageView {
    fn new(number: usize, step: Step<'_>) -> Self {
        let message = step.message;
        let (from, to) = message.ends();
        let (method, status, reason) = match step.sort {
            Sort::Request(method) => (Some(method), None, None),
            Sort::Response { status, reason } => (None, Some(status), Some(reason)),
            Sort::Unread => (None, None, None),
        };
        let (cseq, cseq_method) = step.cseq.unzip();
        Self {
            number,
            at: message.at,
            at_ms: ms(step.since_start),
            delay_ms: ms(step.since_previous),
            since_request_ms: step.since_request.map(ms),
            direction: match message.way {
                Way::Received => "received",
                Way::Sent => "sent",
            },
            transport: message.transport.name(),
            from: from.to_string(),
            to: to.to_string(),
            method,
            status,
            reason,
            cseq,
            cseq_method,
            from_uri: step.from.map(Redacted::new),
            to_uri: step.to.map(Redacted::new),
            sip_call_id: step.call_id,
            repeated: step.repeated,
            text: Redacted::new(String::from_utf8_lossy(message.octets.expose()).into_owned()),
        }
    }
}

/// Milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "no call lasts for centuries")]
fn ms(time: TimeDelta) -> f64 {
    time.num_microseconds().unwrap_or_default() as f64 / 1_000.0
}

impl Output for LadderView {
    fn example() -> Self {
        let started_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let ends = ["203.0.113.5:5060", "198.51.100.7:5060"].map(|end| end.parse().ok()).into_iter().flatten();
        let ends: Vec<std::net::SocketAddr> = ends.collect();
        let [local, remote] = ends.as_slice() else { return Self::new(&Ladder::empty(CallId::random(), started_at), false) };
        let message = |ms, way, first: &str| LadderMessage {
            at: started_at + TimeDelta::milliseconds(ms),
            way,
            transport: LadderTransport::Udp,
            local: Redacted::new(*local),
            remote: Redacted::new(*remote),
            octets: Redacted::new(format!("{first}\r\n{EXAMPLE_HEADERS}").into_bytes()),
        };
        let invite = message(0, Way::Received, "INVITE sip:+15550100100@203.0.113.5 SIP/2.0");
        let messages = vec![invite, message(2, Way::Sent, "SIP/2.0 100 Trying")];
        let id = super::view::EXAMPLE_ID.parse().unwrap_or_else(|_| CallId::random());
        Self::new(&Ladder { messages, ..Ladder::empty(id, started_at) }, true)
    }
}

const PCAP: &str = "application/vnd.tcpdump.pcap";

const EXAMPLE_HEADERS: &str = "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK776asdhds\r\nMax-Forwards: 70\r\n\
    From: <sip:+15550100199@198.51.100.7>;tag=1928301774\r\nTo: <sip:+15550100100@203.0.113.5>\r\n\
    Call-ID: a84b4c76e66710@198.51.100.7\r\nCSeq: 314159 INVITE\r\nContact: <sip:198.51.100.7>\r\nContent-Length: 0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_first_that_the_client_takes() {
        let form = |accept: &'static str| Form::accepted(Some(&HeaderValue::from_static(accept)));
        assert_eq!((form("text/plain"), form("text/html, application/vnd.tcpdump.pcap;q=0.9, */*")), (Form::Text, Form::Pcap));
        assert_eq!((form("*/*"), form("image/png"), Form::accepted(None)), (Form::Json, Form::Json, Form::Json));
    }
}
