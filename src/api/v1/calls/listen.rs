//! `GET /v1/calls/{id}/listen`: a running call as it sounds, until it ends, or the listener goes or may not listen any more.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use media::units::SampleRate;
use tokio::sync::watch;

use super::commands::refusal;
use super::input::{ListenQuery, Mix, Rate};
use super::{call_id, of_call};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::watch::Watch;
use crate::call::listening::Listening;
use crate::domain::audit_event::AuditAction;
use crate::leg::listeners::{ListenerMix, ListenerSetup};
use crate::supervision::told_to_stop;

pub(super) async fn listen(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Query<ListenQuery>,
) -> Result<Response, ApiError> {
    let id = call_id(&id)?;
    let setup = ListenerSetup { rate: rate(query.rate), mix: mix(query.mix) };
    let listening = match state.registry.listen(&requester.auth.org, &id, setup) {
        Ok(listening) => Ok(listening),
        Err(refused) => Err(refusal(&state, &requester, &id, refused).await),
    };
    state.record(&requester, of_call(AuditAction::ListenCall, Some(&id)), &listening).await?;
    let ear = Ear { listening: listening?, watch: Watch::new(&state, &requester, &headers), stopped: state.stopped.clone() };
    let frames = stream::unfold((ear, Some(wav_header(setup))), |(mut ear, header)| async move {
        let bytes = match header {
            Some(header) => header,
            None => ear.next().await?,
        };
        Some((Ok::<_, io::Error>(bytes), (ear, None)))
    });
    Ok(([(header::CONTENT_TYPE, "audio/wav")], Body::from_stream(frames)).into_response())
}

/// Somebody who listens.
struct Ear {
    listening: Listening,
    watch: Watch,
    stopped: watch::Receiver<bool>,
}

impl Ear {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::select! {
                frame = next(&mut self.listening) => return frame,
                () = self.watch.due() => {
                    if !self.watch.is_still_welcome().await {
                        return None;
                    }
                }
                () = told_to_stop(&mut self.stopped) => return None,
            }
        }
    }
}

async fn next(listening: &mut Listening) -> Option<Bytes> {
    let mut samples = Vec::new();
    listening.next(&mut samples).await?;
    Some(samples.iter().flat_map(|sample| sample.to_le_bytes()).collect())
}

fn rate(rate: Option<Rate>) -> SampleRate {
    match rate {
        Some(Rate::R8000) => SampleRate::HZ_8000,
        None | Some(Rate::R16000) => SampleRate::HZ_16000,
        Some(Rate::R24000) => SampleRate::HZ_24000,
        Some(Rate::R48000) => SampleRate::HZ_48000,
    }
}

const fn mix(mix: Option<Mix>) -> ListenerMix {
    match mix {
        Some(Mix::Caller) => ListenerMix::Caller,
        Some(Mix::Agent) => ListenerMix::Agent,
        None | Some(Mix::Both) => ListenerMix::Both,
        Some(Mix::Separate) => ListenerMix::Separate,
    }
}

/// RIFF with lengths that nobody knows yet: players take 2³² − 1 for "until it ends".
fn wav_header(setup: ListenerSetup) -> Bytes {
    let channels: u16 = if setup.mix == ListenerMix::Separate { 2 } else { 1 };
    let rate = setup.rate.hz();
    let block = channels * 2;
    let mut header = Vec::with_capacity(44);
    header.extend_from_slice(b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0");
    header.extend_from_slice(&channels.to_le_bytes());
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&(rate * u32::from(block)).to_le_bytes());
    header.extend_from_slice(&block.to_le_bytes());
    header.extend_from_slice(b"\x10\0data\xff\xff\xff\xff");
    header.into()
}
