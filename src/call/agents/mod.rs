//! The agents of one call: which one the conversation is with, and how it passes to the next without a word being lost.
//!
//! To the call it is one agent: audio and commands go in, events come out, whichever connection they belong to. A connection that
//! breaks, stalls, refuses us or comes to its end is replaced (`plan`), and the one that takes over is told what was said and hears
//! again what no agent has dealt with (`conversation`). What has to be done about sockets comes out as [`AgentsOutput`].
//!
//! After any input call [`Agents::poll_transmit`] and [`Agents::poll_event`] until they are empty, then [`Agents::settle`], and all
//! of it again while that moves something. Pure; left out on purpose: sockets, circuit breakers and whose audio may go where, which
//! is decided before there is a call.

mod change;
mod conversation;
mod history;
mod link;
mod narrow;
mod plan;
mod ring;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::frame::AudioChunk;
use media::units::SampleRate;

use self::conversation::Conversation;
use self::link::{Early, Link, Readiness, Stage, Standby};
use self::plan::Plan;
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentEvent, AgentMessage, AgentState, FaultClass, SpeechEdge, TranscriptKind};
use crate::agent::session::{AgentSession, CallFacts, Transmit};
use crate::agent::variables::Known;
use crate::call::tools::toolset::Toolset;
use crate::domain::call_record::Speaker;

pub use self::link::LinkId;
pub use self::plan::Loss;

/// An agent that may answer a call.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub config: Arc<AgentConfig>,
    /// What it may use.
    pub tools: Arc<Toolset>,
    /// Which version of it this is; none for one of the configuration.
    pub version: Option<u64>,
}

/// The agents of one call.
pub struct Agents {
    members: Vec<Member>,
    /// What those are told whose instructions or greeting have variables.
    known: Known,
    plan: Plan,
    conversation: Conversation,
    link: Link,
    standby: Option<Standby>,
    /// No connection is begun to stand by before this.
    standby_after: Option<Instant>,
    /// Connections begun so far.
    links: u32,
    /// How long an agent may take to become ready where there is another.
    patience: Duration,
    /// When the caller's turn has to be answered.
    answer_by: Option<Instant>,
    /// When the connection comes to its end, and another has to be there.
    expires_at: Option<Instant>,
    /// Since when the caller has no agent, or was told so.
    waiting_since: Option<Instant>,
    /// When it was last looked whether the conversation may pass.
    looked_at: Instant,
    /// The caller hears us, so that it is worth trying for longer.
    answered: bool,
    outputs: VecDeque<AgentsOutput>,
    over: bool,
}

/// What the agents of a call want done, or have to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentsOutput {
    /// Make a connection to an agent.
    Dial {
        /// Its name from now on.
        link: LinkId,
        /// Which of the agents, counted from 0.
        member: usize,
    },
    /// Close a connection, or give it up.
    Close {
        /// Which.
        link: LinkId,
    },
    /// A connection that the conversation was on, or was to be on, is lost.
    Lost {
        /// Which.
        link: LinkId,
        /// Why.
        loss: Loss,
    },
    /// The conversation passes to another connection, maybe of another agent that hears another format: what the former was saying
    /// is all that will come of it.
    Passed {
        /// Which of the agents, counted from 0.
        member: usize,
        /// Why.
        loss: Loss,
    },
    /// How an agent fared: for whoever asks whether to try it.
    Fared {
        /// Which of the agents, counted from 0.
        member: usize,
        /// Whether it was heard, or failed.
        well: bool,
    },
    /// The agent has ended the conversation by the way in which it closed, or before that. No connection stands any more.
    HungUp,
    /// The caller has been without an agent for a while.
    Waiting,
    /// No agent is to be had.
    GaveUp {
        /// Because all of them refuse us.
        refused: bool,
    },
}

impl Agents {
    /// The agents of a call, the first of which is dialled first. `patience` is how long one may take to become ready where there is
    /// another.
    ///
    /// # Panics
    /// Without any agent.
    #[must_use]
    pub fn new(members: Vec<Member>, facts: CallFacts, patience: Duration) -> Self {
        let first = members.first().expect("a call has an agent");
        let seed = facts.call.as_str().bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
        let session = AgentSession::new(&first.config, facts.clone());
        Self {
            plan: Plan::new(members.len(), seed),
            conversation: Conversation::new(first.config.protocol.tells_ends()),
            link: Link::new(LinkId(1), 0, session, facts.now),
            members,
            known: Known::default(),
            looked_at: facts.now,
            answered: false,
            standby: None,
            standby_after: None,
            links: 1,
            patience,
            answer_by: None,
            expires_at: None,
            waiting_since: None,
            outputs: VecDeque::new(),
            over: false,
        }
    }

    /// What is to stand in the place of variables, on connections that are begun from here on.
    pub fn know(&mut self, now: Instant, known: Known) {
        self.known = known;
        if matches!(self.link.stage, Stage::Waiting { .. }) && !self.config().variables.is_empty() {
            self.link.session = self.successor(now, self.link.member, 0);
        }
    }

    /// Whether one of them is told something of the patient.
    #[must_use]
    pub fn ask_for_patient(&self) -> bool {
        self.members.iter().any(|member| member.config.asks_for_patient())
    }

    /// Dials.
    pub fn begin(&mut self, now: Instant) {
        self.dial_if_due(now);
    }

    /// Ends every connection.
    pub fn close(&mut self, now: Instant) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.link.session.handle_command(now, AgentCommand::Close);
        self.outputs.push_back(AgentsOutput::Close { link: self.link.id });
        self.drop_standby();
    }

    /// A socket stands.
    pub fn handle_connected(&mut self, now: Instant, link: LinkId) {
        if link == self.link.id {
            self.link.session.handle_connected(now);
        } else if let Some(standby) = self.standby.as_mut().filter(|standby| standby.id == link) {
            standby.readiness = Readiness::Standing(Early::default());
        }
    }

    /// A socket could not be made, or was not tried.
    pub fn handle_unreachable(&mut self, now: Instant, link: LinkId, loss: Loss) {
        if link == self.link.id {
            self.lose(now, loss);
        } else {
            self.lose_standby(now, link);
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Instant, link: LinkId, message: AgentMessage<'_>) {
        if link == self.link.id {
            self.link.session.handle_message(now, message);
        } else {
            self.hear_standby(now, link, message);
        }
    }

    /// The caller's audio, of a line of `line` samples a second.
    pub fn push_audio(&mut self, now: Instant, chunk: AudioChunk<'_>, line: SampleRate) {
        self.conversation.push(chunk, line);
        self.link.session.push_audio(now, chunk);
        if let Some(session) = self.standby.as_mut().and_then(Standby::session) {
            session.push_audio(now, chunk);
        }
    }

    /// The call wants something of its agent.
    pub fn handle_command(&mut self, now: Instant, command: AgentCommand) {
        let prefix = self.config().turn_detection.kept().map_or(Duration::ZERO, |(prefix, _)| prefix);
        self.conversation.note_command(&command, prefix);
        match command {
            AgentCommand::TurnEnded => self.await_answer(now),
            AgentCommand::TurnStarted { .. } | AgentCommand::BargeIn(_) => self.answer_by = None,
            AgentCommand::ToolResult { proceed: true, .. } => self.await_answer(now),
            AgentCommand::Mute(_) | AgentCommand::Hold(_) => {
                if let Some(session) = self.standby.as_mut().and_then(Standby::session) {
                    session.handle_command(now, command.clone());
                }
            }
            _ => {}
        }
        self.link.session.handle_command(now, command);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.link.session.poll_timeout().is_some_and(|at| at <= now) {
            self.link.session.handle_timeout(now);
        }
        if let Some(session) = self.standby.as_mut().and_then(Standby::session) {
            session.handle_timeout(now);
        }
        self.heed_clocks(now);
    }

    /// The next message, and for which socket.
    pub fn poll_transmit(&mut self) -> Option<(LinkId, Transmit<'_>)> {
        if let Some(standby) = &mut self.standby
            && let Readiness::Opening(session, _) = &mut standby.readiness
            && let Some(transmit) = session.poll_transmit()
        {
            return Some((standby.id, transmit));
        }
        self.link.session.poll_transmit().map(|transmit| (self.link.id, transmit))
    }

    /// The next event of whoever the conversation is with.
    pub fn poll_event(&mut self, now: Instant) -> Option<AgentEvent<'_>> {
        let heard_ms = self.link.session.input_position_ms();
        let answer_limit = self.members.get(self.link.member).and_then(|member| member.config.answer_timeout());
        let has_other = self.plan.alternative().is_some();
        let event = self.link.session.poll_event()?;
        self.conversation.note_event(now, &event, heard_ms);
        match &event {
            AgentEvent::Ready { .. } => {
                (self.link.stage, self.waiting_since) = (Stage::Ready { since: now }, None);
                self.answer_by = answer_limit.filter(|_| self.conversation.awaits_answer()).map(|limit| now + limit);
            }
            // Of most audio nothing more is to be learnt.
            AgentEvent::Audio { chunk, .. } if (self.answer_by.is_some() || !self.link.proved) && !ring::is_silent(*chunk) => {
                self.answer_by = None;
                if !std::mem::replace(&mut self.link.proved, true) {
                    self.plan.heard();
                    self.outputs.push_back(AgentsOutput::Fared { member: self.link.member, well: true });
                }
            }
            AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, .. }
            | AgentEvent::Transcript { speaker: Speaker::Caller, kind: TranscriptKind::Final, .. } => {
                // Words of a turn that was answered before they came are answered.
                self.answer_by = answer_limit.filter(|_| self.conversation.awaits_answer()).map(|limit| now + limit);
            }
            AgentEvent::UserSpeech { edge: SpeechEdge::Started, .. }
            | AgentEvent::Clear { .. }
            | AgentEvent::ToolCall { .. }
            | AgentEvent::Transcript { speaker: Speaker::Agent, .. } => self.answer_by = None,
            // A turn in which something failed answers nobody: whoever waits goes on waiting, and not for ever.
            AgentEvent::State(AgentState::Listening) if std::mem::take(&mut self.link.faulted) && self.conversation.awaits_answer() => {}
            AgentEvent::State(AgentState::Listening) => self.answer_by = None,
            AgentEvent::Hangup => (self.answer_by, self.link.hung_up) = (None, true),
            AgentEvent::Expiring { left } => self.expires_at = Some(now + *left),
            AgentEvent::Error(fault) => {
                self.link.condemned |= fault.class == FaultClass::Limited && has_other;
                self.link.faulted |= fault.class != FaultClass::Request;
            }
            _ => {}
        }
        Some(event)
    }

    /// What is to be done.
    pub fn poll_output(&mut self) -> Option<AgentsOutput> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let standby = self.standby.as_ref().and_then(Standby::poll_timeout);
        let due = [self.link.poll_timeout(), standby, self.answer_by, self.next_look()];
        due.into_iter().flatten().min().filter(|_| !self.over)
    }

    /// The settings of whoever the conversation is with.
    #[must_use]
    pub fn config(&self) -> &Arc<AgentConfig> {
        &self.member(self.link.member).config
    }

    /// The name of whoever the conversation is with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.member(self.link.member).name
    }

    /// Whether the conversation is with one of these agents of the configuration.
    #[must_use]
    pub fn are_led_by(&self, configured: &[String]) -> bool {
        let Member { name, version, .. } = self.member(self.link.member);
        // An organisation may have called an agent of its own the same.
        version.is_none() && configured.contains(name)
    }

    /// What whoever the conversation is with may use.
    #[must_use]
    pub fn tools(&self) -> &Arc<Toolset> {
        &self.member(self.link.member).tools
    }

    /// An agent, counted from 0.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn member(&self, member: usize) -> &Member {
        self.members.get(member).expect("links are made of members")
    }

    /// What an agent is asked before it is dialled; none where it is dialled straight.
    ///
    /// # Panics
    /// For a number that no link ever had.
    #[must_use]
    pub fn invitation(&self, member: usize) -> Option<String> {
        self.link.session.invitation(&self.briefed(member))
    }

    /// The connection that the conversation is on.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        self.link.id
    }

    /// Whether the agent hears the caller.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.link.is_ready()
    }

    /// Length of the audio that was appended in this connection.
    #[must_use]
    pub const fn input_position_ms(&self) -> u64 {
        self.link.session.input_position_ms()
    }

    /// Whether the next words of the caller are those of a turn that has ended, and no sign that the caller speaks.
    #[must_use]
    pub fn owes_words(&self) -> bool {
        self.conversation.owes_words()
    }

    /// Whether the caller has finished a turn that whoever takes over hears again, and has to be told the end of.
    #[must_use]
    pub fn owes_turn_end(&self) -> bool {
        self.conversation.owes_turn_end()
    }

    fn await_answer(&mut self, now: Instant) {
        self.answer_by = self.config().answer_timeout().filter(|_| self.link.is_ready()).map(|limit| now + limit);
    }
}
