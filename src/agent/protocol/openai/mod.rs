//! OpenAI Realtime over a WebSocket: in the shape of today (`session.type = "realtime"`), with OpenAI and Azure OpenAI, and in the beta
//! shape, which Azure Voice Live has kept ([`beta`]).
//!
//! Facts this adapter rests on: audio comes faster than it is played and the server knows nothing of playing, so an
//! interruption must be told with `conversation.item.truncate`; `speech_started` cancels the running response on the
//! server's side (`interrupt_response`), and what still comes of that response is late; one response runs at a time;
//! errors leave the session open.
//!
//! Left out on purpose: text and image modalities, server-side MCP tools.

mod beta;
mod faults;
mod incoming;
mod items;
mod outgoing;
mod purpose;
mod responses;
mod telling;
mod tools;
mod url;

use std::time::Duration;

use base64_simd::{STANDARD, forgiving_decode_to_vec};
use media::frame::{AudioFormat, ItemId};

use self::faults::Verdict;
use self::incoming::{AudioDelta, ErrorBody, Response, ServerEvent, Session, ToolArguments};
use self::items::Items;
use self::outgoing::{ClientEvent, Item, ResponseSettings, Role, Settings};
use self::purpose::Purpose;
use self::responses::Responses;
use self::tools::Tools;
use super::json::{stable_code, warn};
use super::{AdapterStats, Expiry, Outputs, Progress, ProtocolAdapter, Recollection, key_in_words};
use crate::agent::config::{AgentConfig, Protocol};
use crate::agent::model::{
    AgentCommand, AgentEvent, AgentMessage, AgentState, ClearCause, ClearScope, ContextRole, FaultClass, PlaybackState, SpeechEdge,
    TranscriptKind,
};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

pub(super) use self::url::request_url;

/// The adapter's memory of one connection.
pub(in crate::agent) struct OpenAi {
    config: AgentConfig,
    shape: Shape,
    format: AudioFormat,
    items: Items,
    responses: Responses,
    tools: Tools,
    speaking: bool,
    event_ids: u64,
    said: Recollection,
    stats: AdapterStats,
}

/// How settings are written and told back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Ga,
    Beta,
}

impl OpenAi {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId, said: Recollection) -> Self {
        let format = AudioFormat::from(config.format);
        Self {
            config: config.clone(),
            shape: if config.protocol == Protocol::VoiceLive { Shape::Beta } else { Shape::Ga },
            format,
            items: Items::new(format, first_item),
            responses: Responses::default(),
            tools: Tools::default(),
            speaking: false,
            event_ids: 0,
            said,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for OpenAi {
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        let event_id = self.event_id(Purpose::Settings);
        let session = match self.shape {
            Shape::Ga => Settings::Ga(outgoing::Session::new(&self.config)),
            Shape::Beta => Settings::Beta(beta::Session::new(&self.config)),
        };
        send(out, &ClientEvent::SessionUpdate { event_id: &event_id, session });
        Progress::Unchanged
    }

    fn recall(&mut self, out: &mut Outputs<'_>) {
        self.tell_history(out);
    }

    fn begin(&mut self, out: &mut Outputs<'_>) {
        if self.ask_for_what_is_owed(out) {
            return;
        }
        if self.config.greet_first && self.responses.want() {
            let event_id = self.event_id(Purpose::Response);
            let response = self.config.greeting().map(|instructions| ResponseSettings { instructions });
            send(out, &ClientEvent::ResponseCreate { event_id: &event_id, response });
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
            ServerEvent::AudioDelta(delta) => self.handle_audio(&delta, out),
            ServerEvent::AudioDone(done) => self.handle_audio_done(&done.item_id, out),
            ServerEvent::AgentTranscriptDelta(delta) => {
                self.agent_words(&delta.item_id, TranscriptKind::Partial, delta.delta.into_owned(), out);
            }
            ServerEvent::AgentTranscriptDone(done) => {
                self.agent_words(&done.item_id, TranscriptKind::Final, done.transcript.into_owned(), out);
            }
            ServerEvent::CallerTranscriptDelta(delta) => caller_words(TranscriptKind::Partial, delta.delta.into_owned(), out),
            ServerEvent::CallerTranscriptDone(done) => caller_words(TranscriptKind::Final, done.transcript.into_owned(), out),
            ServerEvent::CallerTranscriptFailed => warn("transcription_failed", out),
            ServerEvent::SpeechStarted(speech) => self.handle_speech_started(speech.audio_start_ms, out),
            ServerEvent::SpeechStopped(speech) => {
                out.events.push(AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, input_ms: speech.audio_end_ms });
            }
            ServerEvent::ResponseCreated(event) => {
                self.responses.begin(&event.response.id);
                out.events.push(AgentEvent::State(AgentState::Thinking));
            }
            ServerEvent::ResponseDone(event) => self.handle_response_done(&event.response, out),
            ServerEvent::ToolArguments(call) => self.hold(call, out),
            ServerEvent::OutputItem(item) => {
                if let Some(call) = item.into_call() {
                    self.hold(call, out);
                }
            }
            ServerEvent::RateLimits(limits) => {
                for limit in limits.rate_limits.iter().filter(|limit| limit.remaining.is_some_and(|remaining| remaining <= 0.0)) {
                    warn(&format!("rate_limit_reached_{}", limit.name), out);
                }
            }
            ServerEvent::SessionCreated(event) => {
                return event.session.expires_at.map_or(Progress::Unchanged, |unix| Progress::Lifetime(Expiry::At(unix)));
            }
            ServerEvent::SessionUpdated(event) => return self.handle_settings(&event.session),
            ServerEvent::Error(event) => return self.handle_error(&event.error, out),
            ServerEvent::Expected => {}
            ServerEvent::Unknown => self.stats.unknown_events += 1,
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            AgentCommand::Playback { item, played_ms, state: PlaybackState::Cleared } => self.truncate(*item, *played_ms, out),
            AgentCommand::BargeIn(_) => self.interrupt(out),
            AgentCommand::TurnEnded => self.commit(out),
            AgentCommand::Dtmf { digit, .. } => {
                self.say(Role::User, &key_in_words(*digit), out);
            }
            AgentCommand::ContextText { role, text, speak } => {
                let role = match role {
                    ContextRole::User => Role::User,
                    ContextRole::System | ContextRole::Developer => Role::System,
                };
                self.say(role, text.expose(), out);
                if *speak {
                    self.ask_for_response(out);
                }
            }
            AgentCommand::ToolResult { call_id, output, is_error, proceed } => {
                let event_id = self.event_id(Purpose::Item);
                let failure = is_error.then(|| serde_json::json!({ "error": output.expose() }).to_string());
                let output = failure.as_deref().unwrap_or(output.expose());
                send(out, &ClientEvent::ItemCreate { event_id: &event_id, item: Item::FunctionCallOutput { call_id, output } });
                if *proceed {
                    self.ask_for_response(out);
                }
            }
            // Playing that goes well is no news here; muting and holding are done to the audio by the session.
            AgentCommand::TurnStarted { .. }
            | AgentCommand::Playback { .. }
            | AgentCommand::Mute(_)
            | AgentCommand::Hold(_)
            | AgentCommand::MarkReached { .. }
            | AgentCommand::Close => {}
        }
    }

    fn next_item(&self) -> ItemId {
        self.items.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }

    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        outbox.push_text(live, |text| outgoing::write_audio(audio, text));
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        faults::is_retryable(code)
    }
}

impl OpenAi {
    fn handle_audio(&mut self, delta: &AudioDelta<'_>, out: &mut Outputs<'_>) {
        let late_response = self.responses.is_interrupted(&delta.response_id);
        let Some(item) = self.items.named(&delta.item_id) else {
            self.stats.malformed_messages += 1;
            return;
        };
        if late_response || item.cut {
            item.has_late_audio = true;
            self.stats.late_audio_messages += 1;
            return;
        }
        let base64 = delta.delta.as_bytes();
        let decoded = out.events.push_audio(item.id, self.format, |buffer| {
            // White space and missing padding are legal enough; they cost a second, slower try.
            STANDARD.decode_append(base64, buffer).or_else(|_| forgiving_decode_to_vec(base64).map(|bytes| buffer.extend(bytes)))
        });
        match decoded {
            Ok(len_bytes) => item.receive(len_bytes),
            Err(_) => self.stats.malformed_messages += 1,
        }
        if !self.speaking {
            self.speaking = true;
            out.events.push(AgentEvent::State(AgentState::Speaking));
        }
    }

    fn handle_audio_done(&mut self, name: &str, out: &mut Outputs<'_>) {
        let Some(item) = self.items.named(name) else { return };
        let was_ended = std::mem::replace(&mut item.ended, true);
        if !was_ended && !item.is_silent() {
            out.events.push(AgentEvent::AudioEnd { item: item.id });
        }
    }

    fn agent_words(&mut self, name: &str, kind: TranscriptKind, text: String, out: &mut Outputs<'_>) {
        // Words run ahead of the audio: the first of them may be what numbers the item.
        let item = self.items.named(name).map(|item| item.id);
        out.events.push(AgentEvent::Transcript { speaker: Speaker::Agent, kind, text: Redacted::new(text), item });
    }

    fn handle_speech_started(&mut self, input_ms: u64, out: &mut Outputs<'_>) {
        // Where it was told not to interrupt itself, what it hears is no reason to.
        if !self.config.turn_detection.spares_interruptions() {
            self.responses.interrupt();
            self.responses.withdraw();
            self.items.cut_all();
            self.speaking = false;
            out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
        }
        out.events.push(AgentEvent::UserSpeech { edge: SpeechEdge::Started, input_ms });
    }

    fn handle_response_done(&mut self, response: &Response<'_>, out: &mut Outputs<'_>) {
        let status = response.status.as_deref().unwrap_or_default();
        if status == "cancelled" {
            self.responses.mark_interrupted(&response.id);
        }
        let details = response.status_details.as_ref();
        if status == "incomplete" {
            let reason = details.and_then(|details| details.reason.as_deref()).unwrap_or("unknown");
            warn(&format!("response_incomplete_{reason}"), out);
        }
        if status == "failed" {
            let unknown = ErrorBody::default();
            if faults::tell(details.and_then(|details| details.error.as_ref()).unwrap_or(&unknown), out) == Some(FaultClass::Provider) {
                self.responses.retry(&response.id);
            }
        }
        if status == "completed" {
            self.responses.succeed();
        }
        self.tools.release(&response.id, status == "completed", |call| out.events.push(call));
        self.speaking = false;
        out.events.push(AgentEvent::State(AgentState::Listening));
        if self.responses.end(&response.id) {
            self.send_response_create(out);
        }
    }

    /// Keeps a call of a tool until its response is whole; one that does not say of what comes again with its name.
    fn hold(&mut self, call: ToolArguments<'_>, out: &mut Outputs<'_>) {
        if !call.name.is_empty() && !self.tools.hold(call) {
            out.events.push(AgentEvent::ToolCallUnfit);
        }
    }

    fn handle_settings(&self, session: &Session<'_>) -> Progress {
        let agreed = match self.shape {
            Shape::Ga => self.agrees_with(session),
            Shape::Beta => {
                session.input_audio_format.as_deref() == Some(beta::input_format(self.format))
                    && session.output_audio_format.as_deref() == Some(beta::output_format(self.format))
            }
        };
        if !agreed {
            return Progress::Refused { code: "format_not_taken".to_owned() };
        }
        let name = session.id.as_deref().unwrap_or_default();
        Progress::Ready { session: stable_code(name), expiry: session.expires_at.map(Expiry::At) }
    }

    /// Whether both directions are what we asked for.
    fn agrees_with(&self, session: &Session<'_>) -> bool {
        let audio = session.audio.as_ref();
        let sides = [audio.and_then(|audio| audio.input.as_ref()), audio.and_then(|audio| audio.output.as_ref())];
        sides.iter().all(|side| {
            let format = side.and_then(|side| side.format.as_ref());
            format.is_some_and(|format| match self.format {
                AudioFormat::Ulaw8k => format.r#type == "audio/pcmu",
                AudioFormat::Alaw8k => format.r#type == "audio/pcma",
                AudioFormat::S16 { rate } => format.r#type == "audio/pcm" && format.rate.is_none_or(|hz| hz == rate.hz()),
            })
        })
    }

    fn handle_error(&mut self, error: &ErrorBody<'_>, out: &mut Outputs<'_>) -> Progress {
        let purpose = error.event_id.as_deref().and_then(Purpose::of);
        if purpose == Some(Purpose::Response) {
            self.responses.fail_request(error.code.as_deref() == Some("conversation_already_has_active_response"));
        }
        match (purpose, faults::judge(error)) {
            (Some(Purpose::Settings), Verdict::Fault(fault)) => return Progress::Refused { code: fault.code },
            (_, Verdict::Fault(fault)) => out.events.push(AgentEvent::Error(fault)),
            (_, Verdict::Harmless(code)) => warn(&code, out),
        }
        Progress::Unchanged
    }

    /// Tells how much of an item was heard, unless the server believes just that.
    fn truncate(&mut self, item: ItemId, played_ms: u64, out: &mut Outputs<'_>) {
        let event_id = self.event_id(Purpose::Truncate);
        if let Some((item_id, audio_end_ms)) = self.items.settle(item, played_ms) {
            send(out, &ClientEvent::ItemTruncate { event_id: &event_id, item_id, content_index: 0, audio_end_ms });
        }
    }

    /// The gateway decided that the caller interrupted: the server has not noticed.
    fn interrupt(&mut self, out: &mut Outputs<'_>) {
        let event_id = self.event_id(Purpose::Cancel);
        self.responses.withdraw();
        self.items.cut_all();
        self.speaking = false;
        if let Some(response_id) = self.responses.interrupt() {
            send(out, &ClientEvent::ResponseCancel { event_id: &event_id, response_id });
        }
    }

    /// The gateway decided that the caller has finished: what it heard is a turn, and wants an answer.
    fn commit(&mut self, out: &mut Outputs<'_>) {
        let event_id = self.event_id(Purpose::Item);
        send(out, &ClientEvent::InputCommit { event_id: &event_id });
        self.ask_for_response(out);
    }

    fn event_id(&mut self, purpose: Purpose) -> String {
        self.event_ids += 1;
        format!("{}{}", purpose.prefix(), self.event_ids)
    }
}

fn send(out: &mut Outputs<'_>, event: &ClientEvent<'_>) {
    out.outbox.push_text(None, |text| event.write(text));
}

fn caller_words(kind: TranscriptKind, text: String, out: &mut Outputs<'_>) {
    out.events.push(AgentEvent::Transcript { speaker: Speaker::Caller, kind, text: Redacted::new(text), item: None });
}
