//! A far end made of the same `sip` and `media`, and a link of 10 ms between it and a phone, in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::rtcp::NtpBase;
use media::rtp::{RtpHeader, RtpPacket, RtpSeed};
use media::sdp::{self, CodecPolicy, RemoteRule, SessionDescription, TransportPolicy};
use media::transport::{Flow, Inbound, PathConfig, Plain, Protocol, SourceRule, Transport};
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, Output};
use sip::header::{StatusCode, Uri};

use crate::phone::{Datagram, Phone, PhoneOutput, PhoneReport, PhoneSeeds, PhoneSetup};

/// What the far end does with a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Behaviour {
    /// Answers and sends every packet back.
    Echo,
    /// Answers and sends nothing.
    Mute,
    Refuse(StatusCode),
    Ring,
    /// As if it were not there.
    Ignore,
    /// Answers, and hangs up after this time.
    HangUpAfter(Duration),
    /// Answers with a description that nobody can read.
    Babble,
    /// Answers without telephone-event.
    NoKeys,
}

struct Callee {
    behaviour: Behaviour,
    endpoint: Endpoint,
    transport: Option<Transport>,
    hang_up: Option<(Instant, InviteId)>,
    received: Vec<(RtpHeader, Vec<u8>)>,
    outbox: VecDeque<Datagram>,
}

impl Callee {
    fn new(behaviour: Behaviour) -> Self {
        let endpoint = Endpoint::new(EndpointConfig { seed: [2; 32], ..EndpointConfig::default() });
        Self { behaviour, endpoint, transport: None, hang_up: None, received: Vec::new(), outbox: VecDeque::new() }
    }

    fn handle_datagram(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr, bytes: Bytes) {
        if self.behaviour == Behaviour::Ignore {
            return;
        }
        if local == callee(SIP) {
            self.endpoint.handle_message(now, sip::transport::Flow::udp(local, remote), bytes);
        } else if let Some(transport) = &mut self.transport
            && transport.handle_datagram(now, Flow { protocol: Protocol::Udp, local, remote }, &bytes).is_ok()
            && let Some(Inbound::Rtp(packet)) = transport.poll_inbound()
        {
            let (header, payload) = (packet.header, packet.payload.to_vec());
            if self.behaviour == Behaviour::Echo {
                transport.send_rtp(now, &RtpPacket { header: RtpHeader { ssrc: Ssrc(7), ..header }, payload: &payload });
            }
            self.received.push((header, payload));
        }
        self.drain(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        if let Some((_, id)) = self.hang_up.take_if(|(at, _)| *at <= now) {
            self.endpoint.hang_up(now, id);
        }
        self.drain(now);
    }

    fn next_timeout(&mut self) -> Option<Instant> {
        let Output::Timeout(due) = self.endpoint.poll_output() else { panic!("not drained") };
        [due, self.hang_up.map(|(at, _)| at)].into_iter().flatten().min()
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.endpoint.poll_output() {
                Output::Transmit(sip) => {
                    self.outbox.push_back(Datagram { local: sip.flow.local, remote: sip.flow.remote, bytes: sip.bytes });
                }
                Output::Event(Event::Incoming { id, invite }) => self.take_call(now, id, &invite.sdp),
                Output::Event(_) => {}
                Output::Timeout(_) => break,
            }
        }
        while let Some(sent) = self.transport.as_mut().and_then(Transport::poll_transmit) {
            let Flow { local, remote, .. } = sent.flow;
            self.outbox.push_back(Datagram { local, remote, bytes: Bytes::copy_from_slice(sent.bytes) });
        }
    }

    fn take_call(&mut self, now: Instant, id: InviteId, offer: &[u8]) {
        self.endpoint.ring(now, id);
        match self.behaviour {
            Behaviour::Refuse(status) => return self.endpoint.reject(now, id, status, None),
            Behaviour::Ring | Behaviour::Ignore => return,
            Behaviour::Babble => return self.endpoint.answer(now, id, &contact(), Bytes::from_static(b"babble")),
            Behaviour::HangUpAfter(time) => self.hang_up = Some((now + time, id)),
            Behaviour::Echo | Behaviour::Mute | Behaviour::NoKeys => {}
        }
        let telephone_event = self.behaviour != Behaviour::NoKeys;
        let codecs = CodecPolicy { telephone_event, ..CodecPolicy::new(vec![Codec::Pcmu, Codec::Pcma]) };
        let remote = RemoteRule::Signalling(phone(SIP).ip());
        let policy = TransportPolicy::new(callee(RTP), 1, remote);
        let agreed = sdp::answer(&SessionDescription::parse(offer).unwrap(), &codecs, &policy).unwrap();
        let mut plain = Plain::new(PathConfig { local_rtp: callee(RTP), local_rtcp: callee(RTP), source: SourceRule::Exact });
        plain.set_remote(agreed.remote_rtp, agreed.remote_rtcp);
        self.transport = Some(Transport::Plain(plain));
        self.endpoint.answer(now, id, &contact(), Bytes::from(agreed.local.to_string()));
    }
}

/// A phone that has called a far end.
pub(super) struct Call {
    start: Instant,
    now: Instant,
    pub(super) phone: Phone,
    callee: Callee,
    /// By time and order; true goes to the phone.
    in_flight: BTreeMap<(Instant, u64), (bool, Datagram)>,
    carried: u64,
    /// Every other datagram to the phone takes so much longer.
    pub(super) jitter: Duration,
    late: bool,
}

impl Call {
    pub(super) fn new(behaviour: Behaviour, change: impl FnOnce(&mut PhoneSetup)) -> Self {
        let start = Instant::now();
        let mut setup = setup(start);
        change(&mut setup);
        let phone = Phone::call(start, setup).unwrap();
        Self {
            start,
            now: start,
            phone,
            callee: Callee::new(behaviour),
            in_flight: BTreeMap::new(),
            carried: 0,
            jitter: Duration::ZERO,
            late: false,
        }
    }

    /// Lets time pass until the phone is through, at most two minutes.
    pub(super) fn run(&mut self) -> PhoneReport {
        while let Some(phone_due) = self.carry() {
            let dues = [phone_due, self.callee.next_timeout(), self.in_flight.first_key_value().map(|((at, _), _)| *at)];
            self.now = self.now.max(dues.into_iter().flatten().min().expect("a call that is not over waits for something"));
            assert!(self.elapsed() < Duration::from_secs(120), "the call does not end");
            while let Some(entry) = self.in_flight.first_entry().filter(|entry| entry.key().0 <= self.now) {
                match entry.remove() {
                    (true, datagram) => self.phone.handle_datagram(self.now, datagram.remote, datagram.local, &datagram.bytes),
                    (false, datagram) => self.callee.handle_datagram(self.now, datagram.remote, datagram.local, datagram.bytes),
                }
            }
            self.phone.handle_timeout(self.now);
            self.callee.handle_timeout(self.now);
        }
        self.phone.report()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// What RTP came to the far end.
    pub(super) fn received(&self) -> &[(RtpHeader, Vec<u8>)] {
        &self.callee.received
    }

    /// Puts what was sent on the link; the phone's next time-out, or nothing when it is through.
    fn carry(&mut self) -> Option<Option<Instant>> {
        let phone_due = loop {
            match self.phone.poll_output() {
                PhoneOutput::Transmit(datagram) => self.put(false, datagram),
                PhoneOutput::Timeout(due) => break Some(due),
                PhoneOutput::Over => break None,
            }
        };
        while let Some(datagram) = self.callee.outbox.pop_front() {
            self.put(true, datagram);
        }
        phone_due
    }

    fn put(&mut self, to_phone: bool, datagram: Datagram) {
        self.carried += 1;
        let mut delay = DELAY;
        if to_phone {
            self.late = !self.late;
            delay += if self.late { self.jitter } else { Duration::ZERO };
        }
        self.in_flight.insert((self.now + delay, self.carried), (to_phone, datagram));
    }
}

/// Two seconds of noise played into a call of three.
fn setup(now: Instant) -> PhoneSetup {
    PhoneSetup {
        target: Uri::parse("sip:1000@192.0.2.2").unwrap(),
        local_sip: phone(SIP),
        remote_sip: callee(SIP),
        local_rtp: phone(RTP),
        local_rtcp: phone(RTP + 1),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        play: noise(16_000),
        digits: Vec::new(),
        talk: Duration::from_secs(3),
        patience: Duration::from_secs(60),
        seeds: PhoneSeeds {
            identifiers: [1; 32],
            rtp: RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(65_500), timestamp: RtpTimestamp(u32::MAX - 8_000) },
            session: 1,
            reports: 1,
        },
        ntp: NtpBase { at: now, ntp: 0 },
    }
}

/// Like nothing but itself, at −21 dBFS.
fn noise(samples: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 19) as i16 - 4_096
    };
    (0..samples).map(|_| next()).collect()
}

fn contact() -> Uri {
    Uri::parse("sip:1000@192.0.2.2:5060").unwrap()
}

fn phone(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn callee(port: u16) -> SocketAddr {
    ([192, 0, 2, 2], port).into()
}

const SIP: u16 = 5_060;
const RTP: u16 = 20_000;
/// One way.
const DELAY: Duration = Duration::from_millis(10);
