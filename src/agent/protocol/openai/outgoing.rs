//! Client events of the Realtime API, GA shape: what we say.
//!
//! All but audio is rare, so plain `serde` writes it. Audio is written by hand: it is fifty messages a second.

use base64_simd::STANDARD;
use media::frame::AudioFormat;
use serde::Serialize;

use super::beta;
use crate::agent::config::{AgentConfig, Eagerness, TurnDetection};
use crate::agent::tools::Declaration;

/// Appends the message that carries `audio` to `text`, without allocating once `text` has grown to its size.
pub(super) fn write_audio(audio: &[u8], text: &mut String) {
    text.reserve_exact(APPEND_PREFIX.len() + STANDARD.encoded_length(audio.len()) + APPEND_SUFFIX.len());
    text.push_str(APPEND_PREFIX);
    STANDARD.encode_append(audio, text);
    text.push_str(APPEND_SUFFIX);
}

/// Every client event but audio.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(super) enum ClientEvent<'a> {
    #[serde(rename = "session.update")]
    SessionUpdate { event_id: &'a str, session: Settings<'a> },
    #[serde(rename = "response.create")]
    ResponseCreate {
        event_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<ResponseSettings<'a>>,
    },
    #[serde(rename = "response.cancel")]
    ResponseCancel { event_id: &'a str, response_id: &'a str },
    #[serde(rename = "input_audio_buffer.commit")]
    InputCommit { event_id: &'a str },
    #[serde(rename = "conversation.item.create")]
    ItemCreate { event_id: &'a str, item: Item<'a> },
    #[serde(rename = "conversation.item.truncate")]
    ItemTruncate { event_id: &'a str, item_id: &'a str, content_index: u32, audio_end_ms: u64 },
}

impl ClientEvent<'_> {
    /// Appends the event as JSON to `text`.
    pub(super) fn write(&self, text: &mut String) {
        // Serialising these types cannot fail: every key is a string and no value is refused.
        text.push_str(&serde_json::to_string(self).unwrap_or_default());
    }
}

/// Our settings, in the shape of the service.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Settings<'a> {
    Ga(Session<'a>),
    Beta(beta::Session<'a>),
}

/// Our settings.
#[derive(Debug, Serialize)]
pub(super) struct Session<'a> {
    r#type: &'static str,
    output_modalities: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    audio: Audio<'a>,
    /// Absent where there are none, and the session has none then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
}

impl<'a> Session<'a> {
    pub(super) fn new(config: &'a AgentConfig) -> Self {
        let format = Format::from(AudioFormat::from(config.format));
        let transcription = Transcription::of(config);
        Self {
            r#type: "realtime",
            output_modalities: ["audio"],
            instructions: config.instructions(),
            audio: Audio {
                input: Input { format, transcription, turn_detection: Turns::of(config.turn_detection) },
                output: Output { format, voice: config.voice.as_deref() },
            },
            tools: Tool::of(config),
        }
    }
}

/// A tool that the model may ask for.
#[derive(Debug, Serialize)]
pub(super) struct Tool {
    r#type: &'static str,
    #[serde(flatten)]
    declaration: Declaration,
}

impl Tool {
    /// All of an agent's.
    pub(super) fn of(config: &AgentConfig) -> Vec<Self> {
        config.declarations().into_iter().map(|declaration| Self { r#type: "function", declaration }).collect()
    }
}

#[derive(Debug, Serialize)]
struct Audio<'a> {
    input: Input<'a>,
    output: Output<'a>,
}

#[derive(Debug, Serialize)]
struct Input<'a> {
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcription: Option<Transcription<'a>>,
    /// Null: the provider decides nothing.
    turn_detection: Option<Turns>,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    format: Format,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Transcription<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

impl<'a> Transcription<'a> {
    /// Whether callers are written down, and by whom.
    pub(super) fn of(config: &'a AgentConfig) -> Option<Self> {
        let language = config.language.as_deref();
        config.transcription_model.as_deref().map(|model| Self { model, language })
    }
}

/// The three formats of the API; linear audio has one rate only.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type")]
enum Format {
    #[serde(rename = "audio/pcm")]
    Pcm { rate: u32 },
    #[serde(rename = "audio/pcmu")]
    Pcmu,
    #[serde(rename = "audio/pcma")]
    Pcma,
}

impl From<AudioFormat> for Format {
    fn from(format: AudioFormat) -> Self {
        match format {
            AudioFormat::Ulaw8k => Self::Pcmu,
            AudioFormat::Alaw8k => Self::Pcma,
            AudioFormat::S16 { rate } => Self::Pcm { rate: rate.hz() },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Turns {
    ServerVad { threshold: f32, prefix_padding_ms: u32, silence_duration_ms: u32, create_response: bool, interrupt_response: bool },
    SemanticVad { eagerness: Eagerness, create_response: bool, interrupt_response: bool },
}

impl Turns {
    pub(super) fn of(settings: TurnDetection) -> Option<Self> {
        Some(match settings {
            TurnDetection::ServerVad { threshold, prefix_padding_ms, silence_duration_ms } => {
                Self::ServerVad { threshold, prefix_padding_ms, silence_duration_ms, create_response: true, interrupt_response: true }
            }
            TurnDetection::SemanticVad { eagerness } => Self::SemanticVad { eagerness, create_response: true, interrupt_response: true },
            TurnDetection::Both { threshold, prefix_padding_ms, silence_duration_ms, .. } => {
                Self::ServerVad { threshold, prefix_padding_ms, silence_duration_ms, create_response: true, interrupt_response: false }
            }
            TurnDetection::Gateway { .. } => return None,
        })
    }
}

/// What a single response is told beyond the session's settings.
#[derive(Debug, Serialize)]
pub(super) struct ResponseSettings<'a> {
    pub(super) instructions: &'a str,
}

/// Something put into the conversation.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message { role: Role, content: [Content<'a>; 1] },
    FunctionCallOutput { call_id: &'a str, output: &'a str },
}

impl<'a> Item<'a> {
    /// A message of one text; `beta` is the older shape, which calls what the model said otherwise.
    pub(super) const fn text(role: Role, text: &'a str, beta: bool) -> Self {
        let content = match role {
            Role::Assistant if beta => Content::Text { text },
            Role::Assistant => Content::OutputText { text },
            Role::System | Role::User => Content::InputText { text },
        };
        Self::Message { role, content: [content] }
    }
}

/// In whose name; the API has no other roles for what a client writes.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    System,
    User,
    /// What the model is to take for its own words.
    Assistant,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    InputText { text: &'a str },
    OutputText { text: &'a str },
    Text { text: &'a str },
}

const APPEND_PREFIX: &str = r#"{"type":"input_audio_buffer.append","audio":""#;
const APPEND_SUFFIX: &str = r#""}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_written_by_hand_is_the_same_json_as_serde_would_write() {
        let mut text = String::new();
        write_audio(&[0, 1, 2, 253, 254, 255, 7], &mut text);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, serde_json::json!({"type": "input_audio_buffer.append", "audio": "AAEC/f7/Bw=="}));
    }

    #[test]
    fn the_threshold_is_written_without_the_noise_of_a_narrow_float() {
        let config = AgentConfig {
            turn_detection: TurnDetection::ServerVad { threshold: 0.3, prefix_padding_ms: 0, silence_duration_ms: 200 },
            ..AgentConfig::at("ws://127.0.0.1/")
        };
        let mut text = String::new();
        ClientEvent::SessionUpdate { event_id: "e", session: Settings::Ga(Session::new(&config)) }.write(&mut text);
        assert!(text.contains(r#""threshold":0.3,"#), "{text}");
    }
}
