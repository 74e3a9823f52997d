//! What an agent of ElevenLabs says: JSON, audio in base64.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::json::{Malformed, check_depth, read};

/// The events that mean something to us.
#[derive(Debug)]
pub(super) enum ServerEvent<'a> {
    Metadata(Metadata<'a>),
    Audio(Audio<'a>),
    Interruption {
        event_id: i64,
    },
    UserTranscript(Cow<'a, str>),
    TentativeUserTranscript(Cow<'a, str>),
    AgentResponse(Cow<'a, str>),
    Correction(Cow<'a, str>),
    ToolCall(ToolCall<'a>),
    Ping {
        event_id: i64,
    },
    Error {
        code: String,
    },
    /// Known, and of no use to us.
    Expected,
    /// Of a type we do not know.
    Unknown,
}

impl<'a> ServerEvent<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        check_depth(text)?;
        let envelope: Envelope<'a> = read(text)?;
        let missing = Malformed::Json;
        Ok(match &*envelope.r#type {
            "conversation_initiation_metadata" => Self::Metadata(envelope.metadata.ok_or(missing)?),
            "audio" => Self::Audio(envelope.audio.ok_or(missing)?),
            "interruption" => Self::Interruption { event_id: envelope.interruption.ok_or(missing)?.event_id },
            "user_transcript" => Self::UserTranscript(envelope.user_transcript.ok_or(missing)?.user_transcript),
            "tentative_user_transcript" => {
                Self::TentativeUserTranscript(envelope.tentative_user_transcript.ok_or(missing)?.user_transcript)
            }
            "agent_response" => Self::AgentResponse(envelope.agent_response.ok_or(missing)?.agent_response),
            "agent_response_correction" => Self::Correction(envelope.correction.ok_or(missing)?.corrected_agent_response),
            "client_tool_call" => Self::ToolCall(envelope.client_tool_call.ok_or(missing)?),
            "ping" => Self::Ping { event_id: envelope.ping.ok_or(missing)?.event_id },
            "error" => Self::Error { code: envelope.error.map(ErrorEvent::code).unwrap_or_default() },
            known if EXPECTED.contains(&known) => Self::Expected,
            _ => Self::Unknown,
        })
    }
}

/// Each event has its content under a key of its own.
#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, rename = "conversation_initiation_metadata_event")]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow, rename = "audio_event")]
    audio: Option<Audio<'a>>,
    #[serde(rename = "interruption_event")]
    interruption: Option<Numbered>,
    #[serde(borrow, rename = "user_transcription_event")]
    user_transcript: Option<UserTranscript<'a>>,
    #[serde(borrow, rename = "tentative_user_transcription_event")]
    tentative_user_transcript: Option<UserTranscript<'a>>,
    #[serde(borrow, rename = "agent_response_event")]
    agent_response: Option<AgentResponse<'a>>,
    #[serde(borrow, rename = "agent_response_correction_event")]
    correction: Option<Correction<'a>>,
    #[serde(borrow)]
    client_tool_call: Option<ToolCall<'a>>,
    #[serde(rename = "ping_event")]
    ping: Option<Numbered>,
    #[serde(rename = "error_event")]
    error: Option<ErrorEvent>,
}

/// The conversation as it will be; formats are the agent's own settings.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    pub(super) conversation_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) agent_output_audio_format: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) user_input_audio_format: Option<Cow<'a, str>>,
}

/// Some speech of the agent.
#[derive(Debug, Deserialize)]
pub(super) struct Audio<'a> {
    #[serde(borrow)]
    pub(super) audio_base_64: Cow<'a, str>,
    pub(super) event_id: i64,
    /// When its characters are said, within this audio.
    #[serde(default)]
    pub(super) alignment: Option<Alignment>,
}

/// Characters and their times.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Alignment {
    chars: Vec<String>,
    char_start_times_ms: Vec<f64>,
    char_durations_ms: Vec<f64>,
}

impl Alignment {
    /// The characters, and when each is over, where the audio begins then. A time that cannot be counts as the beginning.
    pub(super) fn from(&self, begins_ms: u64) -> (String, Vec<u64>) {
        let times = self.char_start_times_ms.iter().zip(&self.char_durations_ms).map(|(start, length)| start + length);
        let timed = self.chars.iter().zip(times).flat_map(|(text, end)| text.chars().map(move |character| (character, end)));
        // A conversion from a float saturates, and makes nothing of what is no number.
        timed.take(MAX_CHARS).map(|(character, end)| (character, begins_ms.saturating_add(end.max(0.0) as u64))).unzip()
    }
}

#[derive(Debug, Deserialize)]
struct Numbered {
    event_id: i64,
}

#[derive(Debug, Deserialize)]
struct UserTranscript<'a> {
    #[serde(borrow)]
    user_transcript: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct AgentResponse<'a> {
    #[serde(borrow)]
    agent_response: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Correction<'a> {
    #[serde(borrow)]
    corrected_agent_response: Cow<'a, str>,
}

/// A tool is to be run.
#[derive(Debug, Deserialize)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow)]
    pub(super) tool_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) tool_call_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) parameters: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct ErrorEvent {
    error_type: Option<String>,
    code: Option<serde_json::Value>,
}

impl ErrorEvent {
    /// The kind in a word, or the number.
    fn code(self) -> String {
        self.error_type.or_else(|| self.code.map(|code| code.to_string())).unwrap_or_default()
    }
}

/// Characters of one message.
const MAX_CHARS: usize = 16 * 1_024;

const EXPECTED: [&str; 13] = [
    "agent_chat_response_part",
    "agent_response_metadata",
    "agent_tool_request",
    "agent_tool_response",
    "asr_initiation_metadata",
    "context_usage",
    "guardrail_triggered",
    "internal_tentative_agent_response",
    "mcp_connection_status",
    "mcp_tool_call",
    "queue_status",
    "vad_score",
    "client_error",
];
