//! What agent and leg have to tell, and who is told.

use std::time::{Duration, Instant};

use media::barge_in::Decision;
use media::egress::EgressEvent;
use media::frame::ItemId;

use super::Call;
use crate::agent::model::{AgentEvent, ClearCause, SpeechEdge, TranscriptKind};
use crate::call::action::CallEvent;
use crate::call::journal::Journal;
use crate::call::keys::report_key;
use crate::call::playback::{is_of, mark_place, report_playback, silence};
use crate::call::ringing::RING;
use crate::call::tools::Wish;
use crate::call::turns::report_fault;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;
use crate::domain::timeline::Moment;
use crate::leg::{Leg, LegEvent};

impl Call {
    pub(super) fn drain_agent(&mut self, now: Instant) -> bool {
        let heard_ms = self.agents.input_position_ms();
        let link = self.agents.link();
        let Self { agents, leg, journal, session, first, turns, page, tools, greeted, .. } = self;
        let (mut moved, mut hung_up, mut caller) = (false, false, Caller::default());
        loop {
            // Words of a turn that has ended are no sign that the caller speaks now.
            let words_are_late = agents.owes_words();
            let Some(event) = agents.poll_event(now) else { break };
            moved = true;
            page.heed_agent(&event);
            caller.note(&event, words_are_late);
            match event {
                AgentEvent::Audio { item, chunk } => {
                    if !std::mem::replace(&mut first.audio_from_agent, true) {
                        journal.mark(now, Moment::FirstAudioFromAgent);
                    }
                    journal.agent_spoke(now);
                    if !std::mem::replace(greeted, true) {
                        leg.protect(item);
                    }
                    // A full queue and a flushed item are told by events of the leg.
                    leg.push(now, item, chunk);
                }
                AgentEvent::AudioEnd { item } => leg.end(now, item),
                AgentEvent::Clear { scope, cause } => {
                    let discarded = silence(now, leg, scope);
                    if cause == ClearCause::UserSpeech {
                        tools.interrupted();
                        if !discarded.is_zero() {
                            journal.barged_in(now, discarded);
                        }
                    }
                }
                AgentEvent::UserSpeech { edge, input_ms } => {
                    note_edge(now, Duration::from_millis(heard_ms.saturating_sub(input_ms)), edge, journal);
                }
                AgentEvent::Transcript { speaker, kind, text, item } => {
                    if speaker == Speaker::Caller && !words_are_late && !text.expose().trim().is_empty() {
                        leg.note_words(now);
                    }
                    write_down(now, journal, (speaker, kind), text, item);
                }
                AgentEvent::Timing { item, text, ends_ms } => journal.timed(item, text.expose(), &ends_ms),
                AgentEvent::Ready { .. } => {
                    journal.mark(now, Moment::AgentReady { attempt: link.0 });
                    session.handle(now, CallEvent::AgentReady);
                    turns.agent_ready(now, agents);
                }
                AgentEvent::Hangup => hung_up = true,
                AgentEvent::Error(fault) => journal.mark(now, Moment::Warning { code: fault.code }),
                AgentEvent::Warning { code } => journal.mark(now, Moment::Warning { code }),
                AgentEvent::Expiring { .. } => journal.mark(now, Moment::Warning { code: "agent_expiring".to_owned() }),
                AgentEvent::Transfer { target } => tools.wish(Wish::Transfer(target)),
                AgentEvent::SendDtmf { digits } => tools.wish(Wish::Keys(&digits)),
                AgentEvent::ToolCall { call_id, name, arguments } => tools.call(now, call_id, &name, arguments),
                AgentEvent::ToolCallUnfit => tools.call_unfit(),
                AgentEvent::ToolCancelled { call_id } => tools.cancel(now, &call_id),
                AgentEvent::MarkRequest { mark } => mark_place(now, leg, agents, mark),
                // States have no reader yet.
                AgentEvent::State(_) => {}
            }
        }
        if hung_up {
            self.agent_hung_up(now);
        }
        self.heed_caller(now, caller);
        moved
    }

    fn heed_caller(&mut self, now: Instant, Caller { spoke, stopped }: Caller) {
        if spoke {
            self.caller_spoke(now);
        }
        if stopped {
            self.manners.caller_stopped();
        }
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
                    self.caller_spoke(now);
                    self.manners.caller_stopped();
                    let told = report_key(now, &mut self.journal, &event).filter(|_| self.keys_to_agent);
                    if let Some((digit, duration)) = told {
                        self.untold.key(now, &mut self.agents, digit, duration);
                    }
                }
                // Our own ringing is nothing that the agent has said.
                LegEvent::Egress(event) if is_of(&event, RING) => {}
                LegEvent::Egress(event) => {
                    self.page.heed_playout(&event);
                    if matches!(event, EgressEvent::ItemStarted(_)) {
                        self.farewell.begins();
                    }
                    self.tell_said(matches!(event, EgressEvent::ItemFinished(_)));
                    report_playback(now, &mut self.leg, &mut self.agents, &mut self.journal, event);
                }
                LegEvent::Turn(decision) => {
                    match decision {
                        Decision::Confirm { .. } => self.tools.interrupted(),
                        Decision::TurnStarted { .. } => self.caller_spoke(now),
                        Decision::TurnEnded => self.manners.caller_stopped(),
                        Decision::Pause | Decision::Resume { .. } => {}
                    }
                    let Self { turns, leg, agents, journal, .. } = self;
                    // Where the service finds the ends of turns it is told of interruptions alone.
                    let of_turns = matches!(decision, Decision::TurnStarted { .. } | Decision::TurnEnded);
                    if !(of_turns && agents.config().turn_detection.spares_interruptions()) {
                        turns.decide(now, decision, leg, agents, journal);
                    }
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

/// What a batch of the agent's events says about the caller.
#[derive(Debug, Default)]
struct Caller {
    spoke: bool,
    stopped: bool,
}

impl Caller {
    fn note(&mut self, event: &AgentEvent, words_are_late: bool) {
        match event {
            AgentEvent::UserSpeech { edge: SpeechEdge::Started, .. } | AgentEvent::Clear { cause: ClearCause::UserSpeech, .. } => {
                self.spoke = true;
            }
            AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, .. } => self.stopped = true,
            AgentEvent::Transcript { speaker: Speaker::Caller, kind, text, .. } if !words_are_late && !text.expose().trim().is_empty() => {
                self.spoke = true;
                self.stopped |= *kind == TranscriptKind::Final;
            }
            _ => {}
        }
    }
}

/// Words came.
fn write_down(now: Instant, journal: &mut Journal, what: (Speaker, TranscriptKind), text: Redacted<String>, item: Option<ItemId>) {
    match what {
        (speaker, TranscriptKind::Final) => journal.said(now, speaker, text, item),
        (Speaker::Agent, TranscriptKind::Correction) => journal.corrected(text),
        // Partial words have no other reader yet.
        (_, TranscriptKind::Partial | TranscriptKind::Correction) => {}
    }
}

/// The caller began or stopped to speak, `ago`.
fn note_edge(now: Instant, ago: Duration, edge: SpeechEdge, journal: &mut Journal) {
    let at = now.checked_sub(ago).unwrap_or(now);
    match edge {
        SpeechEdge::Started => journal.caller_started(at),
        SpeechEdge::Stopped => journal.caller_stopped(now, at),
    }
}
