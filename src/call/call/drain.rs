//! What agent and leg have to tell, and who is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Call;
use crate::agent::model::{AgentEvent, ClearCause, SpeechEdge, TranscriptKind};
use crate::call::action::CallEvent;
use crate::call::command::CallCommand;
use crate::call::keys::report_key;
use crate::call::playback::{is_of, mark_place, report_playback, silence};
use crate::call::ringing::RING;
use crate::call::transfer::{TransferOrder, TransferTarget};
use crate::call::turns::report_fault;
use crate::domain::timeline::Moment;
use crate::leg::{Leg, LegEvent};

impl Call {
    pub(super) fn drain_agent(&mut self, now: Instant) -> bool {
        let heard_ms = self.agents.input_position_ms();
        let (link, agent_config) = (self.agents.link(), Arc::clone(self.agents.config()));
        let Self { agents, leg, journal, session, first, turns, page, .. } = self;
        let mut moved = false;
        while let Some(event) = agents.poll_event(now) {
            moved = true;
            page.heed_agent(&event);
            match event {
                AgentEvent::Audio { item, chunk } => {
                    if !std::mem::replace(&mut first.audio_from_agent, true) {
                        journal.mark(now, Moment::FirstAudioFromAgent);
                    }
                    journal.agent_spoke(now);
                    // A full queue and a flushed item are told by events of the leg.
                    leg.push(now, item, chunk);
                }
                AgentEvent::AudioEnd { item } => leg.end(now, item),
                AgentEvent::Clear { scope, cause } => {
                    let discarded = silence(now, leg, scope);
                    if cause == ClearCause::UserSpeech && !discarded.is_zero() {
                        journal.barged_in(now, discarded);
                    }
                }
                AgentEvent::UserSpeech { edge, input_ms } => {
                    let ago = Duration::from_millis(heard_ms.saturating_sub(input_ms));
                    let at = now.checked_sub(ago).unwrap_or(now);
                    match edge {
                        SpeechEdge::Started => journal.caller_started(at),
                        SpeechEdge::Stopped => journal.caller_stopped(now, at),
                    }
                }
                AgentEvent::Transcript { speaker, kind: TranscriptKind::Final, text, item } => journal.said(now, speaker, text, item),
                AgentEvent::Ready { .. } => {
                    journal.mark(now, Moment::AgentReady { attempt: link.0 });
                    session.handle(now, CallEvent::AgentReady);
                    turns.agent_ready(now, agents);
                }
                AgentEvent::Hangup => session.handle(now, CallEvent::AgentHangup),
                AgentEvent::Error(fault) => {
                    journal.mark(now, Moment::Warning { code: fault.code });
                }
                AgentEvent::Warning { code } => journal.mark(now, Moment::Warning { code }),
                AgentEvent::Expiring { .. } => journal.mark(now, Moment::Warning { code: "agent_expiring".to_owned() }),
                AgentEvent::Transfer { target } => {
                    // Only where its configuration says that it may; what the organisation may call is asked besides.
                    if agent_config.transfer_targets.contains(target.expose()) {
                        let order = TransferOrder { target: TransferTarget::Blind(target), reply: None };
                        session.handle(now, CallEvent::Command(CallCommand::Transfer(order)));
                    } else {
                        session.handle(now, CallEvent::TransferForbidden);
                    }
                }
                AgentEvent::ToolCall { .. } | AgentEvent::SendDtmf { .. } => {
                    journal.mark(now, Moment::Warning { code: "agent_request_unsupported".to_owned() });
                }
                AgentEvent::MarkRequest { mark } => mark_place(now, leg, agents, mark),
                // Partial words and states have no reader yet.
                AgentEvent::Transcript { .. } | AgentEvent::State(_) | AgentEvent::ToolCancelled { .. } => {}
            }
        }
        moved
    }

    pub(super) fn drain_leg(&mut self, now: Instant) -> bool {
        let Some(leg) = self.leg.agreed() else { return false };
        let mut moved = false;
        let line = leg.negotiated().codec.sample_rate();
        while let Some(chunk) = leg.poll_audio() {
            self.agents.push_audio(now, chunk, line);
            if self.session.agent_is_ready() && !std::mem::replace(&mut self.first.audio_to_agent, true) {
                self.journal.mark(now, Moment::FirstAudioToAgent);
            }
        }
        while let Some(event) = self.leg.agreed().and_then(Leg::poll_event) {
            moved = true;
            match event {
                LegEvent::FirstRtpIn => self.journal.mark(now, Moment::FirstRtpIn),
                LegEvent::FirstRtpOut => self.journal.mark(now, Moment::FirstRtpOut),
                LegEvent::Digit(event) => {
                    let agent = self.keys_to_agent.then_some(&mut self.agents);
                    report_key(now, agent, &mut self.journal, &event);
                }
                // Our own ringing is nothing that the agent has said.
                LegEvent::Egress(event) if is_of(&event, RING) => {}
                LegEvent::Egress(event) => {
                    self.page.heed_playout(&event);
                    report_playback(now, &mut self.agents, &mut self.journal, event);
                }
                LegEvent::Turn(decision) => {
                    let Self { turns, leg, agents, journal, .. } = self;
                    turns.decide(now, decision, leg, agents, journal);
                }
                LegEvent::Fault(warning) => report_fault(now, &mut self.journal, warning),
            }
        }
        if let Some(leg) = self.leg.agreed() {
            self.ears.drain(now, leg, &mut self.journal);
        }
        moved
    }
}
