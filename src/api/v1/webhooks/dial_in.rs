//! `POST /v1/webhooks/dial-in`: a carrier says that a call will come, and proves who it is.
//!
//! The signature is HMAC-SHA256 over the time, the method, the path and the body, under a key of the organisation. It is
//! good for five minutes either way, and once: one that was used is kept for as long as it could be used again.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;
use sha2::{Digest, Sha256};

use super::input::DialIn;
use super::view::{Announced, Answered};
use crate::api::auth;
use crate::api::error::{ApiError, FieldFault};
use crate::api::input::parse;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::dial_in::AnnouncedCall;
use crate::domain::ids::{DialInKeyId, OrgId, RequestId};
use crate::domain::redacted::Redacted;
use crate::domain::webhook::Happening;
use crate::store::OrgScope;
use crate::webhooks::SIGNATURE;

/// Who signed, and what with.
struct Proof {
    scope: OrgScope,
    key: DialInKeyId,
    /// What was signed, as it is kept: of two codes for it neither is good once more.
    signed: String,
    signed_at: DateTime<Utc>,
}

pub(super) async fn announce(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(head.clone(), body), &state).await.map_err(|_| ApiError::TooLarge)?;
    let proof = match prove(&state, &head, &body).await? {
        Ok(proof) => proof,
        Err(reason) => {
            auth::record_stranger(&state, &head, reason).await?;
            return Err(ApiError::Unauthorized);
        }
    };
    let announced: DialIn = parse(&head.headers, &body)?;
    let now = Utc::now();
    let call = if announced.test == Some(true) { None } else { Some(call(announced, now)?) };
    finished(async move {
        // A signature is good until five minutes after its time; the clock may be set back meanwhile.
        let over = proof.signed_at + WINDOW * 2;
        if !state.dial_ins.announce(&proof.scope, &proof.signed, over, call.as_ref()).await? {
            state.audit.append(proof.scope.org(), event(&head, &proof, Outcome::Denied, Some("replayed"))).await?;
            return Err(ApiError::Replayed);
        }
        state.audit.append(proof.scope.org(), event(&head, &proof, Outcome::Success, None)).await?;
        let Some(call) = call else { return Ok(Json(Answered { status: "OK" }).into_response()) };
        state.webhooks.tell_if_possible(&proof.scope, &Happening::announced(&call.call_id)).await;
        Ok((StatusCode::ACCEPTED, Json(Announced::from(call))).into_response())
    })
    .await
}

/// Who signed this request, or why nobody did, in a word.
async fn prove(state: &AppState, head: &Parts, body: &[u8]) -> Result<Result<Proof, &'static str>, ApiError> {
    let header = |name: &str| only(&head.headers, name);
    let Some(org) = header("auricle-organisation").and_then(|org| org.parse::<OrgId>().ok()) else { return Ok(Err("no_organisation")) };
    let Some((time, macs)) = header(SIGNATURE).and_then(signature) else { return Ok(Err("no_signature")) };
    let Some(signed_at) = time.parse().ok().and_then(|time| DateTime::from_timestamp(time, 0)) else { return Ok(Err("no_signature")) };
    if (Utc::now() - signed_at).abs() > WINDOW {
        return Ok(Err("signature_of_another_time"));
    }
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let signed = [time.as_bytes(), b".", head.method.as_str().as_bytes(), b".", target.as_bytes(), b".", body].concat();
    let scope = OrgScope::new(org);
    for key in state.dial_ins.keys(&scope).await?.into_iter().map(|found| found.record) {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, key.secret.expose().as_bytes());
        if macs.iter().any(|mac| hmac::verify(&secret, &signed, mac).is_ok()) {
            return Ok(Ok(Proof { scope, key: key.id, signed: hex::encode(Sha256::digest(&signed)), signed_at }));
        }
    }
    Ok(Err("wrong_signature"))
}

/// `t=…,v1=…[,v1=…]`: the time as it is written, and the codes.
fn signature(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let mut pairs = header.split(',').filter_map(|pair| pair.trim().split_once('='));
    let time = pairs.next().filter(|(name, _)| *name == "t")?.1;
    let macs: Vec<_> = pairs.filter(|(name, _)| *name == "v1").take(MAX_CODES).filter_map(|(_, mac)| hex::decode(mac).ok()).collect();
    (!macs.is_empty()).then_some((time, macs))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn call(announced: DialIn, now: DateTime<Utc>) -> Result<AnnouncedCall, ApiError> {
    let DialIn { call_id, call_domain, from, to, .. } = announced;
    let (Some(call_id), Some(call_domain), Some(from), Some(to)) = (&call_id, &call_domain, &from, &to) else {
        let given =
            [("call_id", call_id.is_some()), ("call_domain", call_domain.is_some()), ("from", from.is_some()), ("to", to.is_some())];
        let missing = given.into_iter().filter(|(_, given)| !given);
        return Err(ApiError::Invalid(
            missing.map(|(field, _)| FieldFault { field: field.to_owned(), message: "is required".into() }).collect(),
        ));
    };
    let plain = |number: &Redacted<String>| Redacted::new(AnnouncedCall::plain(number.expose()));
    Ok(AnnouncedCall {
        call_id: call_id.clone(),
        call_domain: call_domain.clone(),
        from: plain(from),
        to: plain(to),
        announced_at: now,
        expires_at: now + GOOD_FOR,
        call: None,
    })
}

fn event(head: &Parts, proof: &Proof, outcome: Outcome, reason: Option<&str>) -> AuditEvent {
    AuditEvent {
        actor: Actor::Trunk(proof.key.to_string()),
        session: None,
        ip: auth::client_ip(&head.extensions),
        action: AuditAction::AnnounceCall,
        resource: AuditResource::Call,
        object: None,
        outcome,
        reason: reason.map(str::to_owned),
        request_id: head.extensions.get::<RequestId>().cloned(),
    }
}

/// How far the time of a signature may be from ours.
const WINDOW: TimeDelta = TimeDelta::seconds(300);
/// How long a call that comes is taken for one that was announced.
const GOOD_FOR: TimeDelta = TimeDelta::seconds(120);
/// Codes of one signature that are looked at: a carrier that changes keys sends two.
const MAX_CODES: usize = 2;
