//! The person on the telephone: a SIP endpoint, an RTP stream out, an ear.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::rtp::{RtpHeader, RtpOrRtcp, RtpPacket, demux};
use media::sdp::{CodecPolicy, Negotiated, RemoteRule, SessionDescription, TransportPolicy};
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, OutgoingInvite, Output, Transmit};
use sip::header::{NameAddr, StatusCode, Uri};

use crate::clock::ms;
use crate::ear::Ear;
use crate::post::{Happening, Party, Post};

/// What the person does by habit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallerPlan {
    /// When called: whether the telephone rings first.
    pub(crate) rings: bool,
    /// When called: what then, and after how long.
    pub(crate) called: (Duration, Called),
    /// Speaks so long, then the line is dead.
    pub(crate) speaks_for: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    Answers,
    /// With a codec that was never offered.
    AnswersUnusably,
    Refuses(StatusCode),
    Ignores,
}

/// What a called telephone does in time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CalleeStep {
    Ring,
    Decide,
}

pub(crate) struct Caller {
    endpoint: Endpoint,
    plan: CallerPlan,
    call: Option<InviteId>,
    offer: Option<SessionDescription>,
    voice: Option<Voice>,
    /// What came, by place in the stream.
    heard: BTreeMap<u16, Vec<u8>>,
    first_sequence: Option<SequenceNumber>,
    /// What its endpoint said.
    pub(crate) seen: BTreeSet<String>,
    due: Option<Instant>,
}

/// The stream toward the gateway.
struct Voice {
    negotiated: Negotiated,
    header: RtpHeader,
    next: Instant,
    until: Instant,
}

impl Caller {
    pub(crate) fn new(seed: u64, plan: CallerPlan) -> Self {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let endpoint = Endpoint::new(EndpointConfig { seed: bytes, ..EndpointConfig::default() });
        let seen = BTreeSet::new();
        Self { endpoint, plan, call: None, offer: None, voice: None, heard: BTreeMap::new(), first_sequence: None, seen, due: None }
    }

    pub(crate) fn dial(&mut self, post: &mut Post) {
        let offer = media::sdp::offer(&codecs(), &transport());
        let call = OutgoingInvite {
            flow: sip::transport::Flow::udp(CALLER_SIP, GATEWAY_SIP),
            alternatives: Vec::new(),
            request_uri: uri("sip:1000@192.0.2.2"),
            from: NameAddr::from(uri("sip:alice@192.0.2.1")),
            to: NameAddr::from(uri("sip:1000@192.0.2.2")),
            contact: uri("sip:alice@192.0.2.1:5060"),
            body: Bytes::from(offer.to_string()),
            options: sip::endpoint::InviteOptions::default(),
            account: None,
            asserted: None,
        };
        self.offer = Some(offer);
        self.call = Some(self.endpoint.invite(post.now, call).expect("an idle endpoint takes a call"));
        self.drain(post);
    }

    pub(crate) fn hang_up(&mut self, post: &mut Post) {
        if let Some(call) = self.call {
            self.voice = None;
            self.endpoint.hang_up(post.now, call);
            self.drain(post);
        }
    }

    pub(crate) fn handle_sip(&mut self, post: &mut Post, transmit: Transmit) {
        self.endpoint.handle_message(post.now, transmit.flow.reversed(), transmit.bytes);
        self.drain(post);
    }

    pub(crate) fn handle_rtp(&mut self, datagram: &[u8]) {
        if demux(datagram) != Some(RtpOrRtcp::Rtp) {
            return;
        }
        let packet = RtpPacket::parse(datagram).expect("the gateway sends RTP");
        let first = *self.first_sequence.get_or_insert(packet.header.sequence);
        self.heard.insert(packet.header.sequence.0.wrapping_sub(first.0), packet.payload.to_vec());
    }

    pub(crate) fn step(&mut self, post: &mut Post, step: CalleeStep) {
        let Some(call) = self.call else { return };
        match (step, self.plan.called.1) {
            (CalleeStep::Ring, _) => self.endpoint.ring(post.now, call),
            (CalleeStep::Decide, Called::Answers) => self.answer(post, call),
            (CalleeStep::Decide, Called::AnswersUnusably) => {
                self.endpoint.answer(post.now, call, &uri("sip:alice@192.0.2.1:5060"), Bytes::from_static(UNUSABLE));
            }
            (CalleeStep::Decide, Called::Refuses(status)) => self.endpoint.reject(post.now, call, status, None),
            (CalleeStep::Decide, Called::Ignores) => {}
        }
        self.drain(post);
    }

    pub(crate) fn handle_timeout(&mut self, post: &mut Post) {
        if self.due.is_some_and(|due| due <= post.now) {
            self.endpoint.handle_timeout(post.now);
            self.drain(post);
        }
        while let Some(voice) = self.voice.as_mut().filter(|voice| voice.next <= post.now) {
            voice.speak(post);
            if voice.next >= voice.until {
                self.voice = None;
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.due, self.voice.as_ref().map(|voice| voice.next)].into_iter().flatten().min()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.endpoint.is_idle() && self.call.is_none()
    }

    /// What was heard, put in order.
    pub(crate) fn ear(&self) -> Ear {
        let mut ear = Ear::default();
        self.heard.values().for_each(|payload| ear.hear(payload));
        ear
    }

    fn answer(&mut self, post: &mut Post, call: InviteId) {
        let Some(offer) = &self.offer else { return };
        let negotiated = media::sdp::answer(offer, &codecs(), &transport()).expect("the gateway's offer can be answered");
        let sdp = Bytes::from(negotiated.local.to_string());
        self.endpoint.answer(post.now, call, &uri("sip:alice@192.0.2.1:5060"), sdp);
        self.begin_to_speak(post, negotiated);
    }

    fn begin_to_speak(&mut self, post: &Post, negotiated: Negotiated) {
        let header = RtpHeader {
            payload_type: negotiated.send_payload_types.audio,
            sequence: SequenceNumber(65_500),
            timestamp: RtpTimestamp(u32::MAX - 4_000),
            ssrc: Ssrc(0x0051_0051),
            marker: true,
        };
        self.voice = Some(Voice { negotiated, header, next: post.now, until: post.now + self.plan.speaks_for });
    }

    fn drain(&mut self, post: &mut Post) {
        loop {
            match self.endpoint.poll_output() {
                Output::Transmit(transmit) => post.send_sip(Party::Gateway, transmit),
                Output::Event(event) => self.take(post, event),
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
            }
        }
    }

    fn take(&mut self, post: &mut Post, event: Event) {
        self.seen.insert(format!("{event:?}").split('(').next().unwrap_or_default().to_owned());
        match event {
            Event::Incoming { id, invite } => {
                assert!(self.call.is_none(), "one call came twice");
                self.call = Some(id);
                self.offer = Some(SessionDescription::parse(&invite.sdp).expect("the gateway's offer can be read"));
                if self.plan.rings {
                    post.after(self.plan.called.0 / 2, Happening::Callee(CalleeStep::Ring));
                }
                post.after(self.plan.called.0, Happening::Callee(CalleeStep::Decide));
            }
            Event::Answered { sdp, .. } => {
                let offer = self.offer.as_ref().expect("we offered");
                let answer = SessionDescription::parse(&sdp).expect("the gateway's answer can be read");
                let negotiated = media::sdp::accept(offer, &answer, &codecs(), &transport()).expect("the gateway's answer fits");
                self.begin_to_speak(post, negotiated);
            }
            Event::Offered { id, .. } => self.endpoint.reject_offer(post.now, id, StatusCode::NOT_ACCEPTABLE_HERE),
            Event::Referred { id, .. } => self.endpoint.reject_refer(post.now, id, StatusCode::DECLINE),
            Event::Refused { .. }
            | Event::Expired { .. }
            | Event::Replaced { .. }
            | Event::TimedOut { .. }
            | Event::Unreachable { .. }
            | Event::Unacknowledged { .. }
            | Event::Cancelled { .. }
            | Event::HungUp { .. } => {
                self.voice = None;
            }
            Event::Ended { id } => {
                assert_eq!(self.call.take(), Some(id), "a call ended that was over");
                self.voice = None;
            }
            // It neither transfers nor offers anew.
            _ => {}
        }
    }
}

impl Voice {
    /// Sends a packet of 20 ms.
    fn speak(&mut self, post: &mut Post) {
        let mut datagram = Vec::with_capacity(172);
        RtpPacket { header: self.header, payload: &[SOUND; 160] }.write(&mut datagram);
        post.send_rtp(Party::Gateway, CALLER_RTP, self.negotiated.remote_rtp, &datagram);
        self.header.marker = false;
        self.header.sequence = self.header.sequence.next();
        self.header.timestamp = self.header.timestamp.advance(160);
        self.next += ms(20);
    }
}

pub(crate) fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a valid URI")
}

pub(crate) fn codecs() -> CodecPolicy {
    CodecPolicy::new(vec![Codec::Pcmu])
}

fn transport() -> TransportPolicy {
    TransportPolicy::new(CALLER_RTP, 1, RemoteRule::Signalling(GATEWAY_SIP.ip()))
}

const fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, host)), port)
}

pub(crate) const CALLER_SIP: SocketAddr = address(1, 5060);
pub(crate) const GATEWAY_SIP: SocketAddr = address(2, 5060);
const CALLER_RTP: SocketAddr = address(1, 40_000);

/// G.723.1, of which no offer of ours speaks.
const UNUSABLE: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 4\r\n";

/// What the caller says, all the time.
const SOUND: u8 = 0x9A;
