//! The gateway without its sockets and tasks: the SIP endpoint, the calls, and what lies between, wired as
//! `signalling::gateway` and `call::driver` do it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auricle::agent::conduct::Conduct;
use auricle::agent::config::{self, AgentConfig, WireFormat};
use auricle::agent::model::AgentMessage;
use auricle::agent::tools::OwnTool;
use auricle::call::agents::{LinkId, Loss, Member};
use auricle::call::call::{Call, CallOutput, CallSetup};
use auricle::call::command::CallCommand;
use auricle::call::event::{SignallingCommand, SignallingEvent};
use auricle::call::phrase::Phrase;
use auricle::call::session::SessionPolicy;
use auricle::call::tools::run::{ToolFault, ToolReport};
use auricle::call::tools::toolset::Toolset;
use auricle::domain::call_record::Direction;
use auricle::domain::redacted::Redacted;
use auricle::domain::termination::{GatewayReason, Termination};
use auricle::leg::plan::{LegPlan, PlannedLeg};
use auricle::signalling::verbs::{carry_out, news};
use bytes::Bytes;
use media::codec::g711::decode_ulaw;
use media::transport::{Flow, Protocol};
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, OutgoingInvite, Output, Transmit};
use sip::header::NameAddr;

use crate::agent::{Agent, ConnectionId, Tongue};
use crate::book::Book;
use crate::caller::{CALLER_SIP, GATEWAY_SIP, uri};
use crate::clock::{Random, ms};
use crate::ear::{VOICES, voice};
use crate::plan;
use crate::post::{FromAgent, Happening, Party, Post, ToAgent};
use crate::scenario::Scenario;

pub(crate) struct Gateway {
    endpoint: Endpoint,
    policy: SessionPolicy,
    members: Vec<(Member, Tongue)>,
    conduct: Conduct,
    tool_runs: (Duration, Result<&'static str, &'static str>),
    calls: BTreeMap<u64, Slot>,
    names: BTreeMap<InviteId, u64>,
    last_key: u64,
    random: Random,
    leases: Rc<Cell<u32>>,
    /// What a caller hears who waits for an agent.
    phrase: Option<Rc<Phrase>>,
    due: Option<Instant>,
    /// Calls that are over.
    pub(crate) books: Vec<Book>,
}

/// A call, with what its driver holds for it.
struct Slot {
    call: Call,
    links: Vec<(LinkId, ConnectionId)>,
    tongues: Vec<Tongue>,
    phrase: Option<Rc<Phrase>>,
    due: Option<Instant>,
    book: Book,
    _lease: Lease,
}

/// The ports of a call.
struct Lease(Rc<Cell<u32>>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Gateway {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let (seed, policy) = (scenario.seed, scenario.policy);
        let mut bytes = [2; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Self {
            endpoint: Endpoint::new(EndpointConfig { seed: bytes, ..EndpointConfig::default() }),
            policy,
            members: scenario.tongues.iter().enumerate().map(|(place, tongue)| (member(place, *tongue, scenario), *tongue)).collect(),
            conduct: scenario.conduct.clone(),
            tool_runs: scenario.tool_runs,
            calls: BTreeMap::new(),
            names: BTreeMap::new(),
            last_key: 0,
            random: Random::new(seed, 9),
            leases: Rc::default(),
            phrase: scenario.phrase.map(|length| Rc::new(Phrase::new(vec![decode_ulaw(PHRASE); length.as_millis() as usize * 8]))),
            due: None,
            books: Vec::new(),
        }
    }

    /// Calls the caller.
    pub(crate) fn dial(&mut self, post: &mut Post, agent: &mut Agent) {
        let (key, plan) = self.next_plan(post);
        let (leg, offers) = PlannedLeg::offering(plan, Vec::new());
        self.enter(post, agent, key, Direction::Outbound, leg);
        let invite = OutgoingInvite {
            flow: sip::transport::Flow::udp(GATEWAY_SIP, CALLER_SIP),
            alternatives: Vec::new(),
            registered: false,
            request_uri: uri("sip:alice@192.0.2.1"),
            from: NameAddr::from(uri("sip:auricle@192.0.2.2")),
            to: NameAddr::from(uri("sip:alice@192.0.2.1")),
            contact: uri("sip:auricle@192.0.2.2:5060"),
            body: offers[0].clone(),
            options: sip::endpoint::InviteOptions::default(),
            account: None,
            asserted: None,
        };
        let id = self.endpoint.invite(post.now, invite).expect("an endpoint with room takes a call");
        self.names.insert(id, key);
        self.drain_sip(post, agent);
    }

    /// Somebody wants something of all calls.
    pub(crate) fn command_all(&mut self, post: &mut Post, agent: &mut Agent, command: &CallCommand) {
        for key in self.calls.keys().copied().collect::<Vec<_>>() {
            self.with(post, agent, key, |slot, now| slot.call.handle_command(now, command.clone()));
        }
    }

    pub(crate) fn handle_sip(&mut self, post: &mut Post, agent: &mut Agent, transmit: Transmit) {
        self.endpoint.handle_message(post.now, transmit.flow.reversed(), transmit.bytes);
        self.drain_sip(post, agent);
    }

    pub(crate) fn handle_rtp(&mut self, post: &mut Post, agent: &mut Agent, flow: Flow, datagram: &[u8]) {
        let Some(key) = self.calls.keys().copied().find(|key| plan::owns(*key, flow.local)) else { return };
        self.with(post, agent, key, |slot, now| {
            slot.call.handle_datagram(now, flow, datagram);
            slot.book.datagrams += u64::from(slot.call.ingress_stats().is_some());
        });
    }

    pub(crate) fn handle_signal(&mut self, post: &mut Post, agent: &mut Agent, key: u64, event: SignallingEvent) {
        self.with(post, agent, key, |slot, now| slot.call.handle_signalling(now, event));
    }

    pub(crate) fn handle_command(&mut self, post: &mut Post, agent: &mut Agent, key: u64, command: SignallingCommand) {
        let Some(id) = self.names.iter().find(|(_, named)| **named == key).map(|(id, _)| *id) else { return };
        carry_out(post.now, &mut self.endpoint, id, &uri("sip:auricle@192.0.2.2:5060"), command);
        self.drain_sip(post, agent);
    }

    pub(crate) fn handle_agent(&mut self, post: &mut Post, agent: &mut Agent, connection: ConnectionId, news: FromAgent) {
        // What comes of a connection that the driver has dropped is never read.
        let linked = |slot: &Slot| slot.links.iter().find(|(_, linked)| *linked == connection).map(|(link, _)| *link);
        let Some((key, link)) = self.calls.iter().find_map(|(key, slot)| Some((*key, linked(slot)?))) else { return };
        self.with(post, agent, key, |slot, now| match news {
            FromAgent::Connected => slot.call.handle_agent_connected(now, link),
            FromAgent::Unreachable { retryable } => {
                slot.forget(link);
                let loss = if retryable { Loss::Unreachable } else { Loss::Refused };
                slot.call.handle_agent_unreachable(now, link, loss);
            }
            FromAgent::Text { text, voice } => {
                slot.book.note_text(&text, voice);
                slot.call.handle_agent_message(now, link, AgentMessage::Text(&text));
            }
            FromAgent::Bytes { bytes, voice } => {
                slot.book.note_text("", Some(voice));
                slot.call.handle_agent_message(now, link, AgentMessage::Binary(&bytes));
            }
            FromAgent::Closed(code) => {
                slot.forget(link);
                slot.call.handle_agent_closed(now, link, Ok(code));
            }
            FromAgent::Stalled => {
                slot.forget(link);
                slot.call.handle_agent_closed(now, link, Err(Loss::Stalled));
            }
        });
    }

    pub(crate) fn handle_tool(&mut self, post: &mut Post, agent: &mut Agent, key: u64, report: ToolReport) {
        self.with(post, agent, key, |slot, now| slot.call.handle_tool_report(now, report));
    }

    pub(crate) fn handle_timeout(&mut self, post: &mut Post, agent: &mut Agent) {
        if self.due.is_some_and(|due| due <= post.now) {
            self.endpoint.handle_timeout(post.now);
            self.drain_sip(post, agent);
        }
        let due: Vec<u64> =
            self.calls.iter().filter(|(_, slot)| slot.due.is_some_and(|due| due <= post.now)).map(|(key, _)| *key).collect();
        for key in due {
            self.with(post, agent, key, |slot, now| slot.call.handle_timeout(now));
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.calls.values().map(|slot| slot.due).chain([self.due]).flatten().min()
    }

    /// Nothing is held any more: no dialog, no call, no ports.
    pub(crate) fn is_idle(&self) -> bool {
        self.endpoint.is_idle() && self.calls.is_empty() && self.names.is_empty() && self.leases.get() == 0
    }

    pub(crate) const fn launched(&self) -> u64 {
        self.last_key
    }

    fn drain_sip(&mut self, post: &mut Post, agent: &mut Agent) {
        loop {
            match self.endpoint.poll_output() {
                Output::Transmit(transmit) => post.send_sip(Party::Caller, transmit),
                Output::Event(event) => self.take(post, agent, event),
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
            }
        }
    }

    fn take(&mut self, post: &mut Post, agent: &mut Agent, event: Event) {
        match news(event) {
            Ok((id, news)) => {
                if let Some(key) = self.names.get(&id) {
                    post.signal(*key, news);
                }
            }
            Err(Event::Incoming { id, invite }) => self.incoming(post, agent, id, &invite.sdp),
            Err(Event::Ended { id }) => {
                // The queue to the call is dropped: the last thing that the call hears, if it still listens.
                let key = self.names.remove(&id).expect("a call ended that was over");
                post.signal(key, SignallingEvent::Refused(Termination::gateway(GatewayReason::Internal)));
            }
            // Nobody here transfers.
            Err(_) => {}
        }
    }

    fn incoming(&mut self, post: &mut Post, agent: &mut Agent, id: InviteId, offer: &Bytes) {
        let (key, plan) = self.next_plan(post);
        let leg = match offer.is_empty() {
            true => PlannedLeg::offering(plan, Vec::new()).0,
            false => PlannedLeg::answering(post.now, plan, offer).expect("the caller's offer can be answered"),
        };
        self.names.insert(id, key);
        self.enter(post, agent, key, Direction::Inbound, leg);
    }

    fn next_plan(&mut self, post: &Post) -> (u64, LegPlan) {
        self.last_key += 1;
        let agent_format = self.members[0].0.config.format.into();
        (self.last_key, LegPlan { agent_format, ..plan::leg(self.last_key, post.now, &mut self.random) })
    }

    fn enter(&mut self, post: &mut Post, agent: &mut Agent, key: u64, direction: Direction, leg: PlannedLeg) {
        let setup = CallSetup {
            identity: plan::identity(direction),
            policy: self.policy,
            agents: self.members.iter().map(|(member, _)| member.clone()).collect(),
            conduct: self.conduct.clone(),
            keys_to_agent: true,
            leg,
            early_media: false,
        };
        let grid = post.now + self.random.up_to(ms(20));
        let call = Call::new(post.now, plan::wall(), grid, setup);
        self.leases.set(self.leases.get() + 1);
        let lease = Lease(Rc::clone(&self.leases));
        let tongues = self.members.iter().map(|(_, tongue)| *tongue).collect();
        let book = Book::protecting_first(self.conduct.protect_greeting);
        self.calls.insert(key, Slot { call, links: Vec::new(), tongues, phrase: self.phrase.clone(), due: None, book, _lease: lease });
        self.with(post, agent, key, |_, _| {});
    }

    /// Does something to a call and carries out what it wants.
    fn with(&mut self, post: &mut Post, agent: &mut Agent, key: u64, act: impl FnOnce(&mut Slot, Instant)) {
        let tool_runs = self.tool_runs;
        let Some(slot) = self.calls.get_mut(&key) else { return };
        act(slot, post.now);
        if slot.drain(post, agent, key, tool_runs)
            && let Some(slot) = self.calls.remove(&key)
        {
            self.books.push(slot.book);
        }
    }
}

impl Slot {
    fn forget(&mut self, link: LinkId) -> Option<ConnectionId> {
        let place = self.links.iter().position(|(open, _)| *open == link)?;
        Some(self.links.swap_remove(place).1)
    }

    /// True when the call is over.
    fn drain(
        &mut self,
        post: &mut Post,
        agent: &mut Agent,
        key: u64,
        (takes, answer): (Duration, Result<&'static str, &'static str>),
    ) -> bool {
        loop {
            while let Some((link, message)) = self.call.poll_agent_message() {
                let connection = self.links.iter().find(|(open, _)| *open == link).map(|(_, connection)| *connection);
                let sent = match message.message {
                    AgentMessage::Text(text) => {
                        self.book.note_sent(text, message.live_audio);
                        ToAgent::Text(text.to_owned())
                    }
                    AgentMessage::Binary(bytes) => ToAgent::Bytes(bytes.to_vec()),
                };
                if let Some(connection) = connection {
                    post.tell_agent(connection, sent);
                }
            }
            while let Some(transmit) = self.call.poll_transmit() {
                let Flow { protocol, local, remote } = transmit.flow;
                assert_eq!(protocol, Protocol::Udp);
                self.book.note_datagram(post.now, transmit.bytes);
                post.send_rtp(Party::Caller, local, remote, transmit.bytes);
            }
            match self.call.poll_output() {
                CallOutput::Signal(command) => post.command(key, command),
                CallOutput::ConnectAgent { link, member } => {
                    assert!(self.links.len() < 2, "a third connection beside two");
                    self.book.begin_connection();
                    self.links.push((link, agent.connect(post, self.tongues[member])));
                }
                CallOutput::CloseAgent { link } => {
                    if let Some(connection) = self.forget(link) {
                        post.tell_agent(connection, ToAgent::Closed);
                    }
                }
                CallOutput::CallerWaits => {
                    if let Some(phrase) = &self.phrase {
                        self.book.note_text("", Some(PHRASE));
                        self.call.say(post.now, phrase);
                    }
                }
                CallOutput::RunTool(run) => {
                    let answer = match answer {
                        Ok(output) => Ok(Redacted::new(output.to_owned())),
                        Err(reason) => Err(ToolFault { reason, said: None }),
                    };
                    post.after(takes, Happening::ToolDone(key, ToolReport { id: run.id().to_owned(), answer }));
                }
                CallOutput::Audit(event) => self.book.audited.push(*event),
                CallOutput::AgentFared { .. } | CallOutput::AgentPassed { .. } | CallOutput::StopTool(_) | CallOutput::Consult(_) => {}
                CallOutput::Save(record) => self.book.note_interim(&record),
                CallOutput::Emit(event) => self.book.note_event(event),
                CallOutput::Finished(record) => {
                    let more = self.call.poll_output();
                    assert!(matches!(more, CallOutput::Timeout(_)), "{more:?} after the end");
                    assert_eq!(self.links, [], "an agent's connection outlives the call");
                    self.book.close(post.now, *record, self.call.ingress_stats());
                    return true;
                }
                CallOutput::Timeout(due) => {
                    assert!(due.is_some(), "a call waits for nothing");
                    self.due = due;
                    return false;
                }
            }
        }
    }
}

fn member(place: usize, tongue: Tongue, scenario: &Scenario) -> Member {
    let (protocol, format) = match tongue {
        Tongue::OpenAi => (config::Protocol::OpenAi, WireFormat::Pcmu),
        Tongue::Auricle => (config::Protocol::Auricle, WireFormat::Pcm8k),
        Tongue::Carrier => (config::Protocol::Vonage, WireFormat::Pcm8k),
    };
    let settings = AgentConfig {
        protocol,
        format,
        url: "ws://127.0.0.1/".to_owned(),
        tools: scenario.tools.clone(),
        conduct: scenario.conduct.clone(),
        greet_first: scenario.greets,
        ..scenario.settings.clone()
    };
    let tools = Toolset::new(&settings, |_: &OwnTool| Some(Redacted::new("key".to_owned()))).expect("tools that can be used");
    Member { name: format!("agent-{place}"), config: Arc::new(settings), tools: Arc::new(tools), version: None }
}

/// The voice of the gateway's own.
pub(crate) const PHRASE: u8 = voice(VOICES - 1);
