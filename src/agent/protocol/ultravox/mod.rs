//! Ultravox over its server WebSocket: audio as bytes both ways, all else as JSON.
//!
//! Facts this adapter rests on: a call is made over HTTPS with all settings, and its socket is joined by a URL that is good for this
//! call alone; `call_started` says that audio may flow; speech has no names, so an utterance lasts from its first sound or word to the
//! next `state` but `speaking`; with a large buffer on our side the service speaks faster than it is heard, and
//! `playback_clear_buffer` says that the caller interrupted; it is not told what was played.
//!
//! Left out on purpose: tools that the service runs itself, text instead of speech, stages of a call.

mod incoming;
mod outgoing;
mod words;

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::incoming::{Invocation, ServerMessage, Transcript};
pub(in crate::agent::protocol) use self::outgoing::Call;
use self::outgoing::{ClientMessage, ToolResult, Urgency};
use self::words::Words;
use super::json::{send, stable_code};
use super::known_tools::KnownTools;
use super::utterances::Utterances;
use super::{AdapterStats, Outputs, Progress, ProtocolAdapter, Recollection, key_in_words};
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentEvent, AgentMessage, AgentState, ClearCause, ClearScope, TranscriptKind};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The adapter's memory of one connection.
pub(in crate::agent) struct Ultravox {
    /// Whether it speaks first, and with which words.
    greeting: Option<Option<Redacted<String>>>,
    format: AudioFormat,
    configured: bool,
    utterances: Utterances,
    caller: Words,
    agent: Words,
    tools: KnownTools,
    appended_bytes: u64,
    said: Recollection,
    stats: AdapterStats,
}

impl Ultravox {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId, said: Recollection) -> Self {
        Self {
            greeting: config.greet_first.then(|| config.greeting.clone()),
            format: AudioFormat::from(config.format),
            configured: false,
            utterances: Utterances::new(first_item),
            caller: Words::default(),
            agent: Words::default(),
            tools: KnownTools::default(),
            appended_bytes: 0,
            said,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for Ultravox {
    /// Everything was said when the call was made.
    fn open(&mut self, _out: &mut Outputs<'_>) -> Progress {
        Progress::Unchanged
    }

    /// The call may have been made before the last words of the former were known, so that these go into the conversation.
    fn recall(&mut self, out: &mut Outputs<'_>) {
        let (history, _) = self.said.parted();
        if !history.is_empty() {
            send(out, &ClientMessage::UserTextMessage { text: &Recollection::in_words(history), urgency: Urgency::Later });
        }
    }

    fn begin(&mut self, out: &mut Outputs<'_>) {
        if let (_, Some(text)) = self.said.parted() {
            return send(out, &ClientMessage::UserTextMessage { text, urgency: Urgency::Immediate });
        }
        match &self.greeting {
            Some(Some(words)) => send(out, &ClientMessage::ForcedAgentMessage { content: words.expose(), urgency: Urgency::Immediate }),
            Some(None) => send(out, &ClientMessage::UserTextMessage { text: GREET, urgency: Urgency::Immediate }),
            None => {}
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
            Ok(ServerMessage::CallStarted { call_id }) => {
                self.configured = true;
                return Progress::Ready { session: stable_code(&call_id), expiry: None };
            }
            Ok(message) => self.handle(message, out),
            Err(_) => self.stats.malformed_messages += 1,
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            // Nothing tells it; what it still sends of this utterance is late.
            AgentCommand::BargeIn(_) => self.utterances.cut(),
            AgentCommand::Dtmf { digit, .. } => {
                send(out, &ClientMessage::UserTextMessage { text: &key_in_words(*digit), urgency: Urgency::Soon });
            }
            AgentCommand::ContextText { text, speak, .. } => {
                let urgency = if *speak { Urgency::Soon } else { Urgency::Later };
                send(out, &ClientMessage::UserTextMessage { text: text.expose(), urgency });
            }
            AgentCommand::ToolResult { call_id, output, is_error, proceed } => {
                send(out, &ClientMessage::ClientToolResult(ToolResult::new(call_id, output.expose(), *is_error, *proceed)));
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
        self.appended_bytes = self.appended_bytes.saturating_add(audio.len() as u64);
        outbox.push_binary(live, |bytes| bytes.extend_from_slice(audio));
    }

    fn keepalive_after(&self) -> Option<Duration> {
        Some(KEEPALIVE_AFTER)
    }

    /// An adapter has no clock: the position in the caller's audio is one.
    fn keep_alive(&mut self, out: &mut Outputs<'_>) {
        let timestamp = self.format.rate().millis(self.appended_bytes / self.format.sample_len_bytes() as u64);
        send(out, &ClientMessage::Ping { timestamp });
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
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

impl Ultravox {
    fn handle(&mut self, message: ServerMessage<'_>, out: &mut Outputs<'_>) {
        match message {
            ServerMessage::State(state) => self.handle_state(&state, out),
            ServerMessage::Transcript(transcript) => self.handle_words(&transcript, out),
            ServerMessage::ClientToolInvocation(invocation) => self.handle_invocation(&invocation, out),
            ServerMessage::PlaybackClearBuffer => {
                self.utterances.admit();
                let _ = self.utterances.end();
                out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
            }
            ServerMessage::CallStarted { .. } | ServerMessage::Expected => {}
            ServerMessage::Unknown => self.stats.unknown_events += 1,
        }
    }

    fn handle_state(&mut self, state: &str, out: &mut Outputs<'_>) {
        let state = match state {
            "listening" | "idle" => AgentState::Listening,
            "thinking" => AgentState::Thinking,
            "speaking" => AgentState::Speaking,
            _ => return,
        };
        self.utterances.admit();
        if state != AgentState::Speaking
            && let Some(item) = self.utterances.end()
        {
            out.events.push(AgentEvent::AudioEnd { item });
        }
        out.events.push(AgentEvent::State(state));
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

    /// The agent's words run ahead of its sound, and end after it: they belong to the utterance that was spoken when they began.
    fn handle_words(&mut self, transcript: &Transcript<'_>, out: &mut Outputs<'_>) {
        let (speaker, words) = match &*transcript.role {
            "agent" => (Speaker::Agent, &mut self.agent),
            _ => (Speaker::Caller, &mut self.caller),
        };
        words.turn_to(transcript.ordinal);
        if speaker == Speaker::Agent && words.item.is_none() {
            words.item = self.utterances.current();
        }
        let (text, delta) = (transcript.text.as_deref(), transcript.delta.as_deref());
        let more = words.add(text, delta);
        let item = words.item;
        let (kind, text) = if transcript.r#final { (TranscriptKind::Final, words.take()) } else { (TranscriptKind::Partial, more) };
        if !text.is_empty() {
            out.events.push(AgentEvent::Transcript { speaker, kind, text: Redacted::new(text), item });
        }
    }

    fn handle_invocation(&mut self, invocation: &Invocation<'_>, out: &mut Outputs<'_>) {
        let parameters = invocation.parameters.map_or("{}", |parameters| parameters.get());
        self.tools.tell(&invocation.invocation_id, &invocation.tool_name, parameters, out);
    }
}

/// What it is told that is to speak first, in words of its own.
const GREET: &str = "The caller is on the line. Greet.";

/// Of an agent that hears nothing, as while a call is muted by the network, nothing else would be known.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);
