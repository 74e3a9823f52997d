//! What an agent wants done in a call, and what of it is done: tools of the gateway's own, and of its operator's.
//!
//! Pure: wishes, reports and time in, steps out. Nothing is done because an agent said so: a tool must be one of the agent's, its arguments must keep
//! the tool's rules, a target must be on the list, and of everything there is only so much in a turn and in a call. Each name of a tool call is good
//! once in the whole call. Bounded: what is refused too often is counted and not answered any more. Left out on purpose: how a tool is run ([`run`]).

mod built_in;
pub mod consult;
pub(super) mod filler;
mod refusal;
pub mod run;
pub(super) mod shell;
#[cfg(test)]
mod tests;
pub mod toolset;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::built_in::Deed;
use self::consult::Consultation;
use self::filler::Filling;
pub(super) use self::refusal::Refusal;
use self::run::{ToolReport, ToolRun};
use self::toolset::{Own, Toolset};
use crate::agent::tools::BuiltIn;
use crate::domain::call_record::CallRecord;
use crate::domain::redacted::Redacted;
use crate::domain::timeline::ToolOutcome;

pub(super) use self::built_in::Deed as ToolDeed;

/// The tools of one call.
pub(super) struct Toolbox {
    set: Arc<Toolset>,
    /// Names of tool calls that were judged.
    seen: Vec<Box<str>>,
    running: Vec<Running>,
    in_turn: u32,
    in_call: u32,
    refused: u32,
    ignored: u64,
    steps: VecDeque<ToolStep>,
    pub(super) filling: Filling,
}

/// An own tool on its way.
struct Running {
    id: String,
    /// Its name.
    tool: String,
    began: Instant,
    /// The caller has spoken since: nobody is made to speak of the answer.
    interrupted: bool,
    /// The connection that asked for it is gone.
    orphaned: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum ToolStep {
    /// Call somebody first, then send the caller there.
    Consult { id: String, target: Redacted<String>, summary: Redacted<String> },
    /// Run an own tool.
    Run { id: String, tool: Arc<Own>, arguments: Redacted<String> },
    /// Wait for one no more.
    Stop { id: String },
    /// One came to its end.
    Ended { tool: String, took: Duration, outcome: ToolOutcome, reason: Option<&'static str> },
    /// Do something of the gateway's own.
    Do { tool: BuiltIn, deed: Deed },
    /// Tell the agent what a tool answered.
    Answer { id: String, output: Redacted<String>, is_error: bool, proceed: bool },
    /// Tell the agent what a tool answered that another connection of it had asked for.
    Relate { text: Redacted<String>, speak: bool },
    /// Write down that something was not done.
    Refused { tool: Option<String>, reason: &'static str },
    /// The caller is not sent where the agent wanted.
    Forbidden,
    /// From here on refusals are counted and no more.
    Deaf,
}

impl Toolbox {
    pub(super) fn new(set: Arc<Toolset>) -> Self {
        let filling = Filling::default();
        let (seen, running, steps) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { set, seen, running, in_turn: 0, in_call: 0, refused: 0, ignored: 0, steps, filling }
    }

    /// The agent asks for a tool.
    pub(super) fn call(&mut self, now: Instant, id: String, name: &str, arguments: Redacted<String>) {
        if self.is_deaf() {
            return self.ignore();
        }
        if self.seen.iter().any(|seen| **seen == *id) {
            return self.refuse(None, self.known(name), &Refusal::Repeated);
        }
        self.seen.push(id.as_str().into());
        match self.judge(name, &arguments) {
            Ok(Judged::BuiltIn(tool, Deed::Transfer { target, briefing: Some(summary) })) => {
                self.begin(now, &id, tool.name());
                self.steps.push_back(ToolStep::Consult { id, target, summary });
            }
            Ok(Judged::BuiltIn(tool, deed)) => {
                let (output, proceed) = deed.told();
                self.steps.push_back(ToolStep::Do { tool, deed });
                self.steps.push_back(ToolStep::Answer { id, output: Redacted::new(output.to_owned()), is_error: false, proceed });
            }
            Ok(Judged::Own(tool)) => {
                self.begin(now, &id, &tool.settings.name);
                self.steps.push_back(ToolStep::Run { id, tool, arguments });
            }
            Err(refusal) => self.refuse(Some(id), self.known(name), &refusal),
        }
    }

    /// A tool call was beyond all measure.
    pub(super) fn call_unfit(&mut self) {
        self.refuse(None, None, &Refusal::Unfit);
    }

    /// The agent wants something in a word of its protocol.
    pub(super) fn wish(&mut self, wish: Wish<'_>) {
        if self.is_deaf() {
            return self.ignore();
        }
        self.in_turn += 1;
        self.in_call += 1;
        let (tool, deed) = match wish {
            Wish::Keys(digits) => {
                let allowed = self.may(BuiltIn::SendDtmf);
                (BuiltIn::SendDtmf, allowed.and_then(|()| Deed::keys(digits).ok_or(Refusal::Arguments(None))))
            }
            Wish::Transfer(target) => (BuiltIn::TransferCall, self.may_send_to(target.expose()).map(|()| Deed::send_to(target))),
        };
        match self.within_limits().and(deed) {
            Ok(deed) => self.steps.push_back(ToolStep::Do { tool, deed }),
            Err(refusal) => {
                self.refuse(None, Some(tool.name()), &refusal);
                self.steps.push_back(match tool {
                    BuiltIn::TransferCall => ToolStep::Forbidden,
                    _ => {
                        ToolStep::Relate { text: Redacted::new(format!("{} was not done: {}", tool.name(), refusal.told())), speak: false }
                    }
                });
            }
        }
    }

    /// A tool call is void: what comes of it is nobody's any more.
    pub(super) fn cancel(&mut self, now: Instant, id: &str) {
        let Some(place) = self.running.iter().position(|running| running.id == id) else { return };
        let Running { id, tool, began, .. } = self.running.swap_remove(place);
        self.steps.push_back(ToolStep::Stop { id });
        self.end(now, tool, began, ToolOutcome::Cancelled, None);
    }

    /// An own tool came to its end.
    pub(super) fn report(&mut self, now: Instant, report: ToolReport) {
        let Some(place) = self.running.iter().position(|running| running.id == report.id) else { return };
        let Running { id, tool, began, interrupted, orphaned } = self.running.swap_remove(place);
        let (outcome, reason) = match &report.answer {
            Err(fault) => (ToolOutcome::Failed, Some(fault.reason)),
            Ok(_) if interrupted => (ToolOutcome::HeldBack, None),
            Ok(_) => (ToolOutcome::Succeeded, None),
        };
        let (output, is_error) = match report.answer {
            Ok(output) => (output, false),
            Err(fault) => (fault.said.unwrap_or_else(|| Redacted::new(format!("The tool failed: {}.", fault.reason))), true),
        };
        // Who sends the caller elsewhere has said so, and has nothing to add; a caller who waits for somebody who does not come is told that,
        // whatever was said meanwhile.
        let proceed = if tool == BuiltIn::TransferCall.name() { is_error } else { !interrupted };
        if orphaned {
            let text = format!("The tool {tool} that you had asked for answered: {}", output.expose());
            self.steps.push_back(ToolStep::Relate { text: Redacted::new(text), speak: proceed });
        } else {
            self.steps.push_back(ToolStep::Answer { id, output, is_error, proceed });
        }
        self.end(now, tool, began, outcome, reason);
    }

    /// The caller speaks, or presses keys: another turn.
    pub(super) const fn caller_spoke(&mut self) {
        self.in_turn = 0;
    }

    /// The caller interrupted: what runs was asked for in a turn that is over.
    pub(super) fn interrupted(&mut self) {
        self.in_turn = 0;
        self.running.iter_mut().for_each(|running| running.interrupted = true);
        self.filling.stop();
    }

    /// The agent's connection is gone, and with it who asked; whoever takes over may use these. What is heard meanwhile is that one's.
    pub(super) fn pass_to(&mut self, now: Instant, set: Arc<Toolset>) {
        self.set = set;
        self.running.iter_mut().for_each(|running| running.orphaned = true);
        self.filling.stop();
        if self.is_busy() {
            self.filling.tool_began(now, self.set.filler.as_ref());
        }
    }

    /// The call is over: what is left of what ran is its end. Whether a tool has done what it was asked for nobody knows.
    pub(super) fn close(&mut self, now: Instant) -> impl Iterator<Item = ToolStep> + use<> {
        self.steps.clear();
        let over = move |Running { tool, began, .. }: Running| {
            let took = now.saturating_duration_since(began);
            ToolStep::Ended { tool, took, outcome: ToolOutcome::Cancelled, reason: Some("call_over") }
        };
        std::mem::take(&mut self.running).into_iter().map(over)
    }

    /// Whether the agent may use a tool of the gateway's.
    pub(super) fn has(&self, tool: BuiltIn) -> bool {
        self.set.built_in.iter().any(|(known, _)| *known == tool)
    }

    /// The next step.
    pub(super) fn poll(&mut self) -> Option<ToolStep> {
        self.steps.pop_front()
    }

    /// Whether an own tool runs.
    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// What is heard while tools run.
    pub(super) fn filler(&mut self) -> (&mut Filling, &Toolset) {
        (&mut self.filling, &self.set)
    }

    /// How many wishes were not even looked at.
    pub(super) const fn ignored(&self) -> u64 {
        self.ignored
    }

    fn judge(&mut self, name: &str, arguments: &Redacted<String>) -> Result<Judged, Refusal> {
        self.in_turn += 1;
        self.in_call += 1;
        self.within_limits()?;
        let built_in = self.set.built_in.iter().find(|(tool, _)| tool.name() == name);
        let own = self.set.own.iter().find(|own| own.settings.name == name);
        let written = if arguments.expose().trim().is_empty() { "{}" } else { arguments.expose() };
        let value: serde_json::Value = match (built_in, own) {
            (None, None) => return Err(Refusal::Unknown),
            _ => serde_json::from_str(written).ok().filter(serde_json::Value::is_object).ok_or(Refusal::Arguments(None))?,
        };
        let kept = |violation| Refusal::Arguments(Some(violation));
        if let Some((tool, schema)) = built_in {
            // Of all arguments a target is the one that is refused by a rule of its own.
            if *tool == BuiltIn::TransferCall {
                self.may_send_to(value.get("target").and_then(serde_json::Value::as_str).unwrap_or_default())?;
            }
            schema.check(&value).map_err(kept)?;
            let deed = Deed::of(*tool, &value).ok_or(Refusal::Arguments(None))?;
            if matches!(deed, Deed::Transfer { briefing: Some(_), .. }) {
                self.may_run()?;
            }
            return Ok(Judged::BuiltIn(*tool, deed));
        }
        let own = own.ok_or(Refusal::Unknown)?;
        own.schema.check(&value).map_err(kept)?;
        self.may_run()?;
        Ok(Judged::Own(Arc::clone(own)))
    }

    fn within_limits(&self) -> Result<(), Refusal> {
        if self.in_call > self.set.limits.per_call {
            return Err(Refusal::TooManyInCall);
        }
        if self.in_turn > self.set.limits.per_turn {
            return Err(Refusal::TooManyInTurn);
        }
        Ok(())
    }

    fn may_run(&self) -> Result<(), Refusal> {
        if self.running.len() < self.set.limits.at_once as usize { Ok(()) } else { Err(Refusal::TooManyAtOnce) }
    }

    fn may(&self, tool: BuiltIn) -> Result<(), Refusal> {
        if self.has(tool) { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    /// Only where its configuration says so; what the organisation may call is asked besides.
    fn may_send_to(&self, target: &str) -> Result<(), Refusal> {
        if self.set.targets.iter().any(|known| known == target) { Ok(()) } else { Err(Refusal::Target) }
    }

    fn known(&self, name: &str) -> Option<&'static str> {
        BuiltIn::named(name).map(BuiltIn::name)
    }

    fn refuse(&mut self, id: Option<String>, tool: Option<&'static str>, refusal: &Refusal) {
        if self.is_deaf() {
            return self.ignore();
        }
        self.refused += 1;
        self.steps.push_back(ToolStep::Refused { tool: tool.map(str::to_owned), reason: refusal.code() });
        if let Some(id) = id {
            self.steps.push_back(ToolStep::Answer { id, output: Redacted::new(refusal.told()), is_error: true, proceed: true });
        }
        if self.is_deaf() {
            self.steps.push_back(ToolStep::Deaf);
        }
    }

    const fn is_deaf(&self) -> bool {
        self.refused >= MAX_REFUSED
    }

    const fn ignore(&mut self) {
        self.ignored = self.ignored.saturating_add(1);
    }

    fn begin(&mut self, now: Instant, id: &str, tool: &str) {
        self.running.push(Running { id: id.to_owned(), tool: tool.to_owned(), began: now, interrupted: false, orphaned: false });
        self.filling.tool_began(now, self.set.filler.as_ref());
    }

    fn end(&mut self, now: Instant, tool: String, began: Instant, outcome: ToolOutcome, reason: Option<&'static str>) {
        let took = now.saturating_duration_since(began);
        self.steps.push_back(ToolStep::Ended { tool, took, outcome, reason });
        if self.running.is_empty() {
            self.filling.stop();
        }
    }
}

/// An own tool of `agent`'s, as whoever runs it needs it.
pub(super) fn run_of(id: String, tool: Arc<Own>, arguments: Redacted<String>, record: &CallRecord, agent: &str) -> ToolRun {
    let arguments = if arguments.expose().trim().is_empty() { Redacted::new("{}".to_owned()) } else { arguments };
    ToolRun { id, tool, arguments, call: record.id.clone(), org: record.org_id.clone(), agent: agent.to_owned() }
}

/// Whom to call first for `agent`, as whoever does it needs it.
pub(super) fn consultation_of(
    id: String,
    target: Redacted<String>,
    summary: Redacted<String>,
    record: &CallRecord,
    agent: &str,
) -> Consultation {
    Consultation { id, target, summary, call: record.id.clone(), org: record.org_id.clone(), agent: agent.to_owned() }
}

/// What an agent can want without a tool.
pub(super) enum Wish<'a> {
    /// Keys.
    Keys(&'a str),
    /// The caller sent elsewhere.
    Transfer(Redacted<String>),
}

enum Judged {
    BuiltIn(BuiltIn, Deed),
    Own(Arc<Own>),
}

/// Refusals that are answered and written down one by one; more of them are counted.
const MAX_REFUSED: u32 = 64;
