//! Behaviour of a connection, told with the messages of the wire.

mod audio;
mod auricle;
mod barge_in;
mod carriers;
mod conversation;
mod deepgram;
mod dialects;
mod elevenlabs;
mod faults;
mod gemini;
mod handover;
mod opening;
mod pipecat;
mod plain_bytes;
mod tools;
mod turns;
mod ultravox;

use std::time::{Duration, Instant};

use media::frame::{AudioChunk, AudioFormat, ItemId};
use serde_json::Value;

use super::{AgentSession, CallFacts};
use crate::agent::config::{AgentConfig, WireFormat};
use crate::agent::model::{AgentCommand, AgentEvent, AgentMessage, PlaybackState};
use crate::domain::call_record::Direction;
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;

/// A connection on a virtual clock, with everything it said.
pub(super) struct Line {
    pub(super) session: AgentSession,
    pub(super) now: Instant,
    pub(super) sent: Vec<Value>,
    /// Messages of bytes.
    pub(super) sent_bytes: Vec<Vec<u8>>,
    pub(super) events: Vec<Heard>,
}

/// An event that outlives its buffer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    Audio(ItemId, Vec<u8>),
    Event(AgentEvent<'static>),
}

impl Line {
    pub(super) fn new(config: &AgentConfig) -> Self {
        let now = Instant::now();
        let facts = CallFacts {
            now,
            unix_time: Duration::from_secs(UNIX_TIME),
            call: CallId::derived("test"),
            direction: Direction::Inbound,
            from: Redacted::new("+15550100".to_owned()),
            to: Redacted::new("+15550199".to_owned()),
        };
        Self { session: AgentSession::new(config, facts), now, sent: Vec::new(), sent_bytes: Vec::new(), events: Vec::new() }
    }

    pub(super) fn ready(config: &AgentConfig) -> Self {
        let mut line = Self::new(config);
        line.connect();
        line.hear(&updated(config.format));
        line.sent.clear();
        line.events.clear();
        line
    }

    pub(super) fn connect(&mut self) {
        self.session.handle_connected(self.now);
        self.drain();
    }

    pub(super) fn hear(&mut self, message: &str) {
        self.session.handle_message(self.now, AgentMessage::Text(message));
        self.drain();
    }

    pub(super) fn hear_bytes(&mut self, message: &[u8]) {
        self.session.handle_message(self.now, AgentMessage::Binary(message));
        self.drain();
    }

    pub(super) fn command(&mut self, command: AgentCommand) {
        self.session.handle_command(self.now, command);
        self.drain();
    }

    pub(super) fn cleared(&mut self, item: u32, played_ms: u64) {
        self.command(AgentCommand::Playback { item: ItemId(item), played_ms, state: PlaybackState::Cleared });
    }

    pub(super) fn push(&mut self, format: AudioFormat, bytes: &[u8]) {
        self.session.push_audio(self.now, AudioChunk { format, bytes });
        self.drain();
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.drain();
    }

    /// The types of what was sent since the last look.
    pub(super) fn take_sent_types(&mut self) -> Vec<String> {
        self.sent.drain(..).map(|message| message["type"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn take_events(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.events)
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.session.poll_transmit() {
            match transmit.message {
                AgentMessage::Text(text) => self.sent.push(serde_json::from_str(text).unwrap()),
                AgentMessage::Binary(bytes) => self.sent_bytes.push(bytes.to_vec()),
            }
        }
        while let Some(event) = self.session.poll_event() {
            self.events.push(match event {
                AgentEvent::Audio { item, chunk } => Heard::Audio(item, chunk.bytes.to_vec()),
                other => Heard::Event(owned(other)),
            });
        }
    }
}

pub(super) const UNIX_TIME: u64 = 1_795_000_000;

pub(super) fn pcmu() -> AgentConfig {
    AgentConfig { format: WireFormat::Pcmu, ..AgentConfig::at("ws://127.0.0.1/") }
}

pub(super) fn updated(format: WireFormat) -> String {
    let format = match format {
        WireFormat::Pcmu => r#"{"type":"audio/pcmu"}"#,
        WireFormat::Pcma => r#"{"type":"audio/pcma"}"#,
        // The service has linear audio at this rate alone.
        _ => r#"{"type":"audio/pcm","rate":24000}"#,
    };
    format!(
        r#"{{"type":"session.updated","event_id":"event_2","session":{{"type":"realtime","object":"realtime.session","id":"sess_1","expires_at":{},"audio":{{"input":{{"format":{format}}},"output":{{"format":{format},"voice":"marin"}}}}}}}}"#,
        UNIX_TIME + 3600
    )
}

pub(super) fn response_created(id: &str) -> String {
    format!(
        r#"{{"type":"response.created","event_id":"e","response":{{"id":"{id}","object":"realtime.response","status":"in_progress"}}}}"#
    )
}

pub(super) fn response_done(id: &str, status: &str) -> String {
    format!(r#"{{"type":"response.done","event_id":"e","response":{{"id":"{id}","status":"{status}","status_details":null,"output":[]}}}}"#)
}

pub(super) fn delta(response: &str, item: &str, audio: &[u8]) -> String {
    let base64 = base64_simd::STANDARD.encode_to_string(audio);
    format!(
        r#"{{"type":"response.output_audio.delta","event_id":"e","response_id":"{response}","item_id":"{item}","output_index":0,"content_index":0,"delta":"{base64}"}}"#
    )
}

pub(super) fn audio_done(response: &str, item: &str) -> String {
    format!(
        r#"{{"type":"response.output_audio.done","event_id":"e","response_id":"{response}","item_id":"{item}","output_index":0,"content_index":0}}"#
    )
}

pub(super) const SPEECH_STARTED: &str =
    r#"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":1240,"item_id":"item_caller"}"#;

fn owned(event: AgentEvent<'_>) -> AgentEvent<'static> {
    match event {
        AgentEvent::Audio { .. } => unreachable!("told apart before"),
        AgentEvent::Ready { session, input, output, expires_in } => AgentEvent::Ready { session, input, output, expires_in },
        AgentEvent::AudioEnd { item } => AgentEvent::AudioEnd { item },
        AgentEvent::Clear { scope, cause } => AgentEvent::Clear { scope, cause },
        AgentEvent::MarkRequest { mark } => AgentEvent::MarkRequest { mark },
        AgentEvent::UserSpeech { edge, input_ms } => AgentEvent::UserSpeech { edge, input_ms },
        AgentEvent::Transcript { speaker, kind, text, item } => AgentEvent::Transcript { speaker, kind, text, item },
        AgentEvent::ToolCall { call_id, name, arguments } => AgentEvent::ToolCall { call_id, name, arguments },
        AgentEvent::ToolCancelled { call_id } => AgentEvent::ToolCancelled { call_id },
        AgentEvent::ToolCallUnfit => AgentEvent::ToolCallUnfit,
        AgentEvent::Timing { item, text, ends_ms } => AgentEvent::Timing { item, text, ends_ms },
        AgentEvent::State(state) => AgentEvent::State(state),
        AgentEvent::SendDtmf { digits } => AgentEvent::SendDtmf { digits },
        AgentEvent::Transfer { target } => AgentEvent::Transfer { target },
        AgentEvent::Hangup => AgentEvent::Hangup,
        AgentEvent::Warning { code } => AgentEvent::Warning { code },
        AgentEvent::Error(fault) => AgentEvent::Error(fault),
        AgentEvent::Expiring { left } => AgentEvent::Expiring { left },
    }
}
