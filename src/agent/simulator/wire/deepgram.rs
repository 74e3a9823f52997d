//! Deepgram Voice Agent, from the side that is called.

use std::borrow::Cow;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{json as read, require};
use super::{ClientSays, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;

/// One session.
#[derive(Default)]
pub(super) struct Deepgram {
    format: Option<AudioFormat>,
}

/// What a client may say but audio.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum ClientMessage {
    Settings {
        audio: Box<Audio>,
        agent: Box<Agent>,
    },
    KeepAlive {},
    ForceEndTurn {},
    InjectUserMessage {
        #[serde(rename = "content")]
        _content: String,
    },
    UpdatePrompt {
        #[serde(rename = "prompt")]
        _prompt: String,
    },
    FunctionCallResponse {
        #[serde(rename = "id")]
        _id: String,
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "content")]
        _content: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    input: Side,
    output: Side,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    encoding: String,
    sample_rate: u32,
    container: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agent {
    greeting: Option<String>,
    #[serde(rename = "listen")]
    _listen: Listener,
    #[serde(rename = "think")]
    _think: Thinker,
    #[serde(rename = "speak")]
    _speak: Option<Listener>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    #[serde(rename = "provider")]
    _provider: Provider,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Thinker {
    #[serde(rename = "provider")]
    _provider: Provider,
    #[serde(rename = "prompt")]
    _prompt: Option<String>,
    #[serde(rename = "functions")]
    _functions: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    #[serde(rename = "type")]
    _type: String,
    #[serde(rename = "model")]
    _model: String,
    #[serde(rename = "language")]
    _language: Option<String>,
}

impl Side {
    fn format(&self) -> Result<AudioFormat, Refusal> {
        let unknown = || Refusal::new("INVALID_SETTINGS", format!("no such format: {} at {}", self.encoding, self.sample_rate));
        match (self.encoding.as_str(), self.sample_rate) {
            ("mulaw", 8_000) => Ok(AudioFormat::Ulaw8k),
            ("alaw", 8_000) => Ok(AudioFormat::Alaw8k),
            ("linear16", hz) => SampleRate::new(hz).map(|rate| AudioFormat::S16 { rate }).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

impl Wire for Deepgram {
    fn open(&mut self, out: &mut Outputs) {
        out.send(&json!({"type": "Welcome", "request_id": "simulator"}));
    }

    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let text = match (message, self.format) {
            (AgentMessage::Text(text), _) => text,
            (AgentMessage::Binary(_), None) => return Err(Refusal::new("BINARY_MESSAGE_BEFORE_SETTINGS", "audio came before settings")),
            (AgentMessage::Binary(audio), Some(format)) => {
                require(audio.len().is_multiple_of(format.sample_len_bytes()), "audio is not of whole samples")?;
                return Ok((Cow::Borrowed("audio"), ClientSays::Audio(Cow::Borrowed(audio))));
            }
        };
        Ok(match read::<ClientMessage>(text)? {
            ClientMessage::Settings { audio, agent } => {
                require(self.format.is_none(), "settings came twice")?;
                require(audio.output.container.as_deref() == Some("none"), "audio would come with headers")?;
                let settings = Settings {
                    output: audio.output.format()?,
                    transcribe: true,
                    greets: agent.greeting.is_some(),
                    ..Settings::of(audio.input.format()?)
                };
                self.format = Some(settings.input);
                (Cow::Borrowed("Settings"), ClientSays::Settings(settings))
            }
            ClientMessage::KeepAlive {} => (Cow::Borrowed("KeepAlive"), ClientSays::Taken),
            _ if self.format.is_none() => return Err(Refusal::new("out_of_order", "settings come first")),
            ClientMessage::ForceEndTurn {} => (Cow::Borrowed("ForceEndTurn"), ClientSays::TurnEnded),
            ClientMessage::InjectUserMessage { .. } => (Cow::Borrowed("InjectUserMessage"), ClientSays::Speak),
            ClientMessage::UpdatePrompt { .. } => (Cow::Borrowed("UpdatePrompt"), ClientSays::Taken),
            ClientMessage::FunctionCallResponse { .. } => (Cow::Borrowed("FunctionCallResponse"), ClientSays::Taken),
        })
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        out.send(&json!({"type": "SettingsApplied"}));
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        out.send(&json!({"type": "ConversationText", "role": "assistant", "content": words}));
        out.send(&json!({"type": "AgentStartedSpeaking", "total_latency": 0.1, "tts_latency": 0.05, "ttt_latency": 0.05}));
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        out.push(Output::SendBytes(audio.to_vec()));
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        self.say(&super::strict::base64(base64).unwrap_or_default(), out);
    }

    fn end(&mut self, ending: Ending, _words: &str, out: &mut Outputs) {
        if ending == Ending::Completed {
            out.send(&json!({"type": "AgentAudioDone"}));
        }
    }

    fn caller_started(&mut self, _at_ms: u64, out: &mut Outputs) {
        out.send(&json!({"type": "UserStartedSpeaking"}));
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            out.send(&json!({"type": "ConversationText", "role": "user", "content": words}));
        }
    }

    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.send(&json!({"type": "Error", "code": code, "description": "as the simulator was told to"}));
    }

    /// Says why before it closes.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Outputs) {
        out.send(&json!({"type": "Error", "code": refusal.code, "description": refusal.message}));
        out.push(Output::Close(1008, refusal.reason()));
    }
}
