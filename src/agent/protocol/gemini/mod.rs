//! Gemini Live (`BidiGenerateContent`) over a WebSocket: JSON, audio in base64.
//!
//! Facts this adapter rests on: the model speaks 24 kHz and takes any rate; its answers may be text or binary messages of
//! the same JSON; `interrupted` voids what it has said in this turn, and what comes until `turnComplete` is late; a
//! connection lasts about ten minutes and says `goAway` before its end, and the handle of the newest
//! `sessionResumptionUpdate` takes the conversation up again; words come in pieces that say nothing of their place in the audio.
//!
//! Left out on purpose: video, thoughts, answers of tools while the model speaks on.

mod incoming;
mod outgoing;
mod words;

use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::incoming::{Blob, FunctionCall, ServerContent, ServerMessage, Transcription};
use self::outgoing::{ClientContent, ClientMessage, Outcome, RealtimeInput, Setup, ToolResponse};
use self::words::Words;
use super::json::{push_base64, send, stable_code, warn};
use super::known_tools::KnownTools;
use super::utterances::Utterances;
use super::{AdapterStats, Outputs, Progress, ProtocolAdapter, Recollection, key_in_words};
use crate::agent::config::{AgentConfig, TurnDetection};
use crate::agent::model::{AgentCommand, AgentEvent, AgentMessage, AgentState, ClearCause, ClearScope, SpeechEdge, TranscriptKind};
use crate::agent::session::Outbox;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The adapter's memory of one connection.
pub(in crate::agent) struct Gemini {
    config: AgentConfig,
    format: AudioFormat,
    configured: bool,
    /// Takes the conversation up again on another connection.
    handle: Option<Redacted<String>>,
    /// The conversation has gone on since: while it answers or runs a function the service gives no handle.
    moved_on: bool,
    utterances: Utterances,
    caller_words: Words,
    agent_words: Words,
    /// Whose words those are: of the turn's latest utterance, though it was cut or is over by then.
    worded: Option<ItemId>,
    speaking: bool,
    tools: KnownTools,
    appended_bytes: u64,
    said: Recollection,
    stats: AdapterStats,
}

impl Gemini {
    pub(super) fn new(config: &AgentConfig, first_item: ItemId, said: Recollection) -> Self {
        Self {
            config: config.clone(),
            format: AudioFormat::from(config.format),
            configured: false,
            handle: None,
            moved_on: false,
            utterances: Utterances::new(first_item),
            caller_words: Words::default(),
            agent_words: Words::default(),
            worded: None,
            speaking: false,
            tools: KnownTools::default(),
            appended_bytes: 0,
            said,
            stats: AdapterStats::default(),
        }
    }

    /// Goes on with the conversation of another connection to the same service, which then knows what was said. One that was lost
    /// before it stood has used its handle up in vain.
    pub(super) fn resume(&mut self, former: &Self) {
        let place = |config: &AgentConfig| (config.url.clone(), config.model.clone(), config.api_key_env.clone());
        let same = former.configured && place(&self.config) == place(&former.config);
        // From a handle that the conversation has left behind it would go on without its last turn: then the history tells more.
        self.handle = former.handle.clone().filter(|_| same && !former.moved_on);
        if self.handle.is_some() {
            self.said.history.clear();
        }
    }
}

impl ProtocolAdapter for Gemini {
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        let handle = self.handle.as_ref().map(|handle| handle.expose().as_str());
        send(out, &ClientMessage::Setup(Setup::new(&self.config, handle)));
        Progress::Unchanged
    }

    fn recall(&mut self, out: &mut Outputs<'_>) {
        let (history, _) = self.said.parted();
        if !history.is_empty() {
            send(out, &ClientMessage::ClientContent(ClientContent::history(history)));
        }
    }

    /// A conversation that was taken up again has begun before.
    fn begin(&mut self, out: &mut Outputs<'_>) {
        if let (_, Some(text)) = self.said.parted() {
            return send(out, &ClientMessage::ClientContent(ClientContent::text(text, true)));
        }
        if self.config.greet_first && self.handle.is_none() {
            let words = self.config.greeting().unwrap_or(GREET);
            send(out, &ClientMessage::ClientContent(ClientContent::text(words, true)));
        }
    }

    fn begin_turn(&mut self, out: &mut Outputs<'_>) {
        if self.turns_are_ours() {
            send(out, &ClientMessage::RealtimeInput(RealtimeInput::ActivityStart {}));
        }
    }

    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        let parsed = match message {
            AgentMessage::Text(text) => ServerMessage::parse(text).ok(),
            AgentMessage::Binary(bytes) => std::str::from_utf8(bytes).ok().and_then(|text| ServerMessage::parse(text).ok()),
        };
        match parsed {
            Some(message) => self.handle(message, out),
            None => {
                self.stats.malformed_messages += 1;
                Progress::Unchanged
            }
        }
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        match command {
            // The beginning of the caller's turn has interrupted it, or its own ear will.
            AgentCommand::BargeIn(_) => self.utterances.cut(),
            AgentCommand::TurnEnded if self.turns_are_ours() => {
                send(out, &ClientMessage::RealtimeInput(RealtimeInput::ActivityEnd {}));
            }
            AgentCommand::Dtmf { digit, .. } => {
                send(out, &ClientMessage::RealtimeInput(RealtimeInput::Text(&key_in_words(*digit))));
            }
            AgentCommand::ContextText { text, speak, .. } => {
                send(out, &ClientMessage::ClientContent(ClientContent::text(text.expose(), *speak)));
            }
            AgentCommand::ToolResult { call_id, output, is_error, .. } => {
                let Some(name) = self.tools.name_of(call_id) else { return warn("unknown_tool_call", out) };
                let outcome = if *is_error { Outcome::Error(output.expose()) } else { Outcome::Output(output.expose()) };
                send(out, &ClientMessage::ToolResponse(ToolResponse::new(call_id, name, outcome)));
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
        let format = self.format;
        outbox.push_text(live, |text| outgoing::write_audio(format, audio, text));
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        // Before our settings were taken these two are about them; later, and with a handle, they were met where another try did well.
        self.configured || self.handle.is_some() || !matches!(code, Some(1007 | 1008))
    }

    fn next_item(&self) -> ItemId {
        self.utterances.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}

impl Gemini {
    fn handle(&mut self, message: ServerMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        if message.is_unknown() {
            self.stats.unknown_events += 1;
        }
        if let Some(activity) = &message.voice_activity {
            self.handle_activity(&activity.voice_activity_type, out);
        }
        if let Some(content) = message.server_content {
            self.handle_content(&content, out);
        }
        for call in message.tool_call.iter().flat_map(|call| &call.function_calls) {
            self.handle_tool_call(call, out);
        }
        for id in message.tool_call_cancellation.into_iter().flat_map(|cancelled| cancelled.ids) {
            out.events.push(AgentEvent::ToolCancelled { call_id: id.into_owned() });
        }
        if let Some(update) = message.session_resumption_update {
            let handle = update.new_handle.filter(|handle| update.resumable && !handle.is_empty());
            self.handle = handle.map(|handle| Redacted::new(handle.into_owned())).or(self.handle.take());
            self.moved_on = !update.resumable;
        }
        if let Some(complete) = message.setup_complete {
            self.configured = true;
            let session = complete.session_id.as_deref().map(stable_code).unwrap_or_default();
            return Progress::Ready { session, expiry: None };
        }
        message.go_away.map_or(Progress::Unchanged, |leaving| Progress::Ending { left: leaving.left() })
    }

    fn handle_content(&mut self, content: &ServerContent<'_>, out: &mut Outputs<'_>) {
        if content.interrupted {
            self.utterances.cut();
            self.set_speaking(false, out);
            out.events.push(AgentEvent::Clear { scope: ClearScope::All, cause: ClearCause::UserSpeech });
        }
        if let Some(words) = &content.input_transcription {
            self.hear_caller(words, out);
        }
        for blob in content.model_turn.iter().flat_map(|turn| &turn.parts).filter_map(|part| part.inline_data.as_ref()) {
            self.handle_audio(blob, out);
        }
        if let Some(words) = &content.output_transcription {
            self.agent_words.add(&words.text);
            if self.worded.is_none() {
                self.worded = self.utterances.current();
            }
            out.events.push(words_of(Speaker::Agent, TranscriptKind::Partial, words.text.clone().into_owned(), self.worded));
        }
        if content.generation_complete {
            self.tell_agent_words(out);
            if let Some(item) = self.utterances.end() {
                out.events.push(AgentEvent::AudioEnd { item });
            }
        }
        if content.turn_complete {
            self.end_turn(out);
        }
    }

    fn end_turn(&mut self, out: &mut Outputs<'_>) {
        // Those of an utterance that was cut have waited for it: words lag behind their sound.
        self.tell_agent_words(out);
        self.worded = None;
        if let Some(item) = self.utterances.end() {
            out.events.push(AgentEvent::AudioEnd { item });
        }
        self.utterances.admit();
        self.set_speaking(false, out);
    }

    fn handle_audio(&mut self, blob: &Blob<'_>, out: &mut Outputs<'_>) {
        if blob.rate_hz() != Some(self.format.rate().hz()) {
            self.stats.unknown_events += 1;
            return;
        }
        // The model answers: what the caller said is whole.
        self.tell_caller_words(out);
        let Some(item) = self.utterances.current() else {
            self.stats.late_audio_messages += 1;
            return;
        };
        self.worded = Some(item);
        if push_base64(item, self.format, blob.data.as_bytes(), out).is_none() {
            self.stats.malformed_messages += 1;
        }
        self.set_speaking(true, out);
    }

    fn handle_activity(&self, kind: &str, out: &mut Outputs<'_>) {
        let edge = match kind {
            "ACTIVITY_START" => SpeechEdge::Started,
            "ACTIVITY_END" => SpeechEdge::Stopped,
            _ => return,
        };
        let samples = self.appended_bytes / self.format.sample_len_bytes() as u64;
        out.events.push(AgentEvent::UserSpeech { edge, input_ms: self.format.rate().millis(samples) });
    }

    fn hear_caller(&mut self, words: &Transcription<'_>, out: &mut Outputs<'_>) {
        self.caller_words.add(&words.text);
        out.events.push(words_of(Speaker::Caller, TranscriptKind::Partial, words.text.clone().into_owned(), None));
        if words.finished {
            self.tell_caller_words(out);
        }
    }

    fn tell_caller_words(&mut self, out: &mut Outputs<'_>) {
        if let Some(words) = self.caller_words.take() {
            out.events.push(words_of(Speaker::Caller, TranscriptKind::Final, words, None));
        }
    }

    fn tell_agent_words(&mut self, out: &mut Outputs<'_>) {
        if let Some(words) = self.agent_words.take() {
            out.events.push(words_of(Speaker::Agent, TranscriptKind::Final, words, self.worded));
        }
    }

    fn set_speaking(&mut self, speaking: bool, out: &mut Outputs<'_>) {
        if std::mem::replace(&mut self.speaking, speaking) != speaking {
            out.events.push(AgentEvent::State(if speaking { AgentState::Speaking } else { AgentState::Listening }));
        }
    }

    fn handle_tool_call(&mut self, call: &FunctionCall<'_>, out: &mut Outputs<'_>) {
        let arguments = call.args.map_or("{}", |arguments| arguments.get());
        self.tools.tell(&call.id, &call.name, arguments, out);
    }

    const fn turns_are_ours(&self) -> bool {
        matches!(self.config.turn_detection, TurnDetection::Gateway { .. })
    }
}

fn words_of(speaker: Speaker, kind: TranscriptKind, words: String, item: Option<ItemId>) -> AgentEvent<'static> {
    AgentEvent::Transcript { speaker, kind, text: Redacted::new(words), item }
}

/// The model answers and does not begin; this is what it answers to where nothing is configured.
const GREET: &str = "The call begins. Greet the caller.";
