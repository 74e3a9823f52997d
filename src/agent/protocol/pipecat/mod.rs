//! A Pipecat bot behind its own WebSocket transport: frames in protocol buffers, RTVI messages in them.
//!
//! Facts this adapter rests on: a bot resamples what it hears by the rate that each frame names, and speaks at the rate that it
//! is set up for (24 kHz by default), which is why that is the operator's to set here; it sends its speech at the pace at which it is
//! heard; an interruption comes as a frame or, from older bots, as `bot-interrupted`, or both; what a bot that was
//! interrupted sends next belongs to its next answer. RTVI's handshake is offered and not waited for: bots without it have no
//! words for it, and theirs is no less a voice.
//!
//! Left out on purpose: pictures, files, and functions that the bot runs itself.

mod rtvi;
mod start;
pub(in crate::agent) mod wire;

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::rtvi::{AgentSource, BotSays, CallerSource, ClientSays, FunctionCall, Message, TextOptions};
pub use self::start::CALL_DOMAIN;
pub(in crate::agent) use self::start::pass;
pub(super) use self::start::{Start, keyed};
use self::wire::Frame;
use super::json::warn;
use super::known_tools::KnownTools;
use super::utterances::Utterances;
use super::{AdapterStats, Outputs, Progress, ProtocolAdapter};
use crate::agent::config::AgentConfig;
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentFault, AgentMessage, AgentState, ClearCause, ClearScope, FaultClass, SpeechEdge, TranscriptKind,
};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The adapter's memory of one connection.
pub(in crate::agent) struct Pipecat {
    format: AudioFormat,
    utterances: Utterances,
    tools: KnownTools,
    /// By which messages words come: those that came first, so that none counts twice.
    caller_words: Option<CallerSource>,
    agent_words: Option<AgentSource>,
    messages: u64,
    sent_bytes: u64,
    /// It was told once that the bot speaks in another format.
    unfit: bool,
    stats: AdapterStats,
}

impl Pipecat {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId) -> Self {
        Self {
            format: AudioFormat::from(config.format),
            utterances: Utterances::new(first_item),
            tools: KnownTools::default(),
            caller_words: None,
            agent_words: None,
            messages: 0,
            sent_bytes: 0,
            unfit: false,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for Pipecat {
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        self.say(ClientSays::ready(), out);
        Progress::Ready { session: String::new(), expiry: None }
    }

    /// Whether it greets is the bot's to know.
    fn begin(&mut self, _out: &mut Outputs<'_>) {}

    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        let AgentMessage::Binary(bytes) = message else {
            self.stats.unknown_events += 1;
            return Progress::Unchanged;
        };
        match Frame::parse(bytes) {
            Ok(Frame::Audio { audio, sample_rate, channels }) => self.handle_audio(audio, sample_rate, channels, out),
            Ok(Frame::Message(text)) => match BotSays::parse(text) {
                Ok(said) => self.handle(said, out),
                Err(_) => self.stats.malformed_messages += 1,
            },
            Ok(Frame::Interruption) => self.handle_interruption(out),
            // Words alone, without who says them or whether they are said: RTVI tells it better.
            Ok(Frame::Text | Frame::Transcription { .. }) => {}
            Ok(Frame::Unknown) => self.stats.unknown_events += 1,
            Err(_) => self.stats.malformed_messages += 1,
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            AgentCommand::BargeIn(_) => {
                let _ = self.utterances.end();
                out.outbox.push_binary(None, wire::write_interruption);
            }
            AgentCommand::Dtmf { digit, .. } => self.say(ClientSays::Dtmf { buttons: [digit.to_string()] }, out),
            AgentCommand::ContextText { text, speak, .. } => {
                let options = TextOptions { run_immediately: *speak, audio_response: true };
                self.say(ClientSays::SendText { content: text.expose(), options }, out);
            }
            AgentCommand::ToolResult { call_id, output, .. } => {
                let Some(name) = self.tools.name_of(call_id).map(str::to_owned) else { return warn("unknown_tool_call", out) };
                let (arguments, result) = (serde_json::Map::new(), output.expose().as_str());
                self.say(ClientSays::LlmFunctionCallResult { function_name: &name, tool_call_id: call_id, arguments, result }, out);
            }
            AgentCommand::TurnStarted { .. }
            | AgentCommand::TurnEnded
            | AgentCommand::Playback { .. }
            | AgentCommand::MarkReached { .. }
            | AgentCommand::Mute(_)
            | AgentCommand::Hold(_)
            | AgentCommand::Close => {}
        }
    }

    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        self.sent_bytes = self.sent_bytes.saturating_add(audio.len() as u64);
        let rate = self.format.rate().hz();
        outbox.push_binary(live, |bytes| wire::write_audio(audio, rate, bytes));
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        // 1000 and 1005 hang up; 4003: the door is shut.
        !matches!(code, Some(1000 | 1002 | 1003 | 1005 | 1007 | 1008 | 4003))
    }

    fn is_goodbye(&self, code: Option<u16>) -> bool {
        matches!(code, Some(1000 | 1005))
    }

    fn next_item(&self) -> ItemId {
        self.utterances.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}

impl Pipecat {
    fn handle(&mut self, said: BotSays<'_>, out: &mut Outputs<'_>) {
        match said {
            BotSays::UserStartedSpeaking => self.hear(SpeechEdge::Started, out),
            BotSays::UserStoppedSpeaking => self.hear(SpeechEdge::Stopped, out),
            BotSays::BotStartedSpeaking => out.events.push(AgentEvent::State(AgentState::Speaking)),
            BotSays::BotStoppedSpeaking => {
                if let Some(item) = self.utterances.end() {
                    out.events.push(AgentEvent::AudioEnd { item });
                }
                out.events.push(AgentEvent::State(AgentState::Listening));
            }
            BotSays::BotInterrupted => self.handle_interruption(out),
            BotSays::CallerWords { source, words } if *self.caller_words.get_or_insert(source) == source => {
                let kind = if words.r#final { TranscriptKind::Final } else { TranscriptKind::Partial };
                let text = Redacted::new(words.text.into_owned());
                out.events.push(AgentEvent::Transcript { speaker: Speaker::Caller, kind, text, item: None });
            }
            BotSays::AgentWords { source, text } if *self.agent_words.get_or_insert(source) == source => {
                let (text, item) = (Redacted::new(text.into_owned()), self.utterances.current());
                out.events.push(AgentEvent::Transcript { speaker: Speaker::Agent, kind: TranscriptKind::Final, text, item });
            }
            BotSays::FunctionCall(call) => self.handle_function_call(&call, out),
            BotSays::Error { fatal } => {
                let code = if fatal { "bot_error_fatal" } else { "bot_error" }.to_owned();
                out.events.push(AgentEvent::Error(AgentFault { class: FaultClass::Provider, code }));
            }
            BotSays::BotReady | BotSays::Expected | BotSays::CallerWords { .. } | BotSays::AgentWords { .. } => {}
            BotSays::Unknown => self.stats.unknown_events += 1,
        }
    }

    fn handle_audio(&mut self, audio: &[u8], sample_rate: u64, channels: u64, out: &mut Outputs<'_>) {
        let whole = audio.len().is_multiple_of(self.format.sample_len_bytes());
        if sample_rate != u64::from(self.format.rate().hz()) || channels > 1 || !whole {
            if !std::mem::replace(&mut self.unfit, true) {
                warn("audio_format_not_agreed", out);
            }
            self.stats.malformed_messages += 1;
            return;
        }
        let Some(item) = self.utterances.current() else { return };
        // Copying bytes does not fail.
        let _ = out.events.push_audio(item, self.format, |buffer| {
            buffer.extend_from_slice(audio);
            Ok::<(), std::convert::Infallible>(())
        });
    }

    /// Said twice by some bots; the second time there is nothing left to throw away.
    fn handle_interruption(&mut self, out: &mut Outputs<'_>) {
        let _ = self.utterances.end();
        out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
    }

    fn handle_function_call(&mut self, call: &FunctionCall<'_>, out: &mut Outputs<'_>) {
        self.tools.tell(&call.tool_call_id, &call.function_name, call.args.map_or("{}", |args| args.get()), out);
    }

    fn hear(&self, edge: SpeechEdge, out: &mut Outputs<'_>) {
        let samples = self.sent_bytes / self.format.sample_len_bytes() as u64;
        out.events.push(AgentEvent::UserSpeech { edge, input_ms: self.format.rate().millis(samples) });
    }

    fn say(&mut self, body: ClientSays<'_>, out: &mut Outputs<'_>) {
        self.messages += 1;
        // Serialising these types cannot fail: every key is a string and no value is refused.
        let json = serde_json::to_string(&Message::new(self.messages, body)).unwrap_or_default();
        out.outbox.push_binary(None, |bytes| wire::write_message(&json, bytes));
    }
}
