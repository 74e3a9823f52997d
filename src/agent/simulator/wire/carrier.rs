//! A bot behind a carrier that writes JSON: Twilio, Telnyx, Plivo or Exotel. What a carrier sends has to be in order: the call
//! before its audio, every message and frame counted, each frame of the length that the carrier sends, marks as they were set.

use std::borrow::Cow;
use std::collections::VecDeque;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::strict::{base64, json as read, require};
use super::{ClientSays, Ending, Outputs, Refusal, Settings, Wire};
use crate::agent::config::Protocol;
use crate::agent::model::AgentMessage;

/// One stream.
pub(super) struct Carrier {
    protocol: Protocol,
    connected: bool,
    /// Name and format, once there was a `start`.
    stream: Option<(String, AudioFormat)>,
    sequence: u64,
    chunk: u64,
    heard_bytes: u64,
    utterances: u64,
    /// Marks that have not come back.
    marks: VecDeque<String>,
    stopped: bool,
}

impl Carrier {
    pub(super) const fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            // Its first message is the start.
            connected: matches!(protocol, Protocol::Plivo),
            stream: None,
            sequence: 0,
            chunk: 0,
            heard_bytes: 0,
            utterances: 0,
            marks: VecDeque::new(),
            stopped: false,
        }
    }

    fn start(&mut self, message: &Value) -> Result<Settings, Refusal> {
        require(self.connected && self.stream.is_none(), "start comes once, after connected")?;
        let start = message.get("start").ok_or_else(|| Refusal::new("invalid_value", "start is empty"))?;
        known(start, START_KEYS)?;
        let name = named(start, &["streamSid", "streamId", "stream_sid"]).or_else(|| named(message, &["stream_id"]));
        let name = name.ok_or_else(|| Refusal::new("invalid_value", "the stream has no name"))?;
        require(named(start, &["callSid", "callId", "call_sid", "call_control_id"]).is_some(), "the call has no name")?;
        let format = start.get("mediaFormat").or_else(|| start.get("media_format")).and_then(format_of);
        let format = format.ok_or_else(|| Refusal::new("invalid_value", "no such format of audio"))?;
        require(self.protocol != Protocol::Twilio || format == AudioFormat::Ulaw8k, "Twilio has μ-law alone")?;
        self.stream = Some((name.to_owned(), format));
        Ok(Settings::of(format))
    }

    fn media(&mut self, message: &Value) -> Result<Vec<u8>, Refusal> {
        let (_, format) = self.stream.clone().ok_or_else(|| Refusal::new("out_of_order", "start comes first"))?;
        let media = message.get("media").ok_or_else(|| Refusal::new("invalid_value", "media is empty"))?;
        known(media, &["track", "chunk", "timestamp", "payload"])?;
        self.chunk += 1;
        require(number(media.get("chunk")) == Some(self.chunk), "a frame is missing, or counted twice")?;
        let at_ms = format.rate().millis(self.heard_bytes / format.sample_len_bytes() as u64);
        require(number(media.get("timestamp")) == Some(at_ms), "a frame is not where its audio is")?;
        let audio = base64(media.get("payload").and_then(Value::as_str).unwrap_or("!"))?;
        let frame_ms = if self.protocol == Protocol::Exotel { 100 } else { 20 };
        let samples = format.rate().samples(std::time::Duration::from_millis(frame_ms)) as usize;
        require(audio.len() == samples * format.sample_len_bytes(), "a frame is not of the length that the carrier sends")?;
        self.heard_bytes += audio.len() as u64;
        Ok(audio)
    }

    /// A mark that came back is the oldest that has not; Plivo drops those that were cleared.
    fn mark(&mut self, name: Option<&str>) -> Result<(), Refusal> {
        let name = name.ok_or_else(|| Refusal::new("invalid_value", "a mark has no name"))?;
        if self.protocol == Protocol::Plivo {
            while self.marks.front().is_some_and(|front| front != name) {
                self.marks.pop_front();
            }
        }
        require(self.marks.pop_front().as_deref() == Some(name), "a mark came back that was not the next")
    }

    fn count(&mut self, message: &Value) -> Result<(), Refusal> {
        self.sequence += 1;
        let sequence = message.get("sequenceNumber").or_else(|| message.get("sequence_number"));
        require(number(sequence) == Some(self.sequence), "a message is missing, or counted twice")?;
        let name = named(message, &["streamSid", "streamId", "stream_sid", "stream_id"]);
        let own = self.stream.as_ref().map(|(name, _)| name.as_str());
        require(name.is_none() || own.is_none() || name == own, "a message of another stream")
    }

    fn speak(&self, message: Value, out: &mut Outputs) {
        let Some((stream, _)) = &self.stream else { return };
        let mut message = message;
        let key = match self.protocol {
            Protocol::Twilio => "streamSid",
            Protocol::Plivo => "streamId",
            Protocol::Exotel => "stream_sid",
            // A bot of Telnyx names no stream.
            _ => return out.send(&message),
        };
        if let Some(fields) = message.as_object_mut() {
            fields.insert(key.to_owned(), stream.clone().into());
        }
        out.send(&message);
    }
}

impl Wire for Carrier {
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let AgentMessage::Text(text) = message else { return Err(Refusal::new("invalid_value", "messages are text")) };
        require(!self.stopped, "the stream has stopped")?;
        let message: Value = read(text)?;
        known(&message, MESSAGE_KEYS)?;
        let event = named(&message, &["event"]).unwrap_or_default().to_owned();
        if event != "connected" {
            self.count(&message)?;
        }
        let said = match event.as_str() {
            "connected" => {
                require(!std::mem::replace(&mut self.connected, true), "connected comes once")?;
                ClientSays::Taken
            }
            "start" => ClientSays::Settings(self.start(&message)?),
            "media" => ClientSays::Audio(Cow::Owned(self.media(&message)?)),
            _ if self.stream.is_none() => return Err(Refusal::new("out_of_order", "start comes first")),
            "dtmf" => {
                let digit = message.pointer("/dtmf/digit").and_then(Value::as_str).unwrap_or_default();
                require(digit.len() == 1 && "0123456789*#ABCD".contains(digit), "no such key")?;
                ClientSays::Taken
            }
            "mark" => {
                self.mark(message.pointer("/mark/name").and_then(Value::as_str))?;
                ClientSays::Taken
            }
            "playedStream" if self.protocol == Protocol::Plivo => {
                self.mark(named(&message, &["name"]))?;
                ClientSays::Taken
            }
            "clearedAudio" if self.protocol == Protocol::Plivo => ClientSays::Taken,
            "stop" if self.protocol != Protocol::Plivo => {
                self.stopped = true;
                ClientSays::Goodbye
            }
            other => return Err(Refusal::new("unknown_event", format!("no such event: {other}"))),
        };
        Ok((Cow::Owned(event), said))
    }

    fn begin(&mut self, _words: &str, _out: &mut Outputs) {
        self.utterances += 1;
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        self.say_base64(&base64_simd::STANDARD.encode_to_string(audio), audio.len(), out);
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        let message = match (self.protocol, &self.stream) {
            (Protocol::Plivo, Some((_, format))) => {
                let content = if *format == AudioFormat::Ulaw8k { "audio/x-mulaw" } else { "audio/x-l16" };
                json!({"event": "playAudio", "media": {"contentType": content, "sampleRate": format.rate().hz(), "payload": base64}})
            }
            _ => json!({"event": "media", "media": {"payload": base64}}),
        };
        self.speak(message, out);
    }

    fn end(&mut self, ending: Ending, _words: &str, out: &mut Outputs) {
        if ending != Ending::Completed {
            let event = if self.protocol == Protocol::Plivo { "clearAudio" } else { "clear" };
            return self.speak(json!({"event": event}), out);
        }
        let name = format!("u{}", self.utterances);
        let message = match self.protocol {
            Protocol::Plivo => json!({"event": "checkpoint", "name": name}),
            _ => json!({"event": "mark", "mark": {"name": name}}),
        };
        if self.marks.len() < MAX_MARKS {
            self.marks.push_back(name);
            self.speak(message, out);
        }
    }

    /// A bot has no message for errors: it closes.
    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.push(super::Output::Close(1011, code.to_owned()));
    }
}

/// Refuses a key that no carrier has.
fn known(value: &Value, keys: &[&str]) -> Result<(), Refusal> {
    let foreign = value.as_object().and_then(|fields| fields.keys().find(|key| !keys.contains(&key.as_str())));
    match foreign {
        Some(key) => Err(Refusal::new("unknown_parameter", format!("no such key: {key}"))),
        None => Ok(()),
    }
}

fn named<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| value.get(key)?.as_str())
}

/// A number, written as one or as a text.
fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn format_of(value: &Value) -> Option<AudioFormat> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Format {
        encoding: String,
        #[serde(alias = "sampleRate")]
        sample_rate: Value,
        #[serde(rename = "channels")]
        _channels: Option<u8>,
        #[serde(rename = "bit_rate")]
        _bit_rate: Option<String>,
    }
    let format: Format = serde_json::from_value(value.clone()).ok()?;
    let rate = SampleRate::new(u32::try_from(number(Some(&format.sample_rate))?).ok()?)?;
    match (format.encoding.as_str(), rate.hz()) {
        ("audio/x-mulaw" | "PCMU", 8_000) => Some(AudioFormat::Ulaw8k),
        ("PCMA", 8_000) => Some(AudioFormat::Alaw8k),
        ("audio/x-l16" | "audio/x-raw" | "L16", _) => Some(AudioFormat::S16 { rate }),
        _ => None,
    }
}

const MESSAGE_KEYS: &[&str] = &[
    "event",
    "protocol",
    "version",
    "sequenceNumber",
    "sequence_number",
    "streamSid",
    "streamId",
    "stream_sid",
    "stream_id",
    "start",
    "media",
    "mark",
    "dtmf",
    "stop",
    "name",
    "occurred_at",
    "extra_headers",
];

const START_KEYS: &[&str] = &[
    "accountSid",
    "accountId",
    "account_sid",
    "user_id",
    "streamSid",
    "streamId",
    "stream_sid",
    "callSid",
    "callId",
    "call_sid",
    "call_control_id",
    "call_session_id",
    "from",
    "to",
    "tracks",
    "mediaFormat",
    "media_format",
    "customParameters",
    "custom_parameters",
];

const MAX_MARKS: usize = 1_024;
