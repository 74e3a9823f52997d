//! What Gemini Live says: JSON in camel case, in text or in binary messages.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::json::{Malformed, check_depth, read};

/// A message; each has one or a few of these.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServerMessage<'a> {
    #[serde(borrow)]
    pub(super) setup_complete: Option<SetupComplete<'a>>,
    #[serde(borrow)]
    pub(super) server_content: Option<ServerContent<'a>>,
    #[serde(borrow)]
    pub(super) tool_call: Option<ToolCall<'a>>,
    #[serde(borrow)]
    pub(super) tool_call_cancellation: Option<ToolCallCancellation<'a>>,
    #[serde(borrow)]
    pub(super) go_away: Option<GoAway<'a>>,
    #[serde(borrow)]
    pub(super) session_resumption_update: Option<SessionResumptionUpdate<'a>>,
    #[serde(borrow)]
    pub(super) voice_activity: Option<VoiceActivity<'a>>,
    /// Of no use to us, but known.
    #[serde(borrow)]
    pub(super) usage_metadata: Option<&'a RawValue>,
}

impl<'a> ServerMessage<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        read(text)
    }

    /// Whether it holds nothing that we know.
    pub(super) const fn is_unknown(&self) -> bool {
        self.setup_complete.is_none()
            && self.server_content.is_none()
            && self.tool_call.is_none()
            && self.tool_call_cancellation.is_none()
            && self.go_away.is_none()
            && self.session_resumption_update.is_none()
            && self.voice_activity.is_none()
            && self.usage_metadata.is_none()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SetupComplete<'a> {
    #[serde(borrow)]
    pub(super) session_id: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServerContent<'a> {
    #[serde(borrow)]
    pub(super) model_turn: Option<ModelTurn<'a>>,
    pub(super) generation_complete: bool,
    pub(super) turn_complete: bool,
    pub(super) interrupted: bool,
    #[serde(borrow)]
    pub(super) input_transcription: Option<Transcription<'a>>,
    #[serde(borrow)]
    pub(super) output_transcription: Option<Transcription<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelTurn<'a> {
    #[serde(borrow)]
    pub(super) parts: Vec<Part<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    pub(super) inline_data: Option<Blob<'a>>,
}

/// Base64, and what it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) mime_type: Cow<'a, str>,
}

impl Blob<'_> {
    /// Samples a second where it is linear audio that names them: `audio/pcm;rate=24000`.
    pub(super) fn rate_hz(&self) -> Option<u32> {
        let parameters = self.mime_type.strip_prefix("audio/pcm")?;
        parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("rate=")?.parse().ok())
    }
}

/// A piece of what was said, to be put behind those before it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Transcription<'a> {
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
    pub(super) finished: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow)]
    pub(super) function_calls: Vec<FunctionCall<'a>>,
}

/// A tool is to be run.
#[derive(Debug, Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCallCancellation<'a> {
    #[serde(borrow)]
    pub(super) ids: Vec<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GoAway<'a> {
    #[serde(borrow)]
    time_left: Cow<'a, str>,
}

impl GoAway<'_> {
    /// `10s` or `9.5s`, as protobuf writes durations in JSON; nothing at all where it is none.
    pub(super) fn left(&self) -> Duration {
        let seconds = self.time_left.strip_suffix('s').and_then(|seconds| seconds.parse::<f64>().ok());
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SessionResumptionUpdate<'a> {
    #[serde(borrow)]
    pub(super) new_handle: Option<Cow<'a, str>>,
    pub(super) resumable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VoiceActivity<'a> {
    #[serde(borrow)]
    pub(super) voice_activity_type: Cow<'a, str>,
}
