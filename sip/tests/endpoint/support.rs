//! Two endpoints over a simulated link, in virtual time; every run is given by its seed.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, InviteOptions, OutgoingInvite, Output, Transmit};
use sip::header::{NameAddr, Uri};
use sip::transport::Flow;

pub(crate) const CALLER: usize = 0;
pub(crate) const CALLEE: usize = 1;

/// What the link does to datagrams, in parts of 1,000.
#[derive(Clone, Copy, Default)]
pub(crate) struct Damage {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    pub(crate) reorder: u64,
}

/// Chooses by sender and start line what is lost.
pub(crate) type Loss = Box<dyn FnMut(usize, &str) -> bool>;

pub(crate) struct Pair {
    pub(crate) now: Instant,
    start: Instant,
    pub(crate) ends: [Endpoint; 2],
    pub(crate) events: [VecDeque<Event>; 2],
    /// All that was sent, before the link damaged it: from which end, and the start line.
    pub(crate) sent: Vec<(usize, String)>,
    /// Datagrams for which this answers true are lost.
    pub(crate) lose: Loss,
    damage: Damage,
    random: Random,
    in_flight: BTreeMap<(Instant, u64), (usize, Transmit)>,
    counter: u64,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with_damage(1, Damage::default())
    }

    /// Both tell 100 at once.
    pub(crate) fn eager() -> Self {
        Self::with_config(1, Damage::default(), |config| config.timers.trying_after = Duration::ZERO)
    }

    pub(crate) fn with_damage(seed: u64, damage: Damage) -> Self {
        Self::with_config(seed, damage, |_| {})
    }

    pub(crate) fn with_config(seed: u64, damage: Damage, adjust: impl Fn(&mut EndpointConfig)) -> Self {
        let endpoint = |side: u8| {
            let mut bytes = [side; 32];
            bytes[..8].copy_from_slice(&seed.to_be_bytes());
            let mut config = EndpointConfig { user_agent: "test".to_owned(), seed: bytes, ..EndpointConfig::default() };
            adjust(&mut config);
            Endpoint::new(config)
        };
        let now = origin();
        Self {
            now,
            start: now,
            ends: [endpoint(1), endpoint(2)],
            events: [VecDeque::new(), VecDeque::new()],
            sent: Vec::new(),
            lose: Box::new(|_, _| false),
            damage,
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            in_flight: BTreeMap::new(),
            counter: 0,
        }
    }

    /// The caller calls the callee.
    pub(crate) fn call(&mut self) -> InviteId {
        let id = self.ends[CALLER].invite(self.now, outgoing()).expect("an idle endpoint takes a call");
        self.drain();
        id
    }

    /// Does something at one end and takes what comes of it.
    pub(crate) fn act<T>(&mut self, end: usize, act: impl FnOnce(&mut Endpoint, Instant) -> T) -> T {
        let result = act(&mut self.ends[end], self.now);
        self.drain();
        result
    }

    /// Lets virtual time pass, with all that happens in it.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.next_instant().filter(|at| *at <= end) {
            self.advance_to(at);
        }
        self.now = end;
    }

    /// Until nothing is in flight; timers do not run.
    pub(crate) fn settle(&mut self) {
        while let Some((&(at, _), _)) = self.in_flight.first_key_value() {
            self.advance_to(at);
        }
    }

    /// To the next thing that happens; false when nothing ever will.
    pub(crate) fn step(&mut self) -> bool {
        match self.next_instant() {
            Some(at) => {
                self.advance_to(at);
                true
            }
            None => false,
        }
    }

    /// The names of the events at one end since the last look.
    pub(crate) fn take_events(&mut self, end: usize) -> Vec<String> {
        self.events[end].drain(..).map(|event| name(&event)).collect()
    }

    /// The id of the incoming call, with the events before it dropped.
    pub(crate) fn incoming(&mut self) -> InviteId {
        while let Some(event) = self.events[CALLEE].pop_front() {
            if let Event::Incoming { id, .. } = event {
                return id;
            }
        }
        panic!("no incoming call");
    }

    /// How often a message with this beginning was sent by an end.
    pub(crate) fn count(&self, end: usize, prefix: &str) -> usize {
        self.sent.iter().filter(|(from, line)| *from == end && line.starts_with(prefix)).count()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.ends.iter().all(Endpoint::is_idle) && self.in_flight.is_empty()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    fn next_instant(&mut self) -> Option<Instant> {
        let timers = self.ends.iter_mut().filter_map(|end| match end.poll_output() {
            Output::Timeout(at) => at,
            _ => panic!("not drained"),
        });
        timers.chain(self.in_flight.first_key_value().map(|((at, _), _)| *at)).min()
    }

    fn advance_to(&mut self, at: Instant) {
        self.now = self.now.max(at);
        while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (to, transmit) = entry.remove();
            self.ends[to].handle_message(self.now, transmit.flow.reversed(), transmit.bytes);
            self.drain();
        }
        for end in 0..2 {
            self.ends[end].handle_timeout(self.now);
            self.drain();
            assert_nothing_is_due(&mut self.ends[end], self.now);
        }
    }

    fn drain(&mut self) {
        for end in 0..2 {
            loop {
                match self.ends[end].poll_output() {
                    Output::Transmit(transmit) => self.carry(end, transmit),
                    Output::Event(event) => self.events[end].push_back(event),
                    Output::Timeout(_) => break,
                }
            }
        }
    }

    fn carry(&mut self, from: usize, transmit: Transmit) {
        let line = String::from_utf8_lossy(&transmit.bytes).lines().next().unwrap_or_default().to_owned();
        let chosen = (self.lose)(from, &line);
        self.sent.push((from, line));
        assert_eq!(transmit.flow.remote, address(1 - from), "a datagram went astray");
        if chosen || self.random.below(1000) < self.damage.loss {
            return;
        }
        let copies = if self.random.below(1000) < self.damage.duplicate { 2 } else { 1 };
        for _ in 0..copies {
            let late = if self.random.below(1000) < self.damage.reorder { self.random.below(300) } else { 0 };
            self.counter += 1;
            self.in_flight.insert((self.now + Duration::from_millis(10 + late), self.counter), (1 - from, transmit.clone()));
        }
    }
}

/// The law of every endpoint: what was due has been done, and is not due again at once.
pub(crate) fn assert_nothing_is_due(endpoint: &mut Endpoint, now: Instant) {
    match endpoint.poll_output() {
        Output::Timeout(next) => assert!(next.is_none_or(|next| next > now), "something is still due"),
        _ => panic!("not drained"),
    }
}

pub(crate) fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if end == CALLER { 1 } else { 2 }], 5060))
}

pub(crate) fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a valid URI")
}

pub(crate) fn outgoing() -> OutgoingInvite {
    OutgoingInvite {
        flow: Flow::udp(address(CALLER), address(CALLEE)),
        alternatives: Vec::new(),
        registered: false,
        request_uri: uri("sip:1000@192.0.2.2"),
        from: NameAddr::from(uri("sip:alice@192.0.2.1")),
        to: NameAddr::from(uri("sip:1000@192.0.2.2")),
        contact: uri("sip:alice@192.0.2.1"),
        account: None,
        asserted: None,
        body: Bytes::from_static(b"offer"),
        options: InviteOptions::default(),
    }
}

pub(crate) fn callee_contact() -> Uri {
    uri("sip:1000@192.0.2.2:5060")
}

pub(crate) fn name(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split('(').next().unwrap_or_default().to_owned()
}

/// An origin for virtual time; nothing else ever reads the clock.
#[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
pub(crate) fn origin() -> Instant {
    Instant::now()
}

/// xorshift64*: enough for a link.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }
}
