//! What a client may say, read strictly: a key the real service does not know is refused at any level.

use std::borrow::Cow;

use base64_simd::STANDARD;
use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::beta::BetaSession;
use super::{Refusal, Settings};

/// A client message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(super) enum Request<'a> {
    #[serde(rename = "session.update")]
    SessionUpdate { event_id: Option<String>, session: Box<AnySession> },
    #[serde(rename = "input_audio_buffer.append")]
    Append {
        #[serde(rename = "event_id")]
        _event_id: Option<String>,
        #[serde(borrow)]
        audio: Cow<'a, str>,
    },
    #[serde(rename = "input_audio_buffer.commit")]
    Commit { event_id: Option<String> },
    #[serde(rename = "input_audio_buffer.clear")]
    ClearInput { event_id: Option<String> },
    #[serde(rename = "conversation.item.create")]
    ItemCreate {
        event_id: Option<String>,
        #[serde(rename = "previous_item_id")]
        _previous_item_id: Option<String>,
        item: Item,
    },
    #[serde(rename = "conversation.item.truncate")]
    ItemTruncate { event_id: Option<String>, item_id: String, content_index: u32, audio_end_ms: u64 },
    #[serde(rename = "response.create")]
    ResponseCreate {
        event_id: Option<String>,
        #[serde(rename = "response")]
        _response: Option<Response>,
    },
    #[serde(rename = "response.cancel")]
    ResponseCancel {
        event_id: Option<String>,
        #[serde(rename = "response_id")]
        _response_id: Option<String>,
    },
}

impl<'a> Request<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Refusal> {
        serde_json::from_str(text).map_err(|error| {
            let code = code_of(&error);
            let event_id = serde_json::from_str::<Value>(text).ok().and_then(|value| Some(value.get("event_id")?.as_str()?.to_owned()));
            Refusal { code, message: error.to_string(), event_id }
        })
    }

    /// The base64 of an append written in the shortest way, without looking at any other byte of the message.
    pub(super) fn append_fast(text: &'a str) -> Option<&'a str> {
        let base64 = text.strip_prefix(r#"{"type":"input_audio_buffer.append","audio":""#)?.strip_suffix(r#""}"#)?;
        STANDARD.check(base64.as_bytes()).is_ok().then_some(base64)
    }

    pub(super) fn event_id(&self) -> Option<&str> {
        match self {
            Self::SessionUpdate { event_id, .. }
            | Self::Commit { event_id }
            | Self::ClearInput { event_id }
            | Self::ItemCreate { event_id, .. }
            | Self::ItemTruncate { event_id, .. }
            | Self::ResponseCreate { event_id, .. }
            | Self::ResponseCancel { event_id, .. } => event_id.as_deref(),
            Self::Append { .. } => None,
        }
    }
}

/// Settings, as they were written: which shape they must have is the session's to know.
#[derive(Debug, Deserialize)]
pub(super) struct AnySession(Value);

impl AnySession {
    /// The settings after this update of `before`.
    pub(super) fn apply(self, before: Settings, beta: bool) -> Result<Settings, Refusal> {
        if beta { read::<BetaSession>(self.0)?.apply(before) } else { read::<Session>(self.0)?.apply(before) }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::new(code_of(&error), error.to_string()))
}

fn code_of(error: &serde_json::Error) -> &'static str {
    if error.to_string().contains("unknown field") { "unknown_parameter" } else { "invalid_value" }
}

/// Settings. What is read only to be refused when misspelt has no name here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    r#type: String,
    #[serde(rename = "instructions")]
    _instructions: Option<String>,
    output_modalities: Option<Vec<String>>,
    audio: Option<Audio>,
    #[serde(rename = "tools")]
    _tools: Option<Vec<Value>>,
    #[serde(rename = "tool_choice")]
    _tool_choice: Option<Value>,
    #[serde(rename = "max_output_tokens")]
    _max_output_tokens: Option<Value>,
    #[serde(rename = "model")]
    _model: Option<String>,
    #[serde(rename = "truncation")]
    _truncation: Option<Value>,
    #[serde(rename = "tracing")]
    _tracing: Option<Value>,
}

impl Session {
    /// The settings after this update of `before`.
    pub(super) fn apply(&self, before: Settings) -> Result<Settings, Refusal> {
        if self.r#type != "realtime" {
            return Err(Refusal::new("invalid_value", "session.type must be realtime"));
        }
        if self.output_modalities.as_ref().is_some_and(|kinds| !matches!(kinds.as_slice(), [kind] if kind == "audio" || kind == "text")) {
            return Err(Refusal::new("invalid_value", "session.output_modalities must be [audio] or [text]"));
        }
        let mut settings = before;
        if let Some(input) = self.audio.as_ref().and_then(|audio| audio.input.as_ref()) {
            if let Some(format) = &input.format {
                settings.input = format.check()?;
            }
            settings.transcribe |= input.transcription.is_some();
            match &input.turn_detection {
                Some(Some(turns)) => turns.apply(&mut settings)?,
                Some(None) => settings.turn_detection = false,
                None => {}
            }
        }
        if let Some(format) = self.audio.as_ref().and_then(|audio| audio.output.as_ref()?.format.as_ref()) {
            settings.output = format.check()?;
        }
        Ok(settings)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    input: Option<Input>,
    output: Option<Output>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    format: Option<Format>,
    #[serde(rename = "noise_reduction")]
    _noise_reduction: Option<NoiseReduction>,
    transcription: Option<Transcription>,
    /// Null switches it off; absent, it stays as it was.
    #[serde(default, deserialize_with = "given")]
    turn_detection: Option<Option<Turns>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    format: Option<Format>,
    #[serde(rename = "voice")]
    _voice: Option<Value>,
    #[serde(rename = "speed")]
    _speed: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseReduction {
    #[serde(rename = "type")]
    _type: Option<String>,
    #[serde(rename = "strength")]
    _strength: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transcription {
    #[serde(rename = "model")]
    _model: Option<String>,
    #[serde(rename = "language")]
    _language: Option<String>,
    #[serde(rename = "prompt")]
    _prompt: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    r#type: String,
    rate: Option<u32>,
}

impl Format {
    fn check(&self) -> Result<AudioFormat, Refusal> {
        match (self.r#type.as_str(), self.rate) {
            ("audio/pcm", None | Some(24_000)) => Ok(AudioFormat::S16 { rate: SampleRate::HZ_24000 }),
            ("audio/pcmu", None) => Ok(AudioFormat::Ulaw8k),
            ("audio/pcma", None) => Ok(AudioFormat::Alaw8k),
            (kind, rate) => Err(Refusal::new("invalid_value", format!("no such format: {kind} {rate:?}"))),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Turns {
    ServerVad {
        threshold: Option<f32>,
        prefix_padding_ms: Option<u32>,
        silence_duration_ms: Option<u32>,
        #[serde(rename = "idle_timeout_ms")]
        _idle_timeout_ms: Option<u32>,
        #[serde(rename = "create_response")]
        _create_response: Option<bool>,
        interrupt_response: Option<bool>,
    },
    #[serde(alias = "azure_semantic_vad")]
    SemanticVad {
        eagerness: Option<String>,
        #[serde(rename = "create_response")]
        _create_response: Option<bool>,
        interrupt_response: Option<bool>,
    },
}

/// A key that is there, be it null.
pub(super) fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Turns>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Turns {
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<(), Refusal> {
        settings.turn_detection = true;
        let interrupt = match self {
            Self::ServerVad { threshold, prefix_padding_ms, silence_duration_ms, interrupt_response, .. } => {
                if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
                    return Err(Refusal::new("invalid_value", "threshold must be from 0 to 1"));
                }
                settings.prefix_padding_ms = prefix_padding_ms.unwrap_or(settings.prefix_padding_ms);
                settings.silence_duration_ms = silence_duration_ms.unwrap_or(settings.silence_duration_ms);
                interrupt_response
            }
            Self::SemanticVad { eagerness, interrupt_response, .. } => {
                if eagerness.as_ref().is_some_and(|word| !["low", "medium", "high", "auto"].contains(&word.as_str())) {
                    return Err(Refusal::new("invalid_value", "no such eagerness"));
                }
                interrupt_response
            }
        };
        settings.interrupt_response = interrupt.unwrap_or(settings.interrupt_response);
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Item {
    Message {
        #[serde(rename = "id")]
        _id: Option<String>,
        role: String,
        content: Vec<Content>,
    },
    FunctionCallOutput {
        #[serde(rename = "id")]
        _id: Option<String>,
        call_id: String,
        output: String,
    },
}

impl Item {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let Self::Message { role, content, .. } = self else { return Ok(()) };
        if !["system", "user", "assistant"].contains(&role.as_str()) {
            return Err(Refusal::new("invalid_value", format!("no such role: {role}")));
        }
        let wanted = if role == "assistant" { "output_text" } else { "input_text" };
        if content.iter().any(|content| content.r#type != wanted) {
            return Err(Refusal::new("invalid_value", format!("content of {role} must be {wanted}")));
        }
        Ok(())
    }

    /// The item as the service tells it back.
    pub(super) fn describe(&self, id: &str) -> Value {
        match self {
            Self::Message { role, content, .. } => {
                let content: Vec<_> = content.iter().map(|part| json!({"type": part.r#type, "text": part.text})).collect();
                json!({"object": "realtime.item", "id": id, "type": "message", "status": "completed", "role": role, "content": content})
            }
            Self::FunctionCallOutput { call_id, output, .. } => {
                json!({"object": "realtime.item", "id": id, "type": "function_call_output", "call_id": call_id, "output": output})
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    r#type: String,
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    #[serde(rename = "instructions")]
    _instructions: Option<String>,
    #[serde(rename = "output_modalities")]
    _output_modalities: Option<Vec<String>>,
    #[serde(rename = "conversation")]
    _conversation: Option<String>,
    #[serde(rename = "metadata")]
    _metadata: Option<Value>,
    #[serde(rename = "tools")]
    _tools: Option<Vec<Value>>,
    #[serde(rename = "tool_choice")]
    _tool_choice: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> &'static str {
        match Request::parse(text) {
            Ok(Request::SessionUpdate { session, .. }) => session.apply(Settings::default(), false).unwrap_err().code,
            Ok(Request::ItemCreate { item, .. }) => item.check().unwrap_err().code,
            Ok(other) => panic!("{other:?} was taken"),
            Err(refusal) => refusal.code,
        }
    }

    #[test]
    fn a_key_the_service_does_not_know_is_refused_at_every_level() {
        for text in [
            r#"{"type":"session.update","session":{"type":"realtime"},"x":1}"#,
            r#"{"type":"session.update","session":{"type":"realtime","input_audio_format":"pcm16"}}"#,
            r#"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":{"type":"server_vad","silence_ms":1}}}}}"#,
            r#"{"type":"session.update","session":{"type":"realtime","audio":{"output":{"format":{"type":"audio/pcmu","channels":1}}}}}"#,
            r#"{"type":"input_audio_buffer.append","audio":"","rate":8000}"#,
            r#"{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"","x":1}]}}"#,
            r#"{"type":"response.create","response":{"voice":"x"}}"#,
        ] {
            assert_eq!(refused(text), "unknown_parameter", "{text}");
        }
    }

    #[test]
    fn formats_and_rates_the_service_does_not_have_are_refused() {
        for format in [r#"{"type":"audio/opus"}"#, r#"{"type":"audio/pcm","rate":8000}"#, r#"{"type":"audio/pcmu","rate":16000}"#] {
            let text = format!(r#"{{"type":"session.update","session":{{"type":"realtime","audio":{{"input":{{"format":{format}}}}}}}}}"#);
            assert_eq!(refused(&text), "invalid_value", "{text}");
        }
        assert_eq!(refused(r#"{"type":"session.update","session":{"type":"transcription"}}"#), "invalid_value");
    }

    #[test]
    fn messages_without_what_they_need_are_refused() {
        assert_eq!(refused(r#"{"type":"conversation.item.truncate","item_id":"i","audio_end_ms":1}"#), "invalid_value");
        assert_eq!(
            refused(r#"{"type":"conversation.item.create","item":{"type":"message","role":"developer","content":[]}}"#),
            "invalid_value"
        );
        assert_eq!(refused(r#"{"type":"session.start"}"#), "invalid_value");
        assert_eq!(refused("[]"), "invalid_value");
    }
}
