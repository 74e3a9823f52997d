//! `auricle.v1`, from the side that is called.

use std::borrow::Cow;
use std::collections::VecDeque;

use media::frame::AudioFormat;
use media::units::SampleRate;
use serde::Deserialize;
use serde_json::json;

use super::strict::{json as read, require};
use super::{ClientSays, Ending, Output, Outputs, Refusal, Settings, Wire};
use crate::agent::model::AgentMessage;

/// One session.
#[derive(Default)]
pub(super) struct Auricle {
    settings: Option<Settings>,
    turn_open: bool,
    utterances: u64,
    /// The latest utterances: name, bytes sent, and whether what was heard of it is settled.
    sent: VecDeque<(String, u64, bool)>,
}

/// What a gateway may say but audio.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum GatewaySays {
    Start(Start),
    Playback {
        item: String,
        played_ms: u64,
        state: PlaybackState,
    },
    TurnStarted {},
    TurnEnded {},
    BargeIn {
        cause: Cause,
    },
    Dtmf {
        digit: char,
        duration_ms: u64,
    },
    ToolResult {
        #[serde(rename = "call_id")]
        _call_id: String,
        #[serde(rename = "output")]
        _output: String,
        #[serde(rename = "is_error")]
        _is_error: bool,
        #[serde(rename = "proceed")]
        _proceed: bool,
    },
    Context {
        #[serde(rename = "role")]
        _role: Role,
        #[serde(rename = "text")]
        _text: String,
        speak: bool,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    version: u32,
    call_id: String,
    #[serde(rename = "direction")]
    _direction: Direction,
    audio: Audio,
    turns: Turns,
    #[serde(rename = "instructions")]
    _instructions: Option<String>,
    #[serde(rename = "voice")]
    _voice: Option<String>,
    #[serde(rename = "language")]
    _language: Option<String>,
    greet_first: bool,
    #[serde(rename = "greeting")]
    _greeting: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    encoding: String,
    sample_rate: u32,
}

macro_rules! words {
    ($($name:ident { $($word:ident),+ })+) => {
        $(#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $name { $($word),+ })+
    };
}

words! {
    PlaybackState { Started, Progress, Finished, Cleared }
    Cause { LocalVad, Dtmf, Operator, Overflow }
    Role { System, User, Developer }
    Direction { Inbound, Outbound }
    Turns { Agent, Gateway }
}

impl Audio {
    fn format(&self) -> Result<AudioFormat, Refusal> {
        match (self.encoding.as_str(), self.sample_rate) {
            ("pcmu", 8_000) => Ok(AudioFormat::Ulaw8k),
            ("pcma", 8_000) => Ok(AudioFormat::Alaw8k),
            ("pcm_s16le", hz @ (8_000 | 16_000 | 24_000 | 48_000)) => {
                SampleRate::new(hz).map(|rate| AudioFormat::S16 { rate }).ok_or_else(|| Refusal::new("invalid_value", "no such rate"))
            }
            (encoding, hz) => Err(Refusal::new("invalid_value", format!("no such format: {encoding} at {hz}"))),
        }
    }
}

impl Auricle {
    /// What was heard of an utterance is told of one there was, in order, and never more than was sent.
    fn playback(&mut self, name: &str, played_ms: u64, state: PlaybackState) -> Result<(), Refusal> {
        let format = self.settings.map_or(AudioFormat::Ulaw8k, |settings| settings.output);
        let found = self.sent.iter_mut().find(|(known, ..)| known == name);
        let (_, bytes, settled) = found.ok_or_else(|| Refusal::new("invalid_value", "playback of an utterance there never was"))?;
        let sent_ms = format.rate().millis(*bytes / format.sample_len_bytes() as u64);
        require(played_ms <= sent_ms, "more was played than was sent")?;
        require(!*settled, "what was heard had been told")?;
        *settled = matches!(state, PlaybackState::Finished | PlaybackState::Cleared);
        Ok(())
    }
}

impl Wire for Auricle {
    fn read<'a>(
        &mut self,
        message: AgentMessage<'a>,
        _unheard: usize,
        _out: &mut Outputs,
    ) -> Result<(Cow<'static, str>, ClientSays<'a>), Refusal> {
        let text = match (message, &self.settings) {
            (AgentMessage::Text(text), _) => text,
            (AgentMessage::Binary(_), None) => return Err(Refusal::new("out_of_order", "start comes first")),
            (AgentMessage::Binary(audio), Some(settings)) => {
                require(audio.len().is_multiple_of(settings.input.sample_len_bytes()), "audio is not of whole samples")?;
                require(settings.turn_detection || self.turn_open, "audio outside of a turn")?;
                return Ok((Cow::Borrowed("audio"), ClientSays::Audio(Cow::Borrowed(audio))));
            }
        };
        let said: GatewaySays = read(text)?;
        let by_gateway = self.settings.is_some_and(|settings| !settings.turn_detection);
        Ok(match said {
            GatewaySays::Start(start) => {
                require(self.settings.is_none() && start.version == 1 && start.call_id.starts_with("call_"), "start is not as it must be")?;
                let format = start.audio.format()?;
                let turn_detection = start.turns == Turns::Agent;
                let settings = Settings { turn_detection, greets: start.greet_first, transcribe: true, ..Settings::of(format) };
                self.settings = Some(settings);
                (Cow::Borrowed("start"), ClientSays::Settings(settings))
            }
            _ if self.settings.is_none() => return Err(Refusal::new("out_of_order", "start comes first")),
            GatewaySays::Playback { item, played_ms, state } => {
                self.playback(&item, played_ms, state)?;
                (Cow::Borrowed("playback"), ClientSays::Taken)
            }
            GatewaySays::TurnStarted {} => {
                require(by_gateway && !std::mem::replace(&mut self.turn_open, true), "a turn begins where none may")?;
                (Cow::Borrowed("turn_started"), ClientSays::Taken)
            }
            GatewaySays::TurnEnded {} => {
                require(by_gateway && std::mem::replace(&mut self.turn_open, false), "a turn ends that has not begun")?;
                (Cow::Borrowed("turn_ended"), ClientSays::TurnEnded)
            }
            GatewaySays::BargeIn { cause } => {
                require(by_gateway || matches!(cause, Cause::Operator | Cause::Overflow), "the agent decides turns")?;
                (Cow::Borrowed("barge_in"), ClientSays::Cancel)
            }
            GatewaySays::Dtmf { digit, duration_ms } => {
                require("0123456789*#ABCD".contains(digit) && duration_ms > 0, "no such key")?;
                (Cow::Borrowed("dtmf"), ClientSays::Taken)
            }
            GatewaySays::ToolResult { .. } => (Cow::Borrowed("tool_result"), ClientSays::Taken),
            GatewaySays::Context { speak, .. } => (Cow::Borrowed("context"), if speak { ClientSays::Speak } else { ClientSays::Taken }),
        })
    }

    fn configured(&mut self, _settings: &Settings, out: &mut Outputs) {
        out.send(&json!({"type": "ready", "session": "simulator", "expires_in_ms": 3_600_000}));
    }

    fn begin(&mut self, words: &str, out: &mut Outputs) {
        self.utterances += 1;
        let name = format!("u{}", self.utterances);
        if self.sent.len() == MAX_UTTERANCES {
            self.sent.pop_front();
        }
        out.send(&json!({"type": "item", "item": name}));
        out.send(&json!({"type": "transcript", "speaker": "agent", "kind": "final", "text": words, "item": name}));
        self.sent.push_back((name, 0, false));
    }

    fn say(&mut self, audio: &[u8], out: &mut Outputs) {
        if let Some((_, bytes, _)) = self.sent.back_mut() {
            *bytes += audio.len() as u64;
        }
        out.push(Output::SendBytes(audio.to_vec()));
    }

    fn say_base64(&mut self, base64: &str, _len_bytes: usize, out: &mut Outputs) {
        self.say(&super::strict::base64(base64).unwrap_or_default(), out);
    }

    fn end(&mut self, ending: Ending, _words: &str, out: &mut Outputs) {
        match ending {
            Ending::Completed => out.send(&json!({"type": "item_end"})),
            Ending::Interrupted => out.send(&json!({"type": "clear", "by_caller": true})),
            // The gateway has thrown it away itself.
            Ending::Cancelled => {}
        }
    }

    fn caller_started(&mut self, _at_ms: u64, out: &mut Outputs) {
        out.send(&json!({"type": "speech_started"}));
    }

    fn caller_stopped(&mut self, _at_ms: u64, out: &mut Outputs) {
        out.send(&json!({"type": "speech_stopped"}));
    }

    fn heard(&mut self, words: Option<&str>, out: &mut Outputs) {
        if let Some(words) = words {
            out.send(&json!({"type": "transcript", "speaker": "caller", "kind": "final", "text": words}));
        }
    }

    fn fail(&mut self, code: &str, out: &mut Outputs) {
        out.send(&json!({"type": "error", "code": code}));
    }
}

const MAX_UTTERANCES: usize = 256;
