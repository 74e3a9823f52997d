//! Deepgram Voice Agent over a WebSocket: audio as bytes both ways, all else as JSON.
//!
//! Facts this adapter rests on: settings go after `Welcome`; speech has no names, so an utterance lasts from its first
//! sound to `AgentAudioDone`; `UserStartedSpeaking` comes at every utterance of the caller, and whatever was sent before is to
//! be thrown away; the service closes when neither audio nor `KeepAlive` comes; it is not told what was played.
//!
//! Left out on purpose: tools that the service runs itself, changes of voice within a call.

mod incoming;
mod outgoing;

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::incoming::{FunctionCall, ServerMessage};
use self::outgoing::{ClientMessage, Settings};
use super::json::{send, stable_code, warn};
use super::known_tools::KnownTools;
use super::utterances::Utterances;
use super::{AdapterStats, Outputs, Progress, ProtocolAdapter, Recollection, key_in_words};
use crate::agent::config::AgentConfig;
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentFault, AgentMessage, AgentState, ClearCause, ClearScope, ContextRole, FaultClass, SpeechEdge,
    TranscriptKind,
};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The adapter's memory of one connection.
pub(in crate::agent) struct Deepgram {
    config: AgentConfig,
    format: AudioFormat,
    /// The service's name for the connection.
    request_id: String,
    configured: bool,
    utterances: Utterances,
    tools: KnownTools,
    appended_bytes: u64,
    said: Recollection,
    stats: AdapterStats,
}

impl Deepgram {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId, said: Recollection) -> Self {
        Self {
            config: config.clone(),
            format: AudioFormat::from(config.format),
            request_id: String::new(),
            configured: false,
            utterances: Utterances::new(first_item),
            tools: KnownTools::default(),
            appended_bytes: 0,
            said,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for Deepgram {
    /// The service greets first.
    fn open(&mut self, _out: &mut Outputs<'_>) -> Progress {
        Progress::Unchanged
    }

    /// The greeting stands in the settings, and so does what was said before.
    fn begin(&mut self, out: &mut Outputs<'_>) {
        if let (_, Some(content)) = self.said.parted() {
            send(out, &ClientMessage::InjectUserMessage { content });
        }
    }

    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        let text = match message {
            AgentMessage::Binary(audio) => {
                self.handle_audio(audio, out);
                return Progress::Unchanged;
            }
            AgentMessage::Text(text) => text,
        };
        match ServerMessage::parse(text) {
            Ok(message) => self.handle(message, out),
            Err(_) => {
                self.stats.malformed_messages += 1;
                Progress::Unchanged
            }
        }
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            // Nothing tells it; what it still sends of this utterance is late.
            AgentCommand::BargeIn(_) => self.utterances.cut(),
            AgentCommand::TurnEnded => send(out, &ClientMessage::ForceEndTurn),
            AgentCommand::Dtmf { digit, .. } => send(out, &ClientMessage::InjectUserMessage { content: &key_in_words(*digit) }),
            AgentCommand::ContextText { role, text, speak } => {
                let text = text.expose();
                let instruction = matches!(role, ContextRole::System | ContextRole::Developer) && !speak;
                send(
                    out,
                    &if instruction {
                        ClientMessage::UpdatePrompt { prompt: text }
                    } else {
                        ClientMessage::InjectUserMessage { content: text }
                    },
                );
            }
            AgentCommand::ToolResult { call_id, output, is_error, .. } => {
                let Some(name) = self.tools.name_of(call_id) else { return warn("unknown_tool_call", out) };
                let failure = is_error.then(|| serde_json::json!({ "error": output.expose() }).to_string());
                let content = failure.as_deref().unwrap_or(output.expose());
                send(out, &ClientMessage::FunctionCallResponse { id: call_id, name, content });
            }
            AgentCommand::TurnStarted { .. }
            | AgentCommand::Playback { .. }
            | AgentCommand::Mute(_)
            | AgentCommand::Hold(_)
            | AgentCommand::MarkReached { .. }
            | AgentCommand::Close => {}
        }
    }

    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        self.appended_bytes = self.appended_bytes.saturating_add(audio.len() as u64);
        outbox.push_binary(live, |bytes| bytes.extend_from_slice(audio));
    }

    fn keepalive_after(&self) -> Option<Duration> {
        Some(KEEPALIVE_AFTER)
    }

    fn keep_alive(&mut self, out: &mut Outputs<'_>) {
        send(out, &ClientMessage::KeepAlive);
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        // It says why before it closes: settings that were refused never get so far.
        code != Some(1008) && (code != Some(1000) || self.configured)
    }

    fn next_item(&self) -> ItemId {
        self.utterances.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}

impl Deepgram {
    fn handle(&mut self, message: ServerMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        match message {
            ServerMessage::Welcome { request_id } => {
                self.request_id = stable_code(&request_id);
                send(out, &ClientMessage::Settings(Box::new(Settings::new(&self.config, self.said.parted().0))));
            }
            ServerMessage::SettingsApplied => {
                self.configured = true;
                return Progress::Ready { session: self.request_id.clone(), expiry: None };
            }
            ServerMessage::ConversationText { role, content } => self.handle_words(&role, content.into_owned(), out),
            ServerMessage::UserStartedSpeaking => self.handle_speech_started(out),
            ServerMessage::AgentThinking => {
                self.utterances.admit();
                out.events.push(AgentEvent::State(AgentState::Thinking));
            }
            ServerMessage::AgentStartedSpeaking => {
                self.utterances.admit();
                out.events.push(AgentEvent::State(AgentState::Speaking));
            }
            ServerMessage::AgentAudioDone => {
                self.utterances.admit();
                if let Some(item) = self.utterances.end() {
                    out.events.push(AgentEvent::AudioEnd { item });
                }
                out.events.push(AgentEvent::State(AgentState::Listening));
            }
            ServerMessage::FunctionCallRequest { functions } => {
                for call in functions.iter().filter(|call| call.client_side) {
                    self.handle_tool_call(call, out);
                }
            }
            ServerMessage::FunctionCallCancelled { functions } => {
                for call in functions {
                    out.events.push(AgentEvent::ToolCancelled { call_id: call.id.into_owned() });
                }
            }
            ServerMessage::InjectionRefused => warn("injection_refused", out),
            ServerMessage::Warning { code } => warn(&code, out),
            ServerMessage::Error { code } => return self.handle_error(&code, out),
            ServerMessage::History => {}
            ServerMessage::Unknown => self.stats.unknown_events += 1,
        }
        Progress::Unchanged
    }

    fn handle_audio(&mut self, audio: &[u8], out: &mut Outputs<'_>) {
        let Some(item) = self.utterances.current() else {
            self.stats.late_audio_messages += 1;
            return;
        };
        // Copying bytes does not fail.
        let _ = out.events.push_audio(item, self.format, |buffer| {
            buffer.extend_from_slice(audio);
            Ok::<(), std::convert::Infallible>(())
        });
    }

    fn handle_words(&mut self, role: &str, words: String, out: &mut Outputs<'_>) {
        let (speaker, item) = if role == "assistant" {
            self.utterances.admit();
            (Speaker::Agent, self.utterances.current())
        } else {
            (Speaker::Caller, None)
        };
        out.events.push(AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text: Redacted::new(words), item });
    }

    fn handle_speech_started(&mut self, out: &mut Outputs<'_>) {
        self.utterances.cut();
        let samples = self.appended_bytes / self.format.sample_len_bytes() as u64;
        out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
        out.events.push(AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms: self.format.rate().millis(samples) });
    }

    fn handle_tool_call(&mut self, call: &FunctionCall<'_>, out: &mut Outputs<'_>) {
        self.tools.tell(&call.id, &call.name, &call.arguments, out);
    }

    fn handle_error(&self, code: &str, out: &mut Outputs<'_>) -> Progress {
        let code = stable_code(code);
        if !self.configured {
            return Progress::Refused { code };
        }
        let class = match &*code {
            "UNPARSABLE_CLIENT_MESSAGE" | "INVALID_CLIENT_MESSAGE" => FaultClass::Request,
            _ => FaultClass::Provider,
        };
        out.events.push(AgentEvent::Error(AgentFault { class, code }));
        Progress::Unchanged
    }
}

/// The service waits 10 s and a little; it asks for a sign every 5 to 8.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(5);
