//! Telephones and proxies on one network that loses nothing; each has a name and an address, and what goes between them is a ladder.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, InviteOptions, OfferId, OutgoingInvite, Output};
use sip::header::{NameAddr, StatusCode, Uri};
use sip::transaction::Timers;
use sip::transport::Flow;

use crate::proxy::Proxy;

/// All of it.
pub(crate) struct World {
    pub(crate) now: Instant,
    nodes: Vec<(&'static str, Node)>,
    in_flight: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Bytes)>,
    counter: u64,
    ladder: Vec<String>,
    /// What each telephone was asked to answer last.
    offered: BTreeMap<&'static str, OfferId>,
    /// Every message, for what a ladder does not show.
    pub(crate) wire: Vec<String>,
}

enum Node {
    Telephone(Box<Endpoint>, VecDeque<Event>),
    Proxy(Proxy),
    /// Its address is there, and nobody.
    Silent,
}

impl World {
    /// Telephones of these names.
    pub(crate) fn of(telephones: &[&'static str]) -> Self {
        let (nodes, in_flight, ladder, offered, wire) = (Vec::new(), BTreeMap::new(), Vec::new(), BTreeMap::new(), Vec::new());
        let mut world = Self { now: origin(), nodes, in_flight, counter: 0, ladder, offered, wire };
        for name in telephones {
            let seed = [world.nodes.len() as u8 + 1; 32];
            // The RFC's ladders show each 100.
            let timers = Timers { trying_after: Duration::ZERO, ..Timers::default() };
            let endpoint = Endpoint::new(EndpointConfig { seed, session_expires: None, timers, ..EndpointConfig::default() });
            world.nodes.push((name, Node::Telephone(Box::new(endpoint), VecDeque::new())));
        }
        world
    }

    /// One proxy more, which knows where the telephones are.
    pub(crate) fn with_proxy(mut self, name: &'static str, adjust: impl FnOnce(&mut Proxy, &Self)) -> Self {
        let mut proxy = Proxy::new(name, address_of(self.nodes.len()));
        adjust(&mut proxy, &self);
        self.nodes.push((name, Node::Proxy(proxy)));
        self
    }

    /// An address that never says anything.
    pub(crate) fn with_silence(mut self, name: &'static str) -> Self {
        self.nodes.push((name, Node::Silent));
        self
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        address_of(self.nodes.iter().position(|(known, _)| *known == name).expect("a party of that name"))
    }

    /// Where a party is reached.
    pub(crate) fn contact(&self, name: &str) -> Uri {
        uri(&format!("sip:{name}@{}", self.address(name)))
    }

    /// A call from one party to another, by the first of the ways.
    pub(crate) fn call_by(&self, from: &str, to: &str, by: &[&str]) -> OutgoingInvite {
        let mut ways = by.iter().map(|way| Flow::udp(self.address(from), self.address(way)));
        let target = uri(&format!("sip:{to}@example.com"));
        OutgoingInvite {
            flow: ways.next().expect("a way"),
            alternatives: ways.collect(),
            registered: false,
            request_uri: if by == [to] { self.contact(to) } else { target.clone() },
            from: NameAddr::from(uri(&format!("sip:{from}@example.com"))),
            to: NameAddr::from(target),
            contact: self.contact(from),
            account: None,
            asserted: None,
            body: Bytes::from(format!("offer of {from}")),
            options: InviteOptions::default(),
        }
    }

    /// Calls, and waits until nothing is under way.
    pub(crate) fn place(&mut self, from: &str, call: OutgoingInvite) -> InviteId {
        let id = self.act(from, |endpoint, now| endpoint.invite(now, call)).expect("a telephone takes a call");
        self.settle();
        id
    }

    /// Calls directly.
    pub(crate) fn call(&mut self, from: &str, to: &str) -> InviteId {
        let call = self.call_by(from, to, &[to]);
        self.place(from, call)
    }

    /// Answers the call that came, whose events before are dropped.
    pub(crate) fn answer(&mut self, who: &'static str, id: InviteId) {
        let contact = self.contact(who);
        self.act(who, |endpoint, now| endpoint.answer(now, id, &contact, Bytes::from(format!("answer of {who}"))));
        self.settle();
    }

    pub(crate) fn ring(&mut self, who: &str, id: InviteId) {
        self.act(who, |endpoint, now| endpoint.ring(now, id));
        self.settle();
    }

    pub(crate) fn hang_up(&mut self, who: &str, id: InviteId) {
        self.act(who, |endpoint, now| endpoint.hang_up(now, id));
        self.settle();
    }

    pub(crate) fn reject(&mut self, who: &str, id: InviteId, status: StatusCode) {
        self.act(who, |endpoint, now| endpoint.reject(now, id, status, None));
        self.settle();
    }

    /// Takes the latest offer.
    pub(crate) fn accept_offer(&mut self, who: &str, id: InviteId, answer: &[u8]) {
        let (offer, answer) = (self.offered[who], Bytes::copy_from_slice(answer));
        self.act(who, |endpoint, now| endpoint.accept_offer(now, id, offer, answer));
    }

    /// Refuses it.
    pub(crate) fn reject_offer(&mut self, who: &str, id: InviteId) {
        let offer = self.offered[who];
        self.act(who, |endpoint, now| endpoint.reject_offer(now, id, offer, StatusCode::NOT_ACCEPTABLE_HERE));
    }

    /// A call that is up, with its ids at both ends; its ladder and events are forgotten.
    pub(crate) fn connected(&mut self, from: &str, to: &'static str) -> (InviteId, InviteId) {
        let call = self.call(from, to);
        let incoming = self.incoming(to);
        self.answer(to, incoming);
        assert_eq!((self.events(from), self.events(to)), (vec!["Answered".to_owned()], vec!["Confirmed".to_owned()]));
        self.ladder();
        (call, incoming)
    }

    /// Does something at one telephone.
    pub(crate) fn act<T>(&mut self, who: &str, act: impl FnOnce(&mut Endpoint, Instant) -> T) -> T {
        let now = self.now;
        let result = act(self.telephone(who).0, now);
        self.drain();
        result
    }

    /// Something that no telephone of ours would say.
    pub(crate) fn say(&mut self, from: &str, to: &str, text: String) {
        let (from, to) = (self.address(from), self.address(to));
        self.carry(from, to, Bytes::from(text));
        self.settle();
    }

    /// Does something at a proxy that comes by itself, and sends what it wants.
    pub(crate) fn at_proxy(&mut self, name: &str, act: impl FnOnce(&mut Proxy) -> Vec<(SocketAddr, String)>) {
        let own = self.address(name);
        let proxy = self.nodes.iter_mut().find_map(|(known, node)| match node {
            Node::Proxy(proxy) if *known == name => Some(proxy),
            _ => None,
        });
        for (to, text) in act(proxy.expect("a proxy of that name")) {
            self.carry(own, to, Bytes::from(text));
        }
        self.settle();
    }

    /// The next incoming call of a telephone; events before it are dropped.
    pub(crate) fn incoming(&mut self, who: &str) -> InviteId {
        while let Some(event) = self.telephone(who).1.pop_front() {
            if let Event::Incoming { id, .. } = event {
                return id;
            }
        }
        panic!("nobody calls {who}");
    }

    /// The next event of a telephone, whole.
    pub(crate) fn event(&mut self, who: &str) -> Event {
        self.telephone(who).1.pop_front().unwrap_or_else(|| panic!("nothing happened at {who}"))
    }

    /// The names of what happened at a telephone since the last look.
    pub(crate) fn events(&mut self, who: &str) -> Vec<String> {
        let names = self.telephone(who).1.drain(..).map(|event| format!("{event:?}").split('(').next().unwrap_or_default().to_owned());
        names.collect()
    }

    /// What went over the wire since the last look.
    pub(crate) fn ladder(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ladder)
    }

    /// Until nothing is in flight; timers do not run.
    pub(crate) fn settle(&mut self) {
        while let Some(entry) = self.in_flight.first_entry() {
            self.now = self.now.max(entry.key().0);
            let (from, to, bytes) = entry.remove();
            self.deliver(from, to, bytes);
            self.drain();
        }
    }

    /// Lets virtual time pass, with all that happens in it.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let due = self.telephones().filter_map(|(endpoint, _)| match endpoint.poll_output() {
                Output::Timeout(due) => due,
                _ => panic!("not drained"),
            });
            let Some(due) = due.min().filter(|due| *due <= end) else { break };
            let now = self.now.max(due);
            self.now = now;
            self.telephones().for_each(|(endpoint, _)| endpoint.handle_timeout(now));
            self.drain();
            for (endpoint, _) in self.telephones() {
                assert!(
                    matches!(endpoint.poll_output(), Output::Timeout(next) if next.is_none_or(|next| next > now)),
                    "something is still due"
                );
            }
        }
        self.now = self.now.max(end);
    }

    /// The flow is over: after the longest timer no telephone holds anything, and nothing more was told.
    pub(crate) fn assert_over(&mut self) {
        self.run(Duration::from_secs(200));
        let names: Vec<&'static str> =
            self.nodes.iter().filter(|(_, node)| matches!(node, Node::Telephone(..))).map(|(name, _)| *name).collect();
        for name in names {
            assert!(self.telephone(name).0.is_idle(), "{name} still holds something");
            assert_eq!(self.events(name), Vec::<String>::new(), "{name} heard more");
        }
    }

    fn telephone(&mut self, who: &str) -> (&mut Endpoint, &mut VecDeque<Event>) {
        let found = self.nodes.iter_mut().find_map(|(name, node)| match node {
            Node::Telephone(endpoint, events) if *name == who => Some((&mut **endpoint, events)),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no telephone {who}"))
    }

    fn telephones(&mut self) -> impl Iterator<Item = (&mut Endpoint, &mut VecDeque<Event>)> {
        self.nodes.iter_mut().filter_map(|(_, node)| match node {
            Node::Telephone(endpoint, events) => Some((&mut **endpoint, events)),
            _ => None,
        })
    }

    fn drain(&mut self) {
        let mut sent = Vec::new();
        for (name, node) in &mut self.nodes {
            let Node::Telephone(endpoint, events) = node else { continue };
            loop {
                match endpoint.poll_output() {
                    Output::Transmit(transmit) => sent.push(transmit),
                    Output::Event(event) => {
                        if let Event::Offered { offer, .. } = event {
                            self.offered.insert(name, offer);
                        }
                        events.push_back(event);
                    }
                    Output::Timeout(_) => break,
                }
            }
        }
        for transmit in sent {
            self.carry(transmit.flow.local, transmit.flow.remote, transmit.bytes);
        }
    }

    fn carry(&mut self, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.ladder.push(format!("{} > {}: {}", self.name_of(from), self.name_of(to), summary(&text)));
        self.wire.push(text);
        self.counter += 1;
        self.in_flight.insert((self.now + Duration::from_millis(5), self.counter), (from, to, bytes));
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let now = self.now;
        let node = self.nodes.iter_mut().enumerate().find(|(index, _)| address_of(*index) == to).map(|(_, (_, node))| node);
        match node {
            Some(Node::Telephone(endpoint, _)) => endpoint.handle_message(now, Flow::udp(to, from), bytes),
            Some(Node::Proxy(proxy)) => {
                for (next, text) in proxy.take(from, &String::from_utf8_lossy(&bytes)) {
                    self.carry(to, next, Bytes::from(text));
                }
            }
            Some(Node::Silent) => {}
            None => panic!("a message went astray, to {to}"),
        }
    }

    fn name_of(&self, address: SocketAddr) -> &'static str {
        self.nodes.iter().enumerate().find(|(index, _)| address_of(*index) == address).map_or("nobody", |(_, (name, _))| name)
    }
}

/// `INVITE`, or `200 INVITE`.
fn summary(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match first.strip_prefix("SIP/2.0 ") {
        Some(rest) => {
            let cseq = header(text, "CSeq").unwrap_or_default();
            format!("{} {}", rest.get(..3).unwrap_or_default(), cseq.split(' ').nth(1).unwrap_or_default())
        }
        None => first.split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// The first header of a name, as text.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| line.split_once(':').filter(|(found, _)| found.eq_ignore_ascii_case(name))).map(|(_, value)| value.trim())
}

fn address_of(index: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, index as u8 + 1], 5060))
}

pub(crate) fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a valid URI")
}

/// An origin for virtual time; nothing else ever reads the clock.
#[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
fn origin() -> Instant {
    Instant::now()
}
