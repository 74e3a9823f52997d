//! A bot behind a carrier that sends audio as bytes: Vonage or jambonz.

use std::borrow::Cow;
use std::collections::VecDeque;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde_json::{Value, json};

use super::strict::{json as read, require};
use super::{ClientSays, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::config::Protocol;
use crate::agent::model::AgentMessage;

/// One stream.
pub(super) struct Bytes {
    protocol: Protocol,
    format: Option<AudioFormat>,
    utterances: u64,
    /// Marks that have not come back.
    marks: VecDeque<String>,
}

impl Bytes {
    pub(super) const fn new(protocol: Protocol) -> Self {
        Self { protocol, format: None, utterances: 0, marks: VecDeque::new() }
    }

    fn first(&mut self, message: &Value) -> Result<Settings, Refusal> {
        let hz = match self.protocol {
            Protocol::Vonage => {
                require(message.get("event").and_then(Value::as_str) == Some("websocket:connected"), "the first message says that it is")?;
                let content = message.get("content-type").and_then(Value::as_str).unwrap_or_default();
                content.strip_prefix("audio/l16;rate=").and_then(|hz| hz.parse().ok())
            }
            _ => {
                require(
                    message.get("callSid").is_some() && message.get("mixType") == Some(&json!("mono")),
                    "the first message is the call",
                )?;
                message.get("sampleRate").and_then(Value::as_u64).and_then(|hz| u32::try_from(hz).ok())
            }
        };
        let rate = hz.and_then(SampleRate::new).ok_or_else(|| Refusal::new("invalid_value", "no such rate"))?;
        let format = AudioFormat::S16 { rate };
        self.format = Some(format);
        Ok(Settings::of(format))
    }

    fn back(&mut self, name: Option<&str>, cleared: bool) -> Result<(), Refusal> {
        let name = name.ok_or_else(|| Refusal::new("invalid_value", "a mark has no name"))?;
        // Vonage drops those that were cleared.
        while self.protocol == Protocol::Vonage && !cleared && self.marks.front().is_some_and(|front| front != name) {
            self.marks.pop_front();
        }
        require(self.marks.pop_front().as_deref() == Some(name), "a mark came back that was not the next")
    }
}

impl Wire for Bytes {
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let text = match (message, self.format) {
            (AgentMessage::Text(text), _) => text,
            (AgentMessage::Binary(_), None) => return Err(Refusal::new("out_of_order", "the call comes first")),
            (AgentMessage::Binary(audio), Some(format)) => {
                let frame = format.rate().samples(std::time::Duration::from_millis(20)) as usize * format.sample_len_bytes();
                require(audio.len() == frame, "a frame is not 20 ms")?;
                return Ok((Cow::Borrowed("audio"), ClientSays::Audio(Cow::Borrowed(audio))));
            }
        };
        let message: Value = read(text)?;
        if self.format.is_none() {
            return Ok((Cow::Borrowed("start"), ClientSays::Settings(self.first(&message)?)));
        }
        let kind = message.get("event").or_else(|| message.get("type")).and_then(Value::as_str).unwrap_or_default().to_owned();
        match (self.protocol, kind.as_str()) {
            (Protocol::Vonage, "websocket:dtmf") => {
                require(message.get("digit").and_then(Value::as_str).is_some_and(|digit| digit.len() == 1), "no such key")?;
            }
            (Protocol::Vonage, "websocket:cleared") => {}
            (Protocol::Vonage, "websocket:notify") => self.back(message.pointer("/payload/name").and_then(Value::as_str), false)?,
            (Protocol::Jambonz, "dtmf") => {
                require(message.get("dtmf").and_then(Value::as_str).is_some_and(|digit| digit.len() == 1), "no such key")?;
            }
            (Protocol::Jambonz, "mark") => {
                let how = message.pointer("/data/event").and_then(Value::as_str).unwrap_or_default();
                require(matches!(how, "playout" | "cleared"), "a mark is played or cleared")?;
                self.back(message.pointer("/data/name").and_then(Value::as_str), how == "cleared")?;
            }
            (_, other) => return Err(Refusal::new("unknown_event", format!("no such event: {other}"))),
        }
        Ok((Cow::Owned(kind), ClientSays::Taken))
    }

    fn begin(&mut self, _words: &str, _out: &mut Outputs) {
        self.utterances += 1;
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        out.push(Output::SendBytes(audio.to_vec()));
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        self.say(&super::strict::base64(base64).unwrap_or_default(), out);
    }

    fn end(&mut self, ending: Ending, _words: &str, out: &mut Outputs) {
        let vonage = self.protocol == Protocol::Vonage;
        if ending != Ending::Completed {
            return out.send(&if vonage { json!({"action": "clear"}) } else { json!({"type": "killAudio"}) });
        }
        let name = format!("u{}", self.utterances);
        let mark = match vonage {
            true => json!({"action": "notify", "payload": {"name": name}}),
            false => json!({"type": "mark", "data": {"name": name}}),
        };
        if self.marks.len() < MAX_MARKS {
            self.marks.push_back(name);
            out.send(&mark);
        }
    }

    /// A bot has no message for errors: it closes.
    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.push(Output::Close(1011, code.to_owned()));
    }
}

const MAX_MARKS: usize = 1_024;
