//! `GET /v1/events`: what happens in the organisation as it happens, as server-sent events (HTML Living Standard §9.2).
//!
//! A follower is sent what its permissions show: words only with `transcripts:read`. Whoever does not read fast enough
//! misses the oldest and is told how many. Every 15 s there is a comment; every two the credentials
//! are looked at again, which keeps nobody signed in: a stream does not outlive them. Left out on purpose: going on from an event's id; what was missed stands in the records.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Interval, MissedTickBehavior};

use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::contract::{Format, Input, Member, Object, Route, Shape, Verb};
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::streams::StreamPlace;
use crate::api::watch::Watch;
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::CallId;
use crate::supervision::told_to_stop;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Verb::Get, "/v1/events", "followEvents", "What happens, as it happens", follow)
            .needs(Permission::EventsRead)
            .query::<EventQuery>()
            .answers_as(200, "text/event-stream", "`event` is its type, `data` a JSON object; `lagged` says how many were missed."),
    ]
}

/// Which events to follow.
#[derive(Debug, Deserialize)]
struct EventQuery {
    call_id: Option<CallId>,
}

impl Input for EventQuery {
    const SHAPE: &'static Object =
        &Object { name: "EventQuery", members: &[Member::optional("call_id", Shape::of(Format::Id("call")), "Only those of this call.")] };
}

async fn follow(
    State(state): State<AppState>,
    requester: Requester,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> Result<Response, ApiError> {
    let place = state.streams.enter(&requester.auth).ok_or(ApiError::Busy)?;
    let deed =
        Deed { action: AuditAction::FollowEvents, resource: AuditResource::Call, object: query.call_id.as_ref().map(ToString::to_string) };
    state.record(&requester, deed, &Ok(())).await?;
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch::new(&state, &requester, &headers);
    let follower = Follower { events: state.events.subscribe(), state, requester, call: query.call_id, beat, watch, _place: place };
    let frames = stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((Ok::<_, Infallible>(frame), follower))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response())
}

/// Somebody who follows.
struct Follower {
    events: broadcast::Receiver<Event>,
    state: AppState,
    requester: Requester,
    call: Option<CallId>,
    beat: Interval,
    watch: Watch,
    _place: StreamPlace,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        let mut stopped = self.state.stopped.clone();
        loop {
            tokio::select! {
                // Before anything is told: who did not read for a while may have lost the right to what waits.
                biased;
                () = told_to_stop(&mut stopped) => return None,
                () = self.watch.due() => {
                    if !self.watch.is_still_welcome().await {
                        return None;
                    }
                }
                event = self.events.recv() => match event {
                    Ok(event) if self.may_see(&event) => return frame(&event),
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        return Some(format!("event: lagged\ndata: {}\n\n", json!({ "missed": missed })).into());
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                _ = self.beat.tick() => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    fn may_see(&self, event: &Event) -> bool {
        let words = matches!(event.kind, EventKind::TranscriptAdded { .. });
        event.org_id == self.requester.auth.org
            && self.call.as_ref().is_none_or(|call| event.call_id.as_ref() == Some(call))
            && (!words || self.requester.may(Permission::TranscriptsRead))
    }
}

fn frame(event: &Event) -> Option<Bytes> {
    let data = serde_json::to_value(event).ok()?;
    let name = data.get("type")?.as_str()?;
    Some(format!("event: {name}\ndata: {data}\n\n").into())
}

const BEAT: Duration = Duration::from_secs(15);
