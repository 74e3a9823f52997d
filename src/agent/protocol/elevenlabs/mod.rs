//! ElevenLabs Agents over a WebSocket: JSON, audio in base64.
//!
//! Facts this adapter rests on: the formats of audio are settings of the agent and only told, so that one which was set
//! up otherwise is refused; `interruption` names the newest event that is void, and what comes later with a higher number
//! counts; the service itself corrects the words of what was cut; every `ping` wants its `pong`.
//!
//! No message ends an utterance: it lasts until the caller's next words or the words of another.
//!
//! Left out on purpose: feedback, tools run by the service.

mod incoming;
mod outgoing;

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::incoming::{Audio, Metadata, ServerEvent, ToolCall};
use self::outgoing::{ClientEvent, Initiation};
use super::json::{push_base64, send, stable_code};
use super::known_tools::KnownTools;
use super::utterances::Utterances;
use super::{AdapterStats, Outputs, Progress, ProtocolAdapter, Recollection, key_in_words};
use crate::agent::config::AgentConfig;
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentFault, AgentMessage, AgentState, ClearCause, ClearScope, FaultClass, TranscriptKind,
};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The adapter's memory of one connection.
pub(in crate::agent) struct ElevenLabs {
    config: AgentConfig,
    format: AudioFormat,
    configured: bool,
    utterances: Utterances,
    /// The words of the utterance that is spoken have come.
    worded: bool,
    /// Audio up to this number is void.
    void_up_to: i64,
    last_event: i64,
    speaking: bool,
    /// Of which utterance how many samples came.
    timed: (ItemId, u64),
    tools: KnownTools,
    said: Recollection,
    stats: AdapterStats,
}

impl ElevenLabs {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId, said: Recollection) -> Self {
        Self {
            config: config.clone(),
            format: AudioFormat::from(config.format),
            configured: false,
            utterances: Utterances::new(first_item),
            worded: false,
            void_up_to: i64::MIN,
            last_event: i64::MIN,
            speaking: false,
            timed: (first_item, 0),
            tools: KnownTools::default(),
            said,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for ElevenLabs {
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        send(out, &ClientEvent::ConversationInitiationClientData(Initiation::new(&self.config)));
        Progress::Unchanged
    }

    /// It has no word for what was said before, and takes it as context.
    fn recall(&mut self, out: &mut Outputs<'_>) {
        let (history, _) = self.said.parted();
        if !history.is_empty() {
            send(out, &ClientEvent::ContextualUpdate { text: &Recollection::in_words(history) });
        }
    }

    /// The first words stand in the settings.
    fn begin(&mut self, out: &mut Outputs<'_>) {
        if let (_, Some(text)) = self.said.parted() {
            send(out, &ClientEvent::UserMessage { text });
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
            ServerEvent::Metadata(metadata) => return self.handle_metadata(&metadata),
            ServerEvent::Audio(audio) => self.handle_audio(&audio, out),
            ServerEvent::Interruption { event_id } => self.handle_interruption(event_id, out),
            ServerEvent::UserTranscript(words) => {
                self.finish(out);
                self.set_speaking(false, out);
                out.events.push(words_of(Speaker::Caller, TranscriptKind::Final, words.into_owned(), None));
            }
            ServerEvent::TentativeUserTranscript(words) => {
                out.events.push(words_of(Speaker::Caller, TranscriptKind::Partial, words.into_owned(), None));
            }
            ServerEvent::AgentResponse(words) => {
                if self.worded {
                    self.finish(out);
                }
                self.worded = true;
                let item = self.utterances.current();
                out.events.push(words_of(Speaker::Agent, TranscriptKind::Final, words.into_owned(), item));
            }
            ServerEvent::Correction(words) => {
                out.events.push(words_of(Speaker::Agent, TranscriptKind::Correction, words.into_owned(), None));
            }
            ServerEvent::ToolCall(call) => self.handle_tool_call(&call, out),
            ServerEvent::Ping { event_id } => send(out, &ClientEvent::Pong { event_id }),
            ServerEvent::Error { code } => return self.handle_error(&code, out),
            ServerEvent::Expected => {}
            ServerEvent::Unknown => self.stats.unknown_events += 1,
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            AgentCommand::BargeIn(_) => {
                self.void();
                send(out, &ClientEvent::UserActivity);
            }
            AgentCommand::Dtmf { digit, .. } => send(out, &ClientEvent::ContextualUpdate { text: &key_in_words(*digit) }),
            AgentCommand::ContextText { text, speak: true, .. } => send(out, &ClientEvent::UserMessage { text: text.expose() }),
            AgentCommand::ContextText { text, .. } => send(out, &ClientEvent::ContextualUpdate { text: text.expose() }),
            AgentCommand::ToolResult { call_id, output, is_error, .. } => {
                send(out, &ClientEvent::ClientToolResult { tool_call_id: call_id, result: output.expose(), is_error: *is_error });
            }
            AgentCommand::TurnStarted { .. }
            | AgentCommand::TurnEnded
            | AgentCommand::Playback { .. }
            | AgentCommand::Mute(_)
            | AgentCommand::Hold(_)
            | AgentCommand::MarkReached { .. }
            | AgentCommand::Close => {}
        }
    }

    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        outbox.push_text(live, |text| outgoing::write_audio(audio, text));
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        // 1000 ends the conversation, 1008 is about who we are and what we said; 1002 is how it tells of failures of its own.
        !matches!(code, Some(1000 | 1003 | 1007 | 1008))
    }

    fn is_goodbye(&self, code: Option<u16>) -> bool {
        self.configured && code == Some(1000)
    }

    fn next_item(&self) -> ItemId {
        self.utterances.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}

impl ElevenLabs {
    fn handle_metadata(&mut self, metadata: &Metadata<'_>) -> Progress {
        let wanted = format_name(self.format);
        let input = metadata.user_input_audio_format.as_deref().unwrap_or(&wanted);
        if metadata.agent_output_audio_format != wanted || input != wanted {
            return Progress::Refused { code: "format_not_taken".to_owned() };
        }
        self.configured = true;
        Progress::Ready { session: stable_code(&metadata.conversation_id), expiry: None }
    }

    fn handle_audio(&mut self, audio: &Audio<'_>, out: &mut Outputs<'_>) {
        if audio.event_id <= self.void_up_to {
            self.stats.late_audio_messages += 1;
            return;
        }
        self.last_event = self.last_event.max(audio.event_id);
        let Some(item) = self.utterances.current() else { return };
        if self.timed.0 != item {
            self.timed = (item, 0);
        }
        let begins_ms = self.format.rate().millis(self.timed.1);
        match push_base64(item, self.format, audio.audio_base_64.as_bytes(), out) {
            Some(len_bytes) => self.timed.1 += (len_bytes / self.format.sample_len_bytes()) as u64,
            None => self.stats.malformed_messages += 1,
        }
        if let Some(alignment) = &audio.alignment {
            let (text, ends_ms) = alignment.from(begins_ms);
            out.events.push(AgentEvent::Timing { item, text: Redacted::new(text), ends_ms });
        }
        self.set_speaking(true, out);
    }

    fn handle_interruption(&mut self, event_id: i64, out: &mut Outputs<'_>) {
        self.void_up_to = self.void_up_to.max(event_id);
        self.utterances.end();
        self.worded = false;
        self.set_speaking(false, out);
        out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
    }

    /// All that has come so far is void, and what belongs to the same event.
    const fn void(&mut self) {
        if self.last_event > self.void_up_to {
            self.void_up_to = self.last_event;
        }
        let _ = self.utterances.end();
        self.worded = false;
    }

    fn finish(&mut self, out: &mut Outputs<'_>) {
        self.worded = false;
        if let Some(item) = self.utterances.end() {
            out.events.push(AgentEvent::AudioEnd { item });
        }
    }

    fn set_speaking(&mut self, speaking: bool, out: &mut Outputs<'_>) {
        if std::mem::replace(&mut self.speaking, speaking) != speaking {
            out.events.push(AgentEvent::State(if speaking { AgentState::Speaking } else { AgentState::Listening }));
        }
    }

    fn handle_tool_call(&mut self, call: &ToolCall<'_>, out: &mut Outputs<'_>) {
        let arguments = call.parameters.map_or("{}", |parameters| parameters.get());
        self.tools.tell(&call.tool_call_id, &call.tool_name, arguments, out);
    }

    fn handle_error(&self, code: &str, out: &mut Outputs<'_>) -> Progress {
        let code = stable_code(if code.is_empty() { "unknown" } else { code });
        if !self.configured {
            return Progress::Refused { code };
        }
        out.events.push(AgentEvent::Error(AgentFault { class: FaultClass::Provider, code }));
        Progress::Unchanged
    }
}

fn words_of(speaker: Speaker, kind: TranscriptKind, words: String, item: Option<ItemId>) -> AgentEvent<'static> {
    AgentEvent::Transcript { speaker, kind, text: Redacted::new(words), item }
}

/// As the service writes it; it has no A-law.
fn format_name(format: AudioFormat) -> String {
    match format {
        AudioFormat::Ulaw8k => "ulaw_8000".to_owned(),
        AudioFormat::Alaw8k => "alaw_8000".to_owned(),
        AudioFormat::S16 { rate } => format!("pcm_{}", rate.hz()),
    }
}
