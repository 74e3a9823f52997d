//! What we say to Gemini Live: JSON in camel case, audio in base64.

use base64_simd::STANDARD;
use media::frame::AudioFormat;
use serde::Serialize;

use crate::agent::config::{AgentConfig, TurnDetection};
use crate::agent::model::Said;
use crate::agent::tools::Declaration;
use crate::domain::call_record::Speaker;

/// Appends the message that carries `audio` to `text`, without allocating once `text` has grown to its size.
pub(super) fn write_audio(format: AudioFormat, audio: &[u8], text: &mut String) {
    text.reserve_exact(AUDIO_PREFIX.len() + STANDARD.encoded_length(audio.len()) + AUDIO_SUFFIX_MAX_LEN_BYTES);
    text.push_str(AUDIO_PREFIX);
    STANDARD.encode_append(audio, text);
    text.push_str(AUDIO_TYPE);
    text.push_str(match format.rate().hz() {
        8_000 => "8000",
        16_000 => "16000",
        48_000 => "48000",
        _ => "24000",
    });
    text.push_str(AUDIO_SUFFIX);
}

/// Every message but audio.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum ClientMessage<'a> {
    Setup(Setup<'a>),
    ClientContent(ClientContent<'a>),
    RealtimeInput(RealtimeInput<'a>),
    ToolResponse(ToolResponse<'a>),
}

/// Our settings.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Setup<'a> {
    model: &'a str,
    generation_config: GenerationConfig<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
    realtime_input_config: RealtimeInputConfig,
    input_audio_transcription: Transcription<'a>,
    output_audio_transcription: Nothing,
    /// With it, without a handle too: then the service gives us one.
    session_resumption: SessionResumption<'a>,
    /// Without it a session of audio ends after 15 minutes.
    context_window_compression: Compression,
}

impl<'a> Setup<'a> {
    /// The settings; `handle` is that of a conversation to be taken up again.
    pub(super) fn new(config: &'a AgentConfig, handle: Option<&'a str>) -> Self {
        let voice = |voice_name| SpeechConfig { voice_config: VoiceConfig { prebuilt_voice_config: PrebuiltVoice { voice_name } } };
        Self {
            model: config.model.as_deref().unwrap_or_default(),
            generation_config: GenerationConfig { response_modalities: ["AUDIO"], speech_config: config.voice.as_deref().map(voice) },
            system_instruction: config.instructions().map(|text| Content { role: None, parts: [Part { text }] }),
            tools: Tool::of(config),
            realtime_input_config: RealtimeInputConfig::of(config.turn_detection),
            input_audio_transcription: Transcription { language_codes: config.language.as_deref().map(|language| [language]) },
            output_audio_transcription: Nothing {},
            session_resumption: SessionResumption { handle },
            context_window_compression: Compression::default(),
        }
    }
}

/// Tools that the model may ask for, all in one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tool {
    function_declarations: Vec<Function>,
}

/// Arguments as JSON Schema: under `parameters` the service has a dialect of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Function {
    name: String,
    description: String,
    parameters_json_schema: serde_json::Value,
}

impl Tool {
    fn of(config: &AgentConfig) -> Vec<Self> {
        let function = |Declaration { name, description, parameters }| Function { name, description, parameters_json_schema: parameters };
        let function_declarations: Vec<_> = config.declarations().into_iter().map(function).collect();
        if function_declarations.is_empty() { Vec::new() } else { vec![Self { function_declarations }] }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'a> {
    response_modalities: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_config: Option<SpeechConfig<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SpeechConfig<'a> {
    voice_config: VoiceConfig<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VoiceConfig<'a> {
    prebuilt_voice_config: PrebuiltVoice<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PrebuiltVoice<'a> {
    voice_name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RealtimeInputConfig {
    automatic_activity_detection: ActivityDetection,
    activity_handling: &'static str,
}

impl RealtimeInputConfig {
    const fn of(settings: TurnDetection) -> Self {
        let (disabled, prefix_padding_ms, silence_duration_ms) = match settings {
            TurnDetection::ServerVad { prefix_padding_ms, silence_duration_ms, .. } => {
                (None, Some(prefix_padding_ms), Some(silence_duration_ms))
            }
            TurnDetection::Gateway { .. } => (Some(true), None, None),
            // Neither is a way that it has.
            TurnDetection::SemanticVad { .. } | TurnDetection::Both { .. } => (None, None, None),
        };
        let automatic_activity_detection = ActivityDetection { disabled, prefix_padding_ms, silence_duration_ms };
        Self { automatic_activity_detection, activity_handling: "START_OF_ACTIVITY_INTERRUPTS" }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivityDetection {
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_padding_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence_duration_ms: Option<u32>,
}

#[derive(Debug, Serialize)]
struct SessionResumption<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Compression {
    sliding_window: Nothing,
}

#[derive(Debug, Default, Serialize)]
struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Transcription<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    language_codes: Option<[&'a str; 1]>,
}

/// Something said or told, by us in the caller's name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientContent<'a> {
    turns: Vec<Content<'a>>,
    turn_complete: bool,
}

impl<'a> ClientContent<'a> {
    /// `answer`: whether the model is to speak at once.
    pub(super) fn text(text: &'a str, answer: bool) -> Self {
        Self { turns: vec![Content { role: Some("user"), parts: [Part { text }] }], turn_complete: answer }
    }

    /// What was said before this connection.
    pub(super) fn history(said: &'a [Said]) -> Self {
        let turn = |said: &'a Said| {
            let role = match said.speaker {
                Speaker::Caller => "user",
                Speaker::Agent => "model",
            };
            Content { role: Some(role), parts: [Part { text: said.text.expose() }] }
        };
        Self { turns: said.iter().map(turn).collect(), turn_complete: false }
    }
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [Part<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Part<'a> {
    text: &'a str,
}

/// What belongs to the caller's side as it happens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum RealtimeInput<'a> {
    ActivityStart {},
    ActivityEnd {},
    Text(&'a str),
}

/// What a tool answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResponse<'a> {
    function_responses: [FunctionResponse<'a>; 1],
}

impl<'a> ToolResponse<'a> {
    pub(super) const fn new(id: &'a str, name: &'a str, outcome: Outcome<'a>) -> Self {
        Self { function_responses: [FunctionResponse { id, name, response: outcome }] }
    }
}

#[derive(Debug, Serialize)]
struct FunctionResponse<'a> {
    id: &'a str,
    name: &'a str,
    response: Outcome<'a>,
}

/// By which key the model tells success from failure.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome<'a> {
    Output(&'a str),
    Error(&'a str),
}

const AUDIO_PREFIX: &str = r#"{"realtimeInput":{"audio":{"data":""#;
const AUDIO_TYPE: &str = r#"","mimeType":"audio/pcm;rate="#;
const AUDIO_SUFFIX: &str = r#""}}}"#;
const AUDIO_SUFFIX_MAX_LEN_BYTES: usize = AUDIO_TYPE.len() + 5 + AUDIO_SUFFIX.len();
