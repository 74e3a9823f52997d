//! OpenAI GPT-Live, from the side that is called; silent where the service would send silence.

use std::borrow::Cow;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{base64, json as read, require};
use super::{ClientSays, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;

/// One session.
#[derive(Default)]
pub(super) struct GptLive {
    format: Option<AudioFormat>,
    events: u64,
}

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum ClientEvent<'a> {
    #[serde(rename = "session.start")]
    Start { session: Box<Session> },
    #[serde(rename = "session.input_audio.append")]
    Append {
        #[serde(borrow)]
        audio: Cow<'a, str>,
    },
    #[serde(rename = "session.instructions.append")]
    Instructions {
        content: String,
        #[serde(rename = "delegation_id", deserialize_with = "there")]
        _delegation_id: Option<String>,
    },
    #[serde(rename = "session.close")]
    Close {},
}

/// A key that has to be there, be it null.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    model: String,
    #[serde(rename = "instructions")]
    _instructions: Option<String>,
    #[serde(rename = "store")]
    _store: Option<bool>,
    audio: Audio,
    #[serde(rename = "delegation")]
    _delegation: Option<Value>,
    #[serde(rename = "input")]
    _input: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    format: Format,
    #[serde(rename = "output")]
    _output: Option<Speaker>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Speaker {
    #[serde(rename = "voice")]
    _voice: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    r#type: String,
    rate: u32,
}

impl Format {
    fn check(&self) -> Result<AudioFormat, Refusal> {
        match (self.r#type.as_str(), self.rate) {
            ("audio/pcmu", 8_000) => Ok(AudioFormat::Ulaw8k),
            ("audio/pcma", 8_000) => Ok(AudioFormat::Alaw8k),
            ("audio/pcm", 16_000) => Ok(AudioFormat::S16 { rate: SampleRate::HZ_16000 }),
            ("audio/pcm", 24_000) => Ok(AudioFormat::S16 { rate: SampleRate::HZ_24000 }),
            (kind, rate) => Err(Refusal::new("invalid_value", format!("no such format: {kind} {rate}"))),
        }
    }
}

impl GptLive {
    fn event(&mut self, mut event: Value, out: &mut Outputs) {
        self.events += 1;
        if let Some(fields) = event.as_object_mut() {
            fields.insert("event_id".to_owned(), format!("event_{}", self.events).into());
        }
        out.send(&event);
    }
}

impl Wire for GptLive {
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let AgentMessage::Text(text) = message else { return Err(Refusal::new("invalid_value", "messages are text")) };
        let event: ClientEvent<'a> = read(text)?;
        match (event, self.format) {
            (ClientEvent::Start { session }, None) => {
                require(!session.model.is_empty(), "a model has to be named")?;
                let format = session.audio.format.check()?;
                self.format = Some(format);
                Ok((Cow::Borrowed("session.start"), ClientSays::Settings(Settings { transcribe: true, ..Settings::of(format) })))
            }
            (ClientEvent::Start { .. }, Some(_)) => Err(Refusal::new("out_of_order", "the session has started")),
            (_, None) => Err(Refusal::new("out_of_order", "session.start comes first")),
            (ClientEvent::Append { audio }, Some(format)) => {
                let audio = base64(&audio)?;
                require(audio.len().is_multiple_of(format.sample_len_bytes()), "audio is not of whole samples")?;
                Ok((Cow::Borrowed("session.input_audio.append"), ClientSays::Audio(Cow::Owned(audio))))
            }
            (ClientEvent::Instructions { content, .. }, Some(_)) => {
                require(!content.is_empty(), "instructions are empty")?;
                self.event(json!({"type": "session.instructions.appended"}), out);
                Ok((Cow::Borrowed("session.instructions.append"), ClientSays::Speak))
            }
            (ClientEvent::Close {}, Some(_)) => {
                self.event(json!({"type": "session.closed", "reason": "close_requested", "session": {"id": "live_simulator"}}), out);
                Ok((Cow::Borrowed("session.close"), ClientSays::Goodbye))
            }
        }
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        self.event(json!({"type": "session.started", "session": {"id": "live_simulator"}}), out);
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        self.event(json!({"type": "session.output_transcript.delta", "delta": words, "start_ms": 0, "end_ms": 0}), out);
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        self.say_base64(&base64_simd::STANDARD.encode_to_string(audio), audio.len(), out);
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        out.send(&json!({"type": "session.output_audio.delta", "delta": base64}));
    }

    /// Nothing says so.
    fn end(&mut self, _ending: Ending, _words: &str, _out: &mut Outputs) {}

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            self.event(json!({"type": "session.input_transcript.delta", "delta": words, "start_ms": 0, "end_ms": 0}), out);
        }
    }

    fn fail(&mut self, code: &str, out: &mut Outputs) {
        self.event(json!({"type": "error", "error": {"type": "invalid_request_error", "code": code, "message": "as told"}}), out);
    }

    /// Says why before it closes.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Outputs) {
        let error = json!({"type": "invalid_request_error", "code": refusal.code, "message": refusal.message});
        self.event(json!({"type": "error", "error": error}), out);
        out.push(Output::Close(1008, refusal.reason()));
    }
}
