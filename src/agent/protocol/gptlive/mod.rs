//! OpenAI GPT-Live: one conversation in both directions at once, over a WebSocket, JSON with audio in base64.
//!
//! Facts this adapter rests on: nothing is sent before `session.started` but `session.start`; one format holds both ways; the
//! model's voice is one stream without names or ends, silence included, at the pace at which it is heard; it stops by itself when the
//! caller speaks, so that nothing says so and nothing takes a position; words come as pieces without an end. Ends are made here:
//! a side has finished when the other is heard, and what the model's voice says from there on is another utterance.
//!
//! Left out on purpose: delegation to other models, whose tasks come without words that a tool could be given.

mod incoming;
mod outgoing;

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::incoming::ServerEvent;
use self::outgoing::{ClientEvent, Session};
use super::json::{push_base64, send, stable_code, warn};
use super::utterances::Utterances;
use super::{AdapterStats, Expiry, Outputs, Progress, ProtocolAdapter, key_in_words};
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentEvent, AgentFault, AgentMessage, FaultClass, TranscriptKind};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The adapter's memory of one connection.
pub(in crate::agent) struct GptLive {
    config: AgentConfig,
    format: AudioFormat,
    started: bool,
    utterances: Utterances,
    saying: Option<Saying>,
    stats: AdapterStats,
}

/// What one side is saying.
struct Saying {
    speaker: Speaker,
    words: String,
    /// Of the model's: the utterance that was spoken when they began.
    item: Option<ItemId>,
}

impl GptLive {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId) -> Self {
        Self {
            config: config.clone(),
            format: AudioFormat::from(config.format),
            started: false,
            utterances: Utterances::new(first_item),
            saying: None,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for GptLive {
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        send(out, &ClientEvent::SessionStart { session: Session::new(&self.config) });
        Progress::Unchanged
    }

    fn begin(&mut self, out: &mut Outputs<'_>) {
        if self.config.greet_first {
            let content = self.config.greeting().unwrap_or(GREET);
            send(out, &ClientEvent::instructions(content));
        }
    }

    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        let AgentMessage::Text(text) = message else {
            self.stats.unknown_events += 1;
            return Progress::Unchanged;
        };
        let Ok(event) = ServerEvent::parse(text) else {
            self.stats.malformed_messages += 1;
            return Progress::Unchanged;
        };
        match event {
            ServerEvent::Audio(base64) => {
                let pushed = self.utterances.current().and_then(|item| push_base64(item, self.format, base64.as_bytes(), out));
                self.stats.malformed_messages += u64::from(pushed.is_none());
            }
            ServerEvent::Words { speaker, text } => self.hear(speaker, &text, out),
            ServerEvent::Started { session, expires_at } => {
                self.started = true;
                return Progress::Ready { session: stable_code(&session), expiry: expires_at.map(Expiry::At) };
            }
            ServerEvent::Closed { reason } => self.handle_closed(&reason, out),
            ServerEvent::Error { code } => return self.handle_error(&code, out),
            ServerEvent::Delegated => warn("delegation_not_taken", out),
            ServerEvent::Expected => {}
            ServerEvent::Unknown => self.stats.unknown_events += 1,
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            AgentCommand::BargeIn(_) => {
                let _ = self.utterances.end();
            }
            AgentCommand::Dtmf { digit, .. } => send(out, &ClientEvent::instructions(&key_in_words(*digit))),
            AgentCommand::ContextText { text, .. } => send(out, &ClientEvent::instructions(text.expose())),
            AgentCommand::ToolResult { .. } => warn("unknown_tool_call", out),
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
        outbox.push_text(live, |text| outgoing::write_audio(audio, text));
    }

    fn part(&mut self, out: &mut Outputs<'_>) {
        send(out, &ClientEvent::SessionClose {});
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        code.is_none_or(|code| matches!(code, 1001 | 1005 | 1006 | 1011 | 1012 | 1013 | 1015))
    }

    fn next_item(&self) -> ItemId {
        self.utterances.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}

impl GptLive {
    /// Some words of one side; those of the other are whole with that.
    fn hear(&mut self, speaker: Speaker, text: &str, out: &mut Outputs<'_>) {
        if self.saying.as_ref().is_some_and(|saying| saying.speaker != speaker) {
            self.finish_words(out);
        }
        let utterances = &mut self.utterances;
        let saying = self.saying.get_or_insert_with(|| {
            let item = if speaker == Speaker::Agent { utterances.current() } else { None };
            Saying { speaker, words: String::new(), item }
        });
        if saying.words.len() < MAX_WORDS_LEN_BYTES {
            saying.words.push_str(text);
        }
        let (text, item) = (Redacted::new(text.to_owned()), saying.item);
        out.events.push(AgentEvent::Transcript { speaker, kind: TranscriptKind::Partial, text, item });
    }

    fn finish_words(&mut self, out: &mut Outputs<'_>) {
        let Some(Saying { speaker, words, item }) = self.saying.take() else { return };
        out.events.push(AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text: Redacted::new(words), item });
        if speaker == Speaker::Agent
            && let Some(item) = self.utterances.end()
        {
            out.events.push(AgentEvent::AudioEnd { item });
        }
    }

    /// The service says why before it closes.
    fn handle_closed(&mut self, reason: &str, out: &mut Outputs<'_>) {
        self.finish_words(out);
        match reason {
            "close_requested" => {}
            "remote_hangup" => out.events.push(AgentEvent::Hangup),
            "expired" => out.events.push(fault(FaultClass::Expired, "session_expired")),
            reason => out.events.push(fault(FaultClass::Provider, &format!("session_closed_{reason}"))),
        }
    }

    fn handle_error(&self, code: &str, out: &mut Outputs<'_>) -> Progress {
        let code = stable_code(if code.is_empty() { "unknown" } else { code });
        if !self.started {
            return Progress::Refused { code };
        }
        let class = match &*code {
            "rate_limit_exceeded" | "insufficient_quota" => FaultClass::Limited,
            "session_expired" => FaultClass::Expired,
            _ => FaultClass::Request,
        };
        out.events.push(fault(class, &code));
        Progress::Unchanged
    }
}

fn fault(class: FaultClass, code: &str) -> AgentEvent<'static> {
    AgentEvent::Error(AgentFault { class, code: stable_code(code) })
}

/// What makes it speak where nothing else is said.
const GREET: &str = "The caller is on the line. Greet now.";

/// Of one side, until the other is heard.
const MAX_WORDS_LEN_BYTES: usize = 64 * 1024;
