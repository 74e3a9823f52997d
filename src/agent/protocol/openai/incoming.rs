//! Server events of the Realtime API: what we hear. Those of the beta shape differ by their names, and are read beside those of today:
//! no service has both.
//!
//! Everything is borrowed from the message. Audio, fifty messages a second, is tried first and parsed in one pass;
//! all else is told apart by its type and then parsed as that type alone, so that an unknown event may hold anything.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::json::{Malformed, check_depth, read};

/// The server events that mean something to us.
#[derive(Debug)]
pub(super) enum ServerEvent<'a> {
    SessionCreated(SessionEvent<'a>),
    SessionUpdated(SessionEvent<'a>),
    SpeechStarted(SpeechStarted),
    SpeechStopped(SpeechStopped),
    ResponseCreated(ResponseEvent<'a>),
    ResponseDone(ResponseEvent<'a>),
    AudioDelta(AudioDelta<'a>),
    AudioDone(ItemEvent<'a>),
    AgentTranscriptDelta(TextDelta<'a>),
    AgentTranscriptDone(Transcript<'a>),
    CallerTranscriptDelta(TextDelta<'a>),
    CallerTranscriptDone(Transcript<'a>),
    CallerTranscriptFailed,
    ToolArguments(ToolArguments<'a>),
    OutputItem(OutputItem<'a>),
    RateLimits(RateLimits<'a>),
    Error(ErrorEvent<'a>),
    /// Known, and of no use to us: acknowledgements and the steps between them.
    Expected,
    /// Of a type we do not know.
    Unknown,
}

impl<'a> ServerEvent<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        if let Some(delta) = AudioDelta::parse_fast(text) {
            return Ok(Self::AudioDelta(delta));
        }
        check_depth(text)?;
        let head: Head<'_> = read(text)?;
        Ok(match &*head.r#type {
            AudioDelta::TYPE => Self::AudioDelta(read(text)?),
            AudioDelta::BETA_TYPE => Self::AudioDelta(read(text)?),
            "response.output_audio.done" | "response.audio.done" => Self::AudioDone(read(text)?),
            "response.output_audio_transcript.delta" | "response.audio_transcript.delta" => Self::AgentTranscriptDelta(read(text)?),
            "response.output_audio_transcript.done" | "response.audio_transcript.done" => Self::AgentTranscriptDone(read(text)?),
            "input_audio_buffer.speech_started" => Self::SpeechStarted(read(text)?),
            "input_audio_buffer.speech_stopped" => Self::SpeechStopped(read(text)?),
            "response.created" => Self::ResponseCreated(read(text)?),
            "response.done" => Self::ResponseDone(read(text)?),
            "conversation.item.input_audio_transcription.delta" => Self::CallerTranscriptDelta(read(text)?),
            "conversation.item.input_audio_transcription.completed" => Self::CallerTranscriptDone(read(text)?),
            "conversation.item.input_audio_transcription.failed" => Self::CallerTranscriptFailed,
            "response.function_call_arguments.done" => Self::ToolArguments(read(text)?),
            "response.output_item.done" => Self::OutputItem(read(text)?),
            "rate_limits.updated" => Self::RateLimits(read(text)?),
            "session.created" => Self::SessionCreated(read(text)?),
            "session.updated" => Self::SessionUpdated(read(text)?),
            "error" => Self::Error(read(text)?),
            known if EXPECTED.contains(&known) => Self::Expected,
            _ => Self::Unknown,
        })
    }
}

#[derive(Debug, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// Some speech of the agent.
#[derive(Debug, Deserialize)]
pub(super) struct AudioDelta<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) response_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) item_id: Cow<'a, str>,
    /// Base64, cut anywhere.
    #[serde(borrow)]
    pub(super) delta: Cow<'a, str>,
}

impl<'a> AudioDelta<'a> {
    const TYPE: &'static str = "response.output_audio.delta";

    const BETA_TYPE: &'static str = "response.audio.delta";

    /// One pass over the message where its beginning names the type, as servers write it; `None` says nothing about it.
    fn parse_fast(text: &'a str) -> Option<Self> {
        let beginning = text.as_bytes().get(..FAST_LOOK_LEN_BYTES)?;
        beginning.windows(AUDIO_DELTA.len()).find(|window| *window == AUDIO_DELTA)?;
        let delta: Self = serde_json::from_str(text).ok()?;
        (delta.r#type == Self::TYPE || delta.r#type == Self::BETA_TYPE).then_some(delta)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ItemEvent<'a> {
    #[serde(borrow)]
    pub(super) item_id: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TextDelta<'a> {
    #[serde(borrow)]
    pub(super) item_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) delta: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Transcript<'a> {
    #[serde(borrow)]
    pub(super) item_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) transcript: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SpeechStarted {
    /// On the timeline of audio appended; includes the padding before the speech.
    #[serde(default)]
    pub(super) audio_start_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct SpeechStopped {
    #[serde(default)]
    pub(super) audio_end_ms: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolArguments<'a> {
    pub(super) response_id: Cow<'a, str>,
    pub(super) call_id: Cow<'a, str>,
    /// Not there in the beta shape: the item that follows has it.
    #[serde(default)]
    pub(super) name: Cow<'a, str>,
    pub(super) arguments: Cow<'a, str>,
}

/// A part of a response is whole; of interest where it is the call of a tool.
#[derive(Debug, Deserialize)]
pub(super) struct OutputItem<'a> {
    response_id: Cow<'a, str>,
    #[serde(borrow)]
    item: FunctionItem<'a>,
}

#[derive(Debug, Deserialize)]
struct FunctionItem<'a> {
    #[serde(default)]
    call_id: Cow<'a, str>,
    #[serde(default)]
    name: Cow<'a, str>,
    #[serde(default)]
    arguments: Cow<'a, str>,
}

impl<'a> OutputItem<'a> {
    /// The call of a tool, if it is one.
    pub(super) fn into_call(self) -> Option<ToolArguments<'a>> {
        let Self { response_id, item: FunctionItem { call_id, name, arguments } } = self;
        (!call_id.is_empty() && !name.is_empty()).then_some(ToolArguments { response_id, call_id, name, arguments })
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct SessionEvent<'a> {
    #[serde(borrow)]
    pub(super) session: Session<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Session<'a> {
    pub(super) id: Option<Cow<'a, str>>,
    /// Seconds since 1970.
    pub(super) expires_at: Option<u64>,
    #[serde(borrow)]
    pub(super) audio: Option<SessionAudio<'a>>,
    /// Beta shape.
    pub(super) input_audio_format: Option<Cow<'a, str>>,
    /// The same.
    pub(super) output_audio_format: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SessionAudio<'a> {
    #[serde(borrow)]
    pub(super) input: Option<AudioSide<'a>>,
    #[serde(borrow)]
    pub(super) output: Option<AudioSide<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AudioSide<'a> {
    #[serde(borrow)]
    pub(super) format: Option<Format<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Format<'a> {
    #[serde(borrow)]
    pub(super) r#type: Cow<'a, str>,
    pub(super) rate: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResponseEvent<'a> {
    #[serde(borrow)]
    pub(super) response: Response<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    pub(super) status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) status_details: Option<StatusDetails<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusDetails<'a> {
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) error: Option<ErrorBody<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimits<'a> {
    #[serde(borrow)]
    pub(super) rate_limits: Vec<RateLimit<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RateLimit<'a> {
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    pub(super) remaining: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorEvent<'a> {
    #[serde(borrow)]
    pub(super) error: ErrorBody<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody<'a> {
    pub(super) r#type: Option<Cow<'a, str>>,
    pub(super) code: Option<Cow<'a, str>>,
    pub(super) message: Option<Cow<'a, str>>,
    /// Which message of ours it is about.
    pub(super) event_id: Option<Cow<'a, str>>,
}

/// Servers name the type first or after the event's own identifier.
const FAST_LOOK_LEN_BYTES: usize = 128;

/// What both shapes' names of an audio delta end with.
const AUDIO_DELTA: &[u8] = b"audio.delta\"";

const EXPECTED: [&str; 22] = [
    "conversation.created",
    "conversation.item.added",
    "conversation.item.created",
    "conversation.item.deleted",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.segment",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "input_audio_buffer.cleared",
    "input_audio_buffer.committed",
    "input_audio_buffer.dtmf_event_received",
    "input_audio_buffer.timeout_triggered",
    "response.content_part.added",
    "response.content_part.done",
    "response.function_call_arguments.delta",
    "response.output_item.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.audio_timestamp.delta",
    "response.audio_timestamp.done",
    "response.text.delta",
    "response.text.done",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_borrowed_from_the_message() {
        let text = r#"{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"AAAA"}"#;
        let Ok(ServerEvent::AudioDelta(delta)) = ServerEvent::parse(text) else { panic!() };
        assert!(matches!(delta.delta, Cow::Borrowed("AAAA")));
        assert!(matches!(delta.item_id, Cow::Borrowed("item_1")));
    }

    #[test]
    fn audio_is_found_wherever_its_type_stands_and_however_it_is_escaped() {
        let text = r#"{"delta":"\/\/8=","item_id":"i","response_id":"r","type":"response.output_audio\u002edelta"}"#;
        let Ok(ServerEvent::AudioDelta(delta)) = ServerEvent::parse(text) else { panic!() };
        assert_eq!(delta.delta, "//8=");
    }

    #[test]
    fn an_unknown_event_may_hold_anything_under_any_name() {
        let text = r#"{"type":"response.novelty","delta":{"x":1},"item_id":7,"error":"response.output_audio.delta"}"#;
        assert!(matches!(ServerEvent::parse(text), Ok(ServerEvent::Unknown)));
    }

    #[test]
    fn the_thirty_third_level_is_refused() {
        let nested = |levels: usize| format!(r#"{{"type":"x","v":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(matches!(ServerEvent::parse(&nested(31)), Ok(ServerEvent::Unknown)));
        assert!(matches!(ServerEvent::parse(&nested(32)), Err(Malformed::TooDeep)));
        assert!(matches!(ServerEvent::parse(&nested(1_000_000)), Err(Malformed::TooDeep)));
    }

    #[test]
    fn brackets_in_text_are_no_levels() {
        let text = format!(r#"{{"type":"x","v":"\"{}"}}"#, "[".repeat(100));
        assert!(matches!(ServerEvent::parse(&text), Ok(ServerEvent::Unknown)));
    }

    #[test]
    fn a_known_event_without_its_fields_is_malformed() {
        assert!(matches!(ServerEvent::parse(r#"{"type":"response.output_audio.delta"}"#), Err(Malformed::Json)));
        assert!(matches!(ServerEvent::parse("{}"), Err(Malformed::Json)));
        assert!(matches!(ServerEvent::parse("\u{0}"), Err(Malformed::Json)));
    }
}
