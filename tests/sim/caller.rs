//! The person on the telephone: a SIP endpoint, an RTP stream out, an ear.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::rtp::{RtpHeader, RtpOrRtcp, RtpPacket, demux};
use media::sdp::{CodecPolicy, Direction, Keys, Negotiated, RemoteRule, SessionDescription, TransportPolicy};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, OfferId, OutgoingInvite, Output, Transmit};
use sip::header::{NameAddr, StatusCode, Uri};
use sip::key_press::{KeyPress, KeyStyle};

use crate::clock::ms;
use crate::ear::Ear;
use crate::post::{Happening, Party, Post};
use crate::words;

/// What the person does by habit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallerPlan {
    /// When called: whether the telephone rings first.
    pub(crate) rings: bool,
    /// When called: what then, and after how long.
    pub(crate) called: (Duration, Called),
    /// Speaks so long, then the line is dead.
    pub(crate) speaks_for: Duration,
    /// Leaves the first offer to whom it calls.
    pub(crate) leaves_offer: bool,
    /// What becomes of offers within the call.
    pub(crate) offered: Offered,
    /// Whether it says that it takes UPDATE.
    pub(crate) takes_update: bool,
    /// Whether it says words, in turns, instead of one long sound.
    pub(crate) speaks_words: bool,
}

/// What a telephone says to an offer within the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    Agrees,
    Refuses,
    /// To be held alone.
    RefusesHold,
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
    negotiated: Option<Negotiated>,
    agreed: Vec<Agreed>,
    /// Wants the gateway on hold.
    holds: bool,
    voice: Option<Voice>,
    /// When it sent.
    sent: Vec<Duration>,
    /// What came, by place in the stream.
    heard: BTreeMap<u16, Vec<u8>>,
    first_sequence: Option<SequenceNumber>,
    /// What its endpoint said.
    pub(crate) seen: BTreeSet<String>,
    due: Option<Instant>,
}

/// Which way audio may go, from the telephone's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Directions {
    pub(crate) send: bool,
    pub(crate) receive: bool,
}

impl Directions {
    pub(crate) const BOTH: Self = Self { send: true, receive: true };
}

/// What an offer and its answer came to.
struct Agreed {
    directions: Directions,
    /// Of the gateway's description.
    version: u64,
}

/// The stream toward the gateway.
struct Voice {
    header: RtpHeader,
    next: Instant,
    until: Instant,
    /// Packets sent, where it says words.
    words: Option<u64>,
}

impl Caller {
    pub(crate) fn new(seed: u64, plan: CallerPlan) -> Self {
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let endpoint = Endpoint::new(EndpointConfig { seed: bytes, ..EndpointConfig::default() });
        Self {
            endpoint,
            plan,
            call: None,
            offer: None,
            negotiated: None,
            agreed: Vec::new(),
            holds: false,
            voice: None,
            sent: Vec::new(),
            heard: BTreeMap::new(),
            first_sequence: None,
            seen: BTreeSet::new(),
            due: None,
        }
    }

    pub(crate) fn dial(&mut self, post: &mut Post) {
        let offer = media::sdp::offer(&codecs(), &transport(false));
        let body = if self.plan.leaves_offer { Bytes::new() } else { Bytes::from(offer.to_string()) };
        let call = OutgoingInvite {
            flow: sip::transport::Flow::udp(CALLER_SIP, GATEWAY_SIP),
            alternatives: Vec::new(),
            registered: false,
            request_uri: uri("sip:1000@192.0.2.2"),
            from: NameAddr::from(uri("sip:alice@192.0.2.1")),
            to: NameAddr::from(uri("sip:1000@192.0.2.2")),
            contact: uri("sip:alice@192.0.2.1:5060"),
            body,
            options: sip::endpoint::InviteOptions::default(),
            account: None,
            asserted: None,
        };
        self.offer = (!self.plan.leaves_offer).then_some(offer);
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

    /// Puts the gateway on hold, or takes it off.
    pub(crate) fn hold(&mut self, post: &mut Post, holds: bool) {
        self.holds = holds;
        self.reoffer(post);
        self.drain(post);
    }

    /// Presses a key, and says so by INFO.
    pub(crate) fn press(&mut self, post: &mut Post, key: char) {
        let press = KeyPress::new(key, Some(ms(120))).expect("a key of a telephone");
        if let Some(call) = self.call {
            self.endpoint.press_key(post.now, call, press, KeyStyle::Relay);
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
        let Self { voice, negotiated, sent, .. } = self;
        while let Some((speaking, negotiated)) = voice.as_mut().filter(|voice| voice.next <= post.now).zip(negotiated.as_ref()) {
            if speaking.speak(post, negotiated) {
                sent.push(post.now - post.start);
            }
            if speaking.next >= speaking.until {
                *voice = None;
            }
        }
    }

    /// What the gateway offers: the first description, or one that asks for something else.
    fn take_offer(&mut self, post: &mut Post, id: InviteId, number: OfferId, sdp: &Bytes) {
        let refuses = match self.plan.offered {
            Offered::Agrees => false,
            Offered::Refuses => true,
            Offered::RefusesHold => sdp.windows(10).any(|text| text == b"a=sendonly"),
        };
        if refuses && self.negotiated.is_some() {
            return self.endpoint.reject_offer(post.now, id, number, StatusCode::NOT_ACCEPTABLE_HERE);
        }
        let offer = SessionDescription::parse(sdp).expect("the gateway's offer can be read");
        let (codecs, transport) = (codecs(), transport(self.holds));
        let answered = match &self.negotiated {
            Some(negotiated) => media::sdp::reanswer(negotiated, &offer, &codecs, &transport),
            None => media::sdp::answer(&offer, &codecs, &transport),
        };
        let negotiated = answered.expect("the gateway's offer can be answered");
        self.endpoint.accept_offer(post.now, id, number, Bytes::from(negotiated.local.to_string()));
        self.agree(post, negotiated, offer.origin.session_version);
    }

    fn reoffer(&mut self, post: &Post) {
        let (Some(call), Some(negotiated)) = (self.call, &self.negotiated) else { return };
        let offer = media::sdp::reoffer(negotiated, &codecs(), &transport(self.holds), Keys::Keep);
        self.endpoint.offer(post.now, call, Bytes::from(offer.to_string()));
        self.offer = Some(offer);
    }

    fn agree(&mut self, post: &Post, negotiated: Negotiated, version: u64) {
        let Negotiated { send, receive, .. } = negotiated;
        let payload_type = negotiated.send_payload_types.audio;
        self.agreed.push(Agreed { directions: Directions { send, receive }, version });
        if self.negotiated.replace(negotiated).is_none() {
            self.begin_to_speak(post, payload_type);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.due, self.voice.as_ref().map(|voice| voice.next)].into_iter().flatten().min()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.endpoint.is_idle() && self.call.is_none()
    }

    /// Which way audio might go, from the beginning on.
    pub(crate) fn directions(&self) -> Vec<Directions> {
        let mut directions: Vec<_> = self.agreed.iter().map(|agreed| agreed.directions).collect();
        directions.dedup();
        directions
    }

    /// The versions of the gateway's description, counted from that of the first.
    pub(crate) fn versions(&self) -> Vec<u64> {
        let first = self.agreed.first().map_or(0, |agreed| agreed.version);
        self.agreed.iter().map(|agreed| agreed.version - first + 1).collect()
    }

    /// Packets sent so far.
    pub(crate) const fn packets(&self) -> u64 {
        self.sent.len() as u64
    }

    /// Between which packets, in milliseconds, it sent nothing for half a second.
    pub(crate) fn silences(&self) -> Vec<(u128, u128)> {
        let gaps = self.sent.windows(2).filter(|pair| pair[1] - pair[0] > ms(500));
        gaps.map(|pair| (pair[0].as_millis(), pair[1].as_millis())).collect()
    }

    /// What was heard, put in order.
    pub(crate) fn ear(&self) -> Ear {
        let mut ear = Ear::default();
        self.heard.values().for_each(|payload| ear.hear(payload));
        ear
    }

    fn answer(&mut self, post: &mut Post, call: InviteId) {
        let Some(offer) = &self.offer else { return };
        let version = offer.origin.session_version;
        let negotiated = media::sdp::answer(offer, &codecs(), &transport(false)).expect("the gateway's offer can be answered");
        let sdp = Bytes::from(negotiated.local.to_string());
        self.endpoint.answer(post.now, call, &uri("sip:alice@192.0.2.1:5060"), sdp);
        self.agree(post, negotiated, version);
    }

    fn begin_to_speak(&mut self, post: &Post, payload_type: PayloadType) {
        let header = RtpHeader {
            payload_type,
            sequence: SequenceNumber(65_500),
            timestamp: RtpTimestamp(u32::MAX - 4_000),
            ssrc: Ssrc(0x0051_0051),
            marker: true,
        };
        let words = self.plan.speaks_words.then_some(0);
        self.voice = Some(Voice { header, next: post.now, until: post.now + self.plan.speaks_for, words });
    }

    fn drain(&mut self, post: &mut Post) {
        loop {
            match self.endpoint.poll_output() {
                Output::Transmit(transmit) => post.send_sip(Party::Gateway, self.as_sent(transmit)),
                Output::Event(event) => self.take(post, event),
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
            }
        }
    }

    /// A telephone that does not take UPDATE does not say so.
    fn as_sent(&self, transmit: Transmit) -> Transmit {
        if self.plan.takes_update {
            return transmit;
        }
        let text = String::from_utf8_lossy(&transmit.bytes).replace("UPDATE", "PUBLISH");
        Transmit { bytes: Bytes::from(text), ..transmit }
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
            // Offer and answer are the other way round then.
            Event::Answered { sdp, .. } if sdp.is_empty() => {}
            Event::Answered { sdp, .. } | Event::OfferAccepted { sdp, .. } => {
                let offer = self.offer.as_ref().expect("we offered");
                let answer = SessionDescription::parse(&sdp).expect("the gateway's answer can be read");
                let negotiated = media::sdp::accept(offer, &answer, &codecs(), &transport(self.holds)).expect("the gateway's answer fits");
                self.agree(post, negotiated, answer.origin.session_version);
            }
            Event::Offered { id, offer, sdp } => self.take_offer(post, id, offer, &sdp),
            Event::OfferDue { .. } => self.reoffer(post),
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
            // It transfers nobody.
            _ => {}
        }
    }
}

impl Voice {
    /// Sends a packet of 20 ms, if it may.
    fn speak(&mut self, post: &mut Post, negotiated: &Negotiated) -> bool {
        let mut datagram = Vec::with_capacity(172);
        let sound = self.words.as_mut().map_or(SOUND, |packet| {
            *packet += 1;
            words::octet_of_packet(*packet - 1)
        });
        RtpPacket { header: self.header, payload: &[sound; 160] }.write(&mut datagram);
        if negotiated.send {
            post.send_rtp(Party::Gateway, CALLER_RTP, negotiated.remote_rtp, &datagram);
        }
        self.header.marker = false;
        self.header.sequence = self.header.sequence.next();
        self.header.timestamp = self.header.timestamp.advance(160);
        self.next += ms(20);
        negotiated.send
    }
}

pub(crate) fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a valid URI")
}

pub(crate) fn codecs() -> CodecPolicy {
    CodecPolicy::new(vec![Codec::Pcmu])
}

fn transport(holds: bool) -> TransportPolicy {
    let direction = if holds { Direction::SendOnly } else { Direction::SendRecv };
    TransportPolicy { direction, ..TransportPolicy::new(CALLER_RTP, 1, RemoteRule::Signalling(GATEWAY_SIP.ip())) }
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
