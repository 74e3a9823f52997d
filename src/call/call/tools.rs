//! What comes of the agent's wishes: steps of its toolbox carried out, and the end of the call that it may have asked for.

use std::time::Instant;

use super::{Call, CallOutput};
use crate::agent::model::AgentCommand;
use crate::agent::tools::BuiltIn;
use crate::call::action::CallEvent;
use crate::call::command::CallCommand;
use crate::call::farewell::Leave;
use crate::call::manners::Nudge;
use crate::call::tools::run::ToolReport;
use crate::call::tools::{ToolDeed, ToolStep, consultation_of, run_of};
use crate::call::transfer::{TransferOrder, TransferReply, TransferTarget};
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, Outcome};
use crate::domain::redacted::Redacted;
use crate::domain::termination::PolicyReason;
use crate::domain::timeline::{Moment, ToolOutcome};

impl Call {
    /// A tool came to its end.
    pub fn handle_tool_report(&mut self, now: Instant, report: ToolReport) {
        self.tools.report(now, report);
        self.drain(now);
    }

    pub(super) fn drain_tools(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(step) = self.tools.poll() {
            moved = true;
            self.take_step(now, step);
        }
        moved
    }

    fn take_step(&mut self, now: Instant, step: ToolStep) {
        match step {
            ToolStep::Run { id, tool, arguments } => {
                let run = run_of(id, tool, arguments, self.journal.record(), self.agents.name());
                self.begin_tool(now, run.name().to_owned());
                self.outputs.push_back(CallOutput::RunTool(Box::new(run)));
            }
            ToolStep::Consult { id, target, summary } => {
                let consultation = consultation_of(id, target, summary, self.journal.record(), self.agents.name());
                self.begin_tool(now, BuiltIn::TransferCall.name().to_owned());
                self.outputs.push_back(CallOutput::Consult(Box::new(consultation)));
            }
            ToolStep::Stop { id } => self.outputs.push_back(CallOutput::StopTool(id)),
            ToolStep::Ended { tool, took, outcome, reason } => {
                let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                let audited = match outcome {
                    ToolOutcome::Succeeded | ToolOutcome::HeldBack => Outcome::Success,
                    ToolOutcome::Failed | ToolOutcome::Cancelled => Outcome::Failure,
                };
                self.audit(audited, reason.map_or_else(|| tool.clone(), |reason| format!("{tool} {reason}")));
                self.journal.mark(now, Moment::ToolEnded { tool, took_ms, outcome, reason: reason.map(str::to_owned) });
            }
            ToolStep::Do { tool, deed } => {
                self.journal.mark(now, Moment::ToolCalled { tool: tool.name().to_owned() });
                self.audit(Outcome::Success, tool.name().to_owned());
                self.carry_out(now, deed);
            }
            ToolStep::Answer { id, output, is_error, proceed } => {
                self.agents.handle_command(now, AgentCommand::ToolResult { call_id: id, output, is_error, proceed });
            }
            ToolStep::Relate { text, speak } => self.relate(now, text, speak),
            ToolStep::Refused { tool, reason } => {
                self.audit(Outcome::Denied, tool.as_ref().map_or_else(|| reason.to_owned(), |tool| format!("{tool} {reason}")));
                self.journal.mark(now, Moment::ToolRefused { tool, reason: reason.to_owned() });
            }
            ToolStep::Forbidden => self.session.handle(now, CallEvent::TransferForbidden),
            ToolStep::Deaf => self.warn(now, "agent_wishes_ignored"),
        }
    }

    /// What takes its time is in the books before it is done, and again when it came to its end.
    fn begin_tool(&mut self, now: Instant, tool: String) {
        self.audit(Outcome::Intended, tool.clone());
        self.journal.mark(now, Moment::ToolCalled { tool });
    }

    fn carry_out(&mut self, now: Instant, deed: ToolDeed) {
        let command = match deed {
            ToolDeed::End => return self.leave(now),
            ToolDeed::Keys(digits) => CallCommand::SendDtmf { digits },
            ToolDeed::Hold(true) => {
                self.held_by_agent = !self.leg.agreed().is_some_and(|leg| leg.is_held());
                CallCommand::Hold
            }
            ToolDeed::Hold(false) => {
                self.held_by_agent = false;
                CallCommand::Resume
            }
            ToolDeed::Transfer { target, .. } => return self.send_to(now, target),
        };
        self.session.handle(now, CallEvent::Command(command));
    }

    /// What cannot even be asked of the far end is told at once; all else is told by what comes of it.
    fn send_to(&mut self, now: Instant, target: Redacted<String>) {
        let (reply, mut answer) = TransferReply::new();
        let order = TransferOrder { target: TransferTarget::Blind(target), reply: Some(reply) };
        self.session.handle(now, CallEvent::Command(CallCommand::Transfer(order)));
        if let Ok(Err(refusal)) = answer.try_recv() {
            self.relate(now, Redacted::new(format!("The caller was not transferred: {refusal}.")), true);
        }
    }

    fn leave(&mut self, now: Instant) {
        self.journal.mark(now, Moment::Leaving);
        self.farewell.after_words(now);
    }

    /// The agent has hung up: the caller hears what it has said. Who was not answered yet hears nothing.
    pub(super) fn agent_hung_up(&mut self, now: Instant) {
        if !self.session.is_up() {
            return self.session.handle(now, CallEvent::AgentHangup);
        }
        if !self.farewell.is_going() {
            self.journal.mark(now, Moment::Leaving);
        }
        self.farewell.after_hang_up(now);
    }

    /// Whether silence matters: somebody is there to hear, and somebody to speak.
    fn may_nudge(&self) -> bool {
        self.session.is_up() && self.agents.is_ready() && !self.farewell.is_going()
    }

    /// When something of the agent's wishes, or of the silence between its words, is due.
    pub(super) fn wishes_due(&self) -> Option<Instant> {
        let silence = self.manners.poll_timeout().filter(|_| self.may_nudge());
        let sound = self.tools.filling.poll_timeout().filter(|_| self.leg.is_agreed());
        [sound, silence, self.farewell.poll_timeout(), self.acquaintance.poll_timeout()].into_iter().flatten().min()
    }

    /// Asks the agent to speak, where silence or a rule wants it; true when it was asked.
    pub(super) fn nudge(&mut self, now: Instant) -> bool {
        if !self.may_nudge() {
            return false;
        }
        let speaking = self.leg.agreed().is_some_and(|leg| !leg.queued().is_zero() || leg.is_held());
        // Who takes no texts cannot be asked to speak, and is not waited for.
        let deaf = !self.agents.config().protocol.takes_texts();
        let busy = speaking || deaf || self.tools.is_busy() || self.session.is_transferring();
        let Some(nudge) = self.manners.poll(now, busy) else { return false };
        let words = match nudge {
            Nudge::AskAgain => {
                self.journal.mark(now, Moment::AskedAgain);
                self.manners.rules().idle_prompt()
            }
            Nudge::Goodbye(reason) => {
                self.journal.mark(now, Moment::Leaving);
                self.farewell.after_goodbye(now, reason, reason == PolicyReason::CallerSilent);
                self.manners.rules().goodbye()
            }
        };
        let words = Redacted::new(words.to_owned());
        self.relate(now, words, true);
        true
    }

    /// The caller speaks, as somebody says who hears it.
    pub(super) fn caller_spoke(&mut self, now: Instant) {
        self.tools.caller_spoke();
        self.manners.caller_spoke(now);
        if self.farewell.caller_spoke() {
            self.journal.mark(now, Moment::Stayed);
            self.relate(now, Redacted::new(STAYED.to_owned()), false);
        }
    }

    /// Ends the call, once that is due; true when it was.
    pub(super) fn take_leave(&mut self, now: Instant) -> bool {
        if !self.farewell.is_going() || self.session.is_over() {
            return false;
        }
        let speaking = self.leg.agreed().is_some_and(|leg| !leg.queued().is_zero());
        let event = match self.farewell.poll(now, speaking) {
            None => return false,
            Some(Leave::Agent) => CallEvent::AgentHangup,
            Some(Leave::Rule(reason)) => CallEvent::Command(CallCommand::End(reason)),
        };
        self.session.handle(now, event);
        true
    }

    /// Tells whoever waits for it that the agent's first words were heard.
    pub(super) fn tell_said(&mut self, said: bool) {
        self.said.1 |= said;
        if self.said.1
            && let Some(reply) = self.said.0.take()
        {
            reply.tell();
        }
    }

    /// Lets the caller hear something while a tool runs.
    pub(super) fn fill(&mut self, now: Instant) {
        if let Some(leg) = self.leg.agreed() {
            let (filling, set) = self.tools.filler();
            filling.play(now, set, leg);
        }
    }

    /// What runs still, and what the agent was refused without a line in the books.
    pub(super) fn close_tools(&mut self, now: Instant) {
        let left: Vec<_> = self.tools.close(now).collect();
        left.into_iter().for_each(|ended| self.take_step(now, ended));
        let ignored = self.tools.ignored();
        if ignored > 0 {
            self.audit(Outcome::Denied, format!("ignored {ignored}"));
        }
    }

    /// Tells the agent something, or whoever takes over where there is none.
    pub(super) fn relate(&mut self, now: Instant, text: Redacted<String>, speak: bool) {
        self.untold.text(now, &mut self.agents, text, speak);
    }

    fn audit(&mut self, outcome: Outcome, reason: String) {
        let record = self.journal.record();
        let event = AuditEvent::call(AuditAction::UseTool, &record.id, Actor::Agent(self.agents.name().to_owned()), None, outcome);
        self.outputs.push_back(CallOutput::Audit(Box::new(AuditEvent { reason: Some(reason), ..event })));
    }
}

const STAYED: &str = "The caller spoke again before the end of the call. The call goes on.";
