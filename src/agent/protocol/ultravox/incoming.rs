//! What Ultravox says in JSON; its speech comes as bytes.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::json::{Malformed, check_depth, read};

/// The messages that mean something to us.
#[derive(Debug)]
pub(super) enum ServerMessage<'a> {
    CallStarted {
        call_id: Cow<'a, str>,
    },
    State(Cow<'a, str>),
    Transcript(Transcript<'a>),
    ClientToolInvocation(Invocation<'a>),
    PlaybackClearBuffer,
    /// Known, and of no use to us.
    Expected,
    /// Of a type we do not know.
    Unknown,
}

impl<'a> ServerMessage<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        let kind: Kind<'a> = read(text)?;
        Ok(match &*kind.r#type {
            "call_started" => Self::CallStarted { call_id: kind.call_id.unwrap_or_default() },
            "state" => Self::State(kind.state.ok_or(Malformed::Json)?),
            "transcript" => Self::Transcript(read(text)?),
            "client_tool_invocation" => Self::ClientToolInvocation(read(text)?),
            "playback_clear_buffer" => Self::PlaybackClearBuffer,
            known if EXPECTED.contains(&known) => Self::Expected,
            _ => Self::Unknown,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    call_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    state: Option<Cow<'a, str>>,
}

/// Words: all of an utterance so far, or more of it.
#[derive(Debug, Deserialize)]
pub(super) struct Transcript<'a> {
    #[serde(borrow)]
    pub(super) role: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) delta: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) r#final: bool,
    /// Which utterance, counted through the call.
    pub(super) ordinal: i64,
}

/// A tool is to be run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation<'a> {
    #[serde(borrow)]
    pub(super) tool_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) invocation_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) parameters: Option<&'a RawValue>,
}

const EXPECTED: [&str; 8] =
    ["pong", "debug", "call_event", "tool_used", "invoking_tool", "user_started_speaking", "user_stopped_speaking", "room_info"];
