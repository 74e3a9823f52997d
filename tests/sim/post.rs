//! All that is on its way, and all that will happen: one queue in the order of virtual time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use auricle::call::event::{SignallingCommand, SignallingEvent};
use auricle::call::tools::run::ToolReport;
use sip::endpoint::Transmit;

use crate::agent::{AgentStep, ConnectionId};
use crate::caller::CalleeStep;
use crate::clock::{Random, ms};
use crate::link::{Damage, Link, Stream};
use crate::scenario::Act;

/// Who receives a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Caller,
    Gateway,
}

/// Something that happens at an instant.
pub(crate) enum Happening {
    Sip(Party, Transmit),
    Rtp {
        to: Party,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: Vec<u8>,
    },
    /// From the SIP task to the call's.
    Signal(u64, SignallingEvent),
    /// From the call's task to the SIP task.
    Command(u64, SignallingCommand),
    ToAgent(ConnectionId, ToAgent),
    FromAgent(ConnectionId, FromAgent),
    Agent(ConnectionId, AgentStep),
    /// A tool of a call came to its end.
    ToolDone(u64, ToolReport),
    Callee(CalleeStep),
    Act(Act),
}

/// What reaches the agent.
pub(crate) enum ToAgent {
    Text(String),
    Bytes(Vec<u8>),
    Closed,
}

/// What reaches the gateway from the agent's side.
pub(crate) enum FromAgent {
    Connected,
    Unreachable {
        retryable: bool,
    },
    /// `voice`: of which utterance it carries audio.
    Text {
        text: String,
        voice: Option<u8>,
    },
    /// Audio of an utterance.
    Bytes {
        bytes: Vec<u8>,
        voice: u8,
    },
    Closed(Option<u16>),
    /// It answers no ping any more.
    Stalled,
}

/// The queue and the links that feed it.
pub(crate) struct Post {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    queue: BTreeMap<(Instant, u64), Happening>,
    count: u64,
    sip: [Link; 2],
    rtp: [Link; 2],
    /// Between the tasks of the gateway.
    signals: Stream,
    commands: Stream,
    to_agent: Stream,
    from_agent: Stream,
}

/// How much longer than another a message of the agent may take.
pub(crate) const AGENT_JITTER: Duration = ms(5);

impl Post {
    pub(crate) fn new(start: Instant, seed: u64, sip: Damage, rtp: Damage) -> Self {
        let link = |damage, purpose| Link::new(damage, Random::new(seed, purpose));
        let stream = |delay, jitter, purpose| Stream::new(delay, jitter, Random::new(seed, purpose));
        Self {
            now: start,
            start,
            queue: BTreeMap::new(),
            count: 0,
            sip: [link(sip, 1), link(sip, 2)],
            rtp: [link(rtp, 3), link(rtp, 4)],
            signals: stream(Duration::ZERO, ms(2), 5),
            commands: stream(Duration::ZERO, ms(2), 6),
            to_agent: stream(ms(15), AGENT_JITTER, 7),
            from_agent: stream(ms(15), AGENT_JITTER, 8),
        }
    }

    pub(crate) fn at(&mut self, at: Instant, happening: Happening) {
        self.count += 1;
        self.queue.insert((at, self.count), happening);
    }

    pub(crate) fn after(&mut self, wait: Duration, happening: Happening) {
        self.at(self.now + wait, happening);
    }

    pub(crate) fn send_sip(&mut self, to: Party, transmit: Transmit) {
        for at in self.sip[to as usize].carry(self.now).into_iter().flatten() {
            self.at(at, Happening::Sip(to, transmit.clone()));
        }
    }

    pub(crate) fn send_rtp(&mut self, to: Party, source: SocketAddr, destination: SocketAddr, datagram: &[u8]) {
        for at in self.rtp[to as usize].carry(self.now).into_iter().flatten() {
            self.at(at, Happening::Rtp { to, source, destination, datagram: datagram.to_vec() });
        }
    }

    pub(crate) fn signal(&mut self, key: u64, event: SignallingEvent) {
        let at = self.signals.carry(self.now);
        self.at(at, Happening::Signal(key, event));
    }

    pub(crate) fn command(&mut self, key: u64, command: SignallingCommand) {
        let at = self.commands.carry(self.now);
        self.at(at, Happening::Command(key, command));
    }

    pub(crate) fn tell_agent(&mut self, connection: ConnectionId, message: ToAgent) {
        let at = self.to_agent.carry(self.now);
        self.at(at, Happening::ToAgent(connection, message));
    }

    pub(crate) fn tell_gateway(&mut self, connection: ConnectionId, message: FromAgent) {
        let at = self.from_agent.carry(self.now);
        self.at(at, Happening::FromAgent(connection, message));
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next thing that is due.
    pub(crate) fn pop_due(&mut self) -> Option<Happening> {
        let entry = self.queue.first_entry().filter(|entry| entry.key().0 <= self.now)?;
        Some(entry.remove())
    }
}
