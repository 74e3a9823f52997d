//! ElevenLabs Agents, from the side that is called.

use std::borrow::Cow;

use media::frame::AudioFormat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{base64, json as read, require};
use super::{ClientSays, Ending, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;

/// One session.
pub(super) struct ElevenLabs {
    /// The agent's own setting.
    format: AudioFormat,
    initiated: bool,
    events: i64,
    pings: i64,
}

/// What a client may say with a type.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum ClientMessage {
    ConversationInitiationClientData {
        #[serde(rename = "dynamic_variables")]
        _dynamic_variables: Option<Value>,
        #[serde(rename = "user_id")]
        _user_id: Option<String>,
        conversation_config_override: Option<Override>,
    },
    Pong {
        event_id: i64,
    },
    ClientToolResult {
        #[serde(rename = "tool_call_id")]
        _tool_call_id: String,
        #[serde(rename = "result")]
        _result: Value,
        #[serde(rename = "is_error")]
        _is_error: bool,
    },
    UserMessage {
        #[serde(rename = "text")]
        _text: String,
    },
    UserActivity {},
    ContextualUpdate {
        #[serde(rename = "text")]
        _text: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    agent: Option<AgentOverride>,
    #[serde(rename = "tts")]
    _tts: Option<Voice>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentOverride {
    #[serde(rename = "language")]
    _language: Option<String>,
    first_message: Option<String>,
    #[serde(rename = "prompt")]
    _prompt: Option<Prompt>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prompt {
    #[serde(rename = "prompt")]
    _prompt: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Voice {
    #[serde(rename = "voice_id")]
    _voice_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunk<'a> {
    #[serde(borrow)]
    user_audio_chunk: Cow<'a, str>,
}

impl ElevenLabs {
    pub(super) const fn new(format: AudioFormat) -> Self {
        Self { format, initiated: false, events: 0, pings: 0 }
    }

    fn format_name(&self) -> String {
        match self.format {
            AudioFormat::Ulaw8k | AudioFormat::Alaw8k => "ulaw_8000".to_owned(),
            AudioFormat::S16 { rate } => format!("pcm_{}", rate.hz()),
        }
    }

    fn ping(&mut self, out: &mut Outputs) {
        self.pings += 1;
        out.send(&json!({"type": "ping", "ping_event": {"event_id": self.pings, "ping_ms": 20}}));
    }
}

impl Wire for ElevenLabs {
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let AgentMessage::Text(text) = message else { return Err(Refusal::new("invalid_message", "messages are text")) };
        if text.starts_with(r#"{"user_audio_chunk""#) {
            if !self.initiated {
                return Err(Refusal::new("out_of_order", "the initiation comes first"));
            }
            let audio = base64(&read::<Chunk<'_>>(text)?.user_audio_chunk)?;
            require(audio.len().is_multiple_of(self.format.sample_len_bytes()), "audio is not of whole samples")?;
            return Ok((Cow::Borrowed("user_audio_chunk"), ClientSays::Audio(Cow::Owned(audio))));
        }
        let message: ClientMessage = read(text)?;
        Ok(match message {
            ClientMessage::ConversationInitiationClientData { conversation_config_override, .. } => {
                require(!std::mem::replace(&mut self.initiated, true), "the initiation came twice")?;
                let greets = conversation_config_override.and_then(|own| own.agent?.first_message).is_some();
                let settings = Settings { transcribe: true, greets, ..Settings::of(self.format) };
                (Cow::Borrowed("conversation_initiation_client_data"), ClientSays::Settings(settings))
            }
            _ if !self.initiated => return Err(Refusal::new("out_of_order", "the initiation comes first")),
            ClientMessage::Pong { event_id } => {
                require((1..=self.pings).contains(&event_id), "a pong without its ping")?;
                (Cow::Borrowed("pong"), ClientSays::Taken)
            }
            ClientMessage::ClientToolResult { .. } => (Cow::Borrowed("client_tool_result"), ClientSays::Taken),
            ClientMessage::UserMessage { .. } => (Cow::Borrowed("user_message"), ClientSays::Speak),
            ClientMessage::UserActivity {} => (Cow::Borrowed("user_activity"), ClientSays::Taken),
            ClientMessage::ContextualUpdate { .. } => (Cow::Borrowed("contextual_update"), ClientSays::Taken),
        })
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        let format = self.format_name();
        out.send(&json!({"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event":
            {"conversation_id": "conv_simulator", "agent_output_audio_format": format, "user_input_audio_format": format}}));
        self.ping(out);
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        self.events += 1;
        out.send(&json!({"type": "agent_response", "agent_response_event": {"agent_response": words, "event_id": self.events}}));
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        self.say_base64(&base64_simd::STANDARD.encode_to_string(audio), audio.len(), out);
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        out.send(&json!({"type": "audio", "audio_event": {"audio_base_64": base64, "event_id": self.events}}));
    }

    fn end(&mut self, ending: Ending, words: &str, out: &mut Outputs) {
        if ending == Ending::Interrupted {
            out.send(&json!({"type": "interruption", "interruption_event": {"event_id": self.events}}));
            out.send(&json!({"type": "agent_response_correction", "agent_response_correction_event":
                {"original_agent_response": words, "corrected_agent_response": "…", "event_id": self.events}}));
        }
        self.ping(out);
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            out.send(&json!({"type": "user_transcript", "user_transcription_event": {"user_transcript": words, "event_id": self.events}}));
        }
    }

    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.send(&json!({"type": "error", "error_event": {"code": 1011, "error_type": code, "message": "as the simulator was told to"}}));
    }
}
