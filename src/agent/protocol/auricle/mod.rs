//! `auricle.v1`, our own protocol: audio as bytes both ways, all else as JSON. It is the agent event model on a wire, for
//! whoever writes an agent of their own; docs/agent-protocol.md describes it.
//!
//! Left out on purpose: choice of formats by the agent, which are the operator's to set; marks, since every utterance's
//! position is told.

mod items;
pub(in crate::agent) mod messages;

use std::borrow::Cow;
use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use self::items::Items;
use self::messages::{AgentSays, GatewayMessage, Start};
use super::json::{send, stable_code, warn};
use super::known_tools::KnownTools;
use super::{AdapterStats, Expiry, Outputs, Progress, ProtocolAdapter, Recollection};
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentEvent, AgentFault, AgentMessage, ClearCause, ClearScope, FaultClass, SpeechEdge};
use crate::agent::session::{CallFacts, Outbox};
use crate::domain::call_record::{Direction, Speaker};
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;

/// The subprotocol (RFC 6455 section 1.9) by which its version is agreed on.
pub(super) const SUBPROTOCOL: &str = "auricle.v1";

/// The adapter's memory of one connection.
pub(in crate::agent) struct Auricle {
    config: AgentConfig,
    format: AudioFormat,
    call: CallId,
    direction: Direction,
    ready: bool,
    items: Items,
    tools: KnownTools,
    appended_bytes: u64,
    said: Recollection,
    stats: AdapterStats,
}

impl Auricle {
    pub(super) fn new(config: &AgentConfig, facts: &CallFacts, first_item: ItemId, said: Recollection) -> Self {
        Self {
            config: config.clone(),
            format: AudioFormat::from(config.format),
            call: facts.call.clone(),
            direction: facts.direction,
            ready: false,
            items: Items::new(first_item),
            tools: KnownTools::default(),
            appended_bytes: 0,
            said,
            stats: AdapterStats::default(),
        }
    }
}

impl ProtocolAdapter for Auricle {
    fn open(&mut self, out: &mut Outputs<'_>) -> Progress {
        send(out, &GatewayMessage::Start(Start::new(self.call.as_str(), self.direction, &self.config, &self.said)));
        Progress::Unchanged
    }

    /// That it greets stands in `start`.
    fn begin(&mut self, _out: &mut Outputs<'_>) {}

    fn begin_turn(&mut self, out: &mut Outputs<'_>) {
        send(out, &GatewayMessage::TurnStarted {});
    }

    fn handle_message(&mut self, message: AgentMessage<'_>, out: &mut Outputs<'_>) -> Progress {
        match message {
            AgentMessage::Binary(audio) => self.handle_audio(audio, out),
            AgentMessage::Text(text) => match AgentSays::parse(text) {
                Ok(said) => return self.handle(said, out),
                Err(_) => self.stats.malformed_messages += 1,
            },
        }
        Progress::Unchanged
    }

    fn handle_command(&mut self, command: &AgentCommand, out: &mut Outputs<'_>) {
        let message = match command {
            AgentCommand::Playback { item, played_ms, state } => {
                let Some(name) = self.items.name_of(*item) else { return };
                GatewayMessage::Playback { item: Cow::Borrowed(name), played_ms: *played_ms, state: (*state).into() }
            }
            AgentCommand::TurnEnded => GatewayMessage::TurnEnded {},
            AgentCommand::BargeIn(cause) => {
                let _ = self.items.end();
                GatewayMessage::BargeIn { cause: (*cause).into() }
            }
            AgentCommand::Dtmf { digit, duration } => {
                GatewayMessage::Dtmf { digit: *digit, duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) }
            }
            AgentCommand::ToolResult { call_id, output, is_error, proceed } => {
                GatewayMessage::ToolResult { call_id, output: output.expose(), is_error: *is_error, proceed: *proceed }
            }
            AgentCommand::ContextText { role, text, speak } => {
                GatewayMessage::Context { role: (*role).into(), text: text.expose(), speak: *speak }
            }
            // The session does these to the audio, or to the connection.
            AgentCommand::TurnStarted { .. }
            | AgentCommand::MarkReached { .. }
            | AgentCommand::Mute(_)
            | AgentCommand::Hold(_)
            | AgentCommand::Close => return,
        };
        send(out, &message);
    }

    fn push_audio(&mut self, audio: &[u8], live: Option<Duration>, outbox: &mut Outbox) {
        self.appended_bytes = self.appended_bytes.saturating_add(audio.len() as u64);
        outbox.push_binary(live, |bytes| bytes.extend_from_slice(audio));
    }

    fn is_retryable(&self, code: Option<u16>) -> bool {
        // 1000: it has ended the conversation; 1008: it does not take such calls.
        !matches!(code, Some(1000 | 1002 | 1003 | 1007 | 1008))
    }

    fn is_goodbye(&self, code: Option<u16>) -> bool {
        self.ready && code == Some(1000)
    }

    fn next_item(&self) -> ItemId {
        self.items.next()
    }

    fn stats(&self) -> AdapterStats {
        self.stats
    }
}

impl Auricle {
    fn handle(&mut self, said: AgentSays<'_>, out: &mut Outputs<'_>) -> Progress {
        match said {
            AgentSays::Ready { session, expires_in_ms } => {
                self.ready = true;
                let expiry = expires_in_ms.map(|left_ms| Expiry::In(Duration::from_millis(left_ms)));
                return Progress::Ready { session: stable_code(&session), expiry };
            }
            AgentSays::Item { item } => {
                if let Some(ended) = self.items.begin_named(&item) {
                    out.events.push(AgentEvent::AudioEnd { item: ended });
                }
            }
            AgentSays::ItemEnd {} => {
                if let Some(item) = self.items.end() {
                    out.events.push(AgentEvent::AudioEnd { item });
                }
            }
            AgentSays::Clear { item, by_caller } => self.clear(item.as_deref(), by_caller, out),
            AgentSays::SpeechStarted {} => self.hear(SpeechEdge::Started, out),
            AgentSays::SpeechStopped {} => self.hear(SpeechEdge::Stopped, out),
            AgentSays::Transcript { speaker, kind, text, item } => {
                let item = match (speaker, item) {
                    (Speaker::Caller, _) => None,
                    (Speaker::Agent, Some(name)) => self.items.named(&name),
                    (Speaker::Agent, None) => Some(self.items.current()),
                };
                let text = Redacted::new(text.into_owned());
                out.events.push(AgentEvent::Transcript { speaker, kind: kind.into(), text, item });
            }
            AgentSays::Timing { item, text, ends_ms } => {
                let item = match item {
                    Some(name) => self.items.named(&name),
                    None => Some(self.items.current()),
                };
                match item {
                    Some(item) => out.events.push(AgentEvent::Timing { item, text: Redacted::new(text.into_owned()), ends_ms }),
                    None => warn("timing_of_unknown_item", out),
                }
            }
            AgentSays::ToolCall { call_id, name, arguments } => {
                let arguments = if arguments.is_null() { "{}".to_owned() } else { arguments.to_string() };
                self.tools.tell(&call_id, &name, &arguments, out);
            }
            AgentSays::ToolCancelled { call_id } => out.events.push(AgentEvent::ToolCancelled { call_id: call_id.into_owned() }),
            AgentSays::State { state } => out.events.push(AgentEvent::State(state.into())),
            AgentSays::SendDtmf { digits } => out.events.push(AgentEvent::SendDtmf { digits: digits.into_owned() }),
            AgentSays::Transfer { target } => out.events.push(AgentEvent::Transfer { target: Redacted::new(target.into_owned()) }),
            AgentSays::Hangup {} => out.events.push(AgentEvent::Hangup),
            AgentSays::Expiring { left_ms } => return Progress::Ending { left: Duration::from_millis(left_ms) },
            AgentSays::Warning { code } => warn(&code, out),
            AgentSays::Error { code } => return self.fail(&code, out),
            AgentSays::Unknown => self.stats.unknown_events += 1,
        }
        Progress::Unchanged
    }

    fn handle_audio(&mut self, audio: &[u8], out: &mut Outputs<'_>) {
        let item = self.items.current();
        // Copying bytes does not fail.
        let _ = out.events.push_audio(item, self.format, |buffer| {
            buffer.extend_from_slice(audio);
            Ok::<(), std::convert::Infallible>(())
        });
    }

    fn clear(&mut self, name: Option<&str>, by_caller: bool, out: &mut Outputs<'_>) {
        let cause = if by_caller { ClearCause::UserSpeech } else { ClearCause::Bot };
        let scope = match name {
            None => ClearScope::All,
            Some(name) => match self.items.named(name) {
                Some(item) => ClearScope::UpTo(item),
                None => return warn("clear_of_unknown_item", out),
            },
        };
        if scope == ClearScope::All {
            let _ = self.items.end();
        }
        out.events.push(AgentEvent::Clear { scope, cause });
    }

    fn hear(&self, edge: SpeechEdge, out: &mut Outputs<'_>) {
        let samples = self.appended_bytes / self.format.sample_len_bytes() as u64;
        out.events.push(AgentEvent::UserSpeech { edge, input_ms: self.format.rate().millis(samples) });
    }

    fn fail(&self, code: &str, out: &mut Outputs<'_>) -> Progress {
        let code = stable_code(code);
        if !self.ready {
            return Progress::Refused { code };
        }
        out.events.push(AgentEvent::Error(AgentFault { class: FaultClass::Provider, code }));
        Progress::Unchanged
    }
}
