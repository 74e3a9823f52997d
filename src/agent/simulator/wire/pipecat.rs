//! A Pipecat bot behind its own frames, with RTVI.

use std::borrow::Cow;

use media::frame::AudioFormat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{json as read, require};
use super::{ClientSays, Door, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;
use crate::agent::protocol::pipecat::wire::{Frame, write_audio, write_interruption, write_message};

/// One session.
pub(super) struct Pipecat {
    /// What it is set up to speak.
    format: AudioFormat,
    greeted: bool,
    messages: u64,
    /// It is spoken with in a room, and not here.
    in_a_room: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    label: String,
    r#type: String,
    id: String,
    data: Value,
}

impl Pipecat {
    pub(super) const fn new(format: AudioFormat) -> Self {
        Self { format, greeted: false, messages: 0, in_a_room: false }
    }

    pub(super) const fn in_a_room(format: AudioFormat) -> Self {
        Self { in_a_room: true, ..Self::new(format) }
    }

    fn tell(&mut self, kind: &str, content: Value, out: &mut Outputs) {
        self.messages += 1;
        let message = json!({"label": "rtvi-ai", "type": kind, "id": self.messages.to_string(), "data": content}).to_string();
        let mut bytes = Vec::new();
        write_message(&message, &mut bytes);
        out.push(Output::SendBytes(bytes));
    }

    fn message<'a>(&mut self, text: &str) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let Message { label, r#type, id, data } = read(text)?;
        require(label == "rtvi-ai" && !id.is_empty(), "the message has no envelope")?;
        let said = match r#type.as_str() {
            "client-ready" => {
                require(!std::mem::replace(&mut self.greeted, true), "client-ready comes once")?;
                let about = data.pointer("/about/library").and_then(Value::as_str);
                require(data.get("version").is_some_and(Value::is_string) && about.is_some(), "client-ready says who it is")?;
                ClientSays::Settings(Settings { transcribe: true, ..Settings::of(self.format) })
            }
            _ if !self.greeted => return Err(Refusal::new("out_of_order", "client-ready comes first")),
            "dtmf" => {
                let buttons = data.get("buttons").and_then(Value::as_array);
                require(buttons.is_some_and(|buttons| !buttons.is_empty()), "no key")?;
                ClientSays::Taken
            }
            "send-text" => {
                let speaks = data.pointer("/options/run_immediately").and_then(Value::as_bool).unwrap_or(true);
                if speaks { ClientSays::Speak } else { ClientSays::Taken }
            }
            "llm-function-call-result" => ClientSays::Taken,
            other => return Err(Refusal::new("unknown_event", format!("no such message: {other}"))),
        };
        Ok((Cow::Owned(r#type), said))
    }
}

/// What Pipecat Cloud is asked to start.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    transport: String,
    create_daily_room: Option<bool>,
    daily_room_properties: Option<RoomProperties>,
    body: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomProperties {
    sip: Sip,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sip {
    #[serde(rename = "display_name")]
    _display_name: String,
    sip_mode: String,
    num_endpoints: u8,
}

impl Wire for Pipecat {
    /// As Pipecat Cloud does it: the bot finds the body in its arguments.
    fn arrange(&mut self, question: &str, door: &Door) -> Result<(Value, Option<Settings>), Refusal> {
        let Start { transport, create_daily_room, daily_room_properties, body } = read(question)?;
        if self.in_a_room {
            let sip = daily_room_properties.map(|properties| properties.sip);
            let by_sip = sip.is_some_and(|sip| sip.sip_mode == "dial-in" && sip.num_endpoints == 1);
            require(transport == "daily" && create_daily_room == Some(true) && by_sip, "no room with a place for one caller")?;
            let told = ["call_id", "call_domain"]
                .into_iter()
                .all(|name| body.pointer(&format!("/dialin_settings/{name}")).is_some_and(Value::is_string));
            let back = ["daily_api_key", "daily_api_url"].into_iter().all(|name| body.get(name).is_some_and(Value::is_string));
            require(told && back, "the bot cannot say that the room is ready")?;
            return Ok((
                json!({"sessionId": "session-simulator", "dailyRoom": "https://simulator.daily.co/room", "dailyToken": door.token}),
                None,
            ));
        }
        require(transport == "websocket", "another transport than a WebSocket")?;
        require(create_daily_room.is_none() && daily_room_properties.is_none(), "a room that nobody enters")?;
        require(body.to_string().len() <= MAX_START_BODY_LEN, "the body is longer than 4 KiB")?;
        let named = |name: &str| body.pointer(name).is_some_and(Value::is_string);
        require(named("/dialin_settings/call_id") && named("/dialin_settings/call_domain"), "the call has no name")?;
        let url = format!("{}/ws/generic/bot.simulator", door.url);
        Ok((json!({"sessionId": "session-simulator", "wsUrl": url, "token": door.token}), None))
    }

    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let AgentMessage::Binary(bytes) = message else { return Err(Refusal::new("invalid_value", "messages are bytes")) };
        match Frame::parse(bytes).map_err(|error| Refusal::new("invalid_value", error.to_string()))? {
            Frame::Audio { audio, sample_rate, channels } => {
                let fits = sample_rate == u64::from(self.format.rate().hz()) && channels == 1 && audio.len().is_multiple_of(2);
                require(fits, "this simulator hears what it speaks")?;
                Ok((Cow::Borrowed("audio"), ClientSays::Audio(Cow::Borrowed(audio))))
            }
            Frame::Message(text) => self.message(text),
            Frame::Interruption => Ok((Cow::Borrowed("interruption"), ClientSays::Cancel)),
            Frame::Text | Frame::Transcription { .. } | Frame::Unknown => Err(Refusal::new("unknown_event", "no such frame")),
        }
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        self.tell("bot-ready", json!({"version": "2.2.0"}), out);
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        self.tell("bot-started-speaking", Value::Null, out);
        self.tell("bot-output", json!({"text": words, "spoken": true}), out);
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        let mut bytes = Vec::new();
        write_audio(audio, self.format.rate().hz(), &mut bytes);
        out.push(Output::SendBytes(bytes));
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        self.say(&super::strict::base64(base64).unwrap_or_default(), out);
    }

    fn end(&mut self, ending: Ending, _words: &str, out: &mut Outputs) {
        if ending == Ending::Completed {
            return self.tell("bot-stopped-speaking", Value::Null, out);
        }
        let mut bytes = Vec::new();
        write_interruption(&mut bytes);
        out.push(Output::SendBytes(bytes));
    }

    fn caller_started(&mut self, _at_ms: u64, out: &mut Outputs) {
        self.tell("user-started-speaking", Value::Null, out);
    }

    fn caller_stopped(&mut self, _at_ms: u64, out: &mut Outputs) {
        self.tell("user-stopped-speaking", Value::Null, out);
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            self.tell("user-transcription", json!({"text": words, "user_id": "caller", "timestamp": "0", "final": true}), out);
        }
    }

    fn fail(&mut self, code: &str, out: &mut Outputs) {
        self.tell("error", json!({"error": code, "fatal": false}), out);
    }
}

/// What may be told over a WebSocket's `start`.
const MAX_START_BODY_LEN: usize = 4 * 1_024;
