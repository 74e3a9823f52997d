//! One endpoint and a peer that says, byte for byte, what the test tells it to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, EndpointConfig, Event, InviteId, OfferId, OutgoingInvite, Output, Transmit};
use sip::header::{HeaderName, StatusCode};
use sip::message::{Message, Request, Response};
use sip::transport::Flow;

use crate::support::{assert_nothing_is_due, callee_contact, origin};

pub(crate) struct ScriptedPeer {
    pub(crate) endpoint: Endpoint,
    pub(crate) now: Instant,
    pub(crate) flow: Flow,
    pub(crate) received: Vec<Transmit>,
    pub(crate) events: Vec<Event>,
    /// What the application was asked to answer last.
    pub(crate) offered: Option<OfferId>,
}

impl ScriptedPeer {
    pub(crate) fn new() -> Self {
        Self::with(EndpointConfig { seed: [7; 32], ..EndpointConfig::default() })
    }

    pub(crate) fn with(mut config: EndpointConfig) -> Self {
        // So that each INVITE has its first response at once.
        config.timers.trying_after = Duration::ZERO;
        Self::punctual(config)
    }

    /// An endpoint that tells 100 only where its application takes its time.
    pub(crate) fn punctual(config: EndpointConfig) -> Self {
        let (endpoint, flow) = (Endpoint::new(config), Flow::udp(OURS, PEER));
        Self { endpoint, now: origin(), flow, received: Vec::new(), events: Vec::new(), offered: None }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_bytes(Bytes::copy_from_slice(text.as_bytes()));
    }

    pub(crate) fn send_bytes(&mut self, bytes: Bytes) {
        self.endpoint.handle_message(self.now, self.flow, bytes);
        self.drain();
    }

    pub(crate) fn act<T>(&mut self, act: impl FnOnce(&mut Endpoint, Instant) -> T) -> T {
        let result = act(&mut self.endpoint, self.now);
        self.drain();
        result
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Output::Timeout(Some(at)) = self.endpoint.poll_output() {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            self.drain();
            assert_nothing_is_due(&mut self.endpoint, self.now);
        }
        self.now = end;
    }

    /// Sends an INVITE and returns the id of the call; 100 is taken.
    pub(crate) fn invited(&mut self) -> InviteId {
        self.send(&request("INVITE", "a", 1, "", "application/sdp", "offer"));
        assert_eq!(self.statuses(), [100]);
        let Some(Event::Incoming { id, .. }) = self.events.pop() else { panic!("no incoming call") };
        id
    }

    /// A call that is up; our tag in it.
    pub(crate) fn established(&mut self) -> (InviteId, String) {
        let id = self.invited();
        self.act(|endpoint, now| endpoint.answer(now, id, &callee_contact(), Bytes::from_static(b"answer")));
        let tag = self.response().headers().to().and_then(|to| to.tag().map(str::to_owned)).expect("a tag");
        self.send(&request("ACK", "ack", 1, &tag, "", ""));
        assert_eq!(self.event_names(), ["Confirmed"]);
        (id, tag)
    }

    /// The endpoint calls; its INVITE.
    pub(crate) fn calling(&mut self, adjust: impl FnOnce(&mut OutgoingInvite)) -> (InviteId, Request) {
        let mut call = crate::support::outgoing();
        call.flow = self.flow;
        adjust(&mut call);
        let id = self.act(|endpoint, now| endpoint.invite(now, call)).expect("an idle endpoint takes a call");
        (id, self.requests().remove(0))
    }

    /// A call of the endpoint's that is up, with a far end that takes every method.
    pub(crate) fn called(&mut self) -> (InviteId, Request) {
        let (id, invite) = self.calling(|_| {});
        self.send(&respond_with(&invite, 200, "peer", ALLOW_ALL, "answer"));
        assert_eq!(self.requests().iter().map(Request::method).collect::<Vec<_>>(), [sip::header::Method::Ack]);
        assert_eq!(self.event_names(), ["Answered"]);
        (id, invite)
    }

    /// Takes the latest offer.
    pub(crate) fn accept_offer(&mut self, id: InviteId, answer: &'static [u8]) {
        let offer = self.offered.expect("an offer");
        self.act(|endpoint, now| endpoint.accept_offer(now, id, offer, Bytes::from_static(answer)));
    }

    /// Refuses it.
    pub(crate) fn reject_offer(&mut self, id: InviteId) {
        let offer = self.offered.expect("an offer");
        self.act(|endpoint, now| endpoint.reject_offer(now, id, offer, StatusCode::NOT_ACCEPTABLE_HERE));
    }

    /// The one request that came since the last look.
    pub(crate) fn request(&mut self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "not one request");
        requests.remove(0)
    }

    /// The status codes that came since the last look.
    pub(crate) fn statuses(&mut self) -> Vec<u16> {
        self.received.drain(..).filter_map(|transmit| status_of(&transmit)).collect()
    }

    /// The one response that came since the last look.
    pub(crate) fn response(&mut self) -> Response {
        let mut responses: Vec<_> = self.received.drain(..).filter_map(|transmit| parsed_response(&transmit)).collect();
        assert_eq!(responses.len(), 1, "not one response");
        responses.remove(0)
    }

    /// The requests that came since the last look.
    pub(crate) fn requests(&mut self) -> Vec<Request> {
        let parsed = self.received.drain(..).filter_map(|transmit| match Message::parse(transmit.bytes) {
            Ok(Message::Request(request)) => Some(request),
            _ => None,
        });
        parsed.collect()
    }

    pub(crate) fn event_names(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| crate::support::name(&event)).collect()
    }

    fn drain(&mut self) {
        loop {
            match self.endpoint.poll_output() {
                Output::Transmit(transmit) => self.received.push(transmit),
                Output::Event(event) => {
                    if let Event::Offered { offer, .. } = event {
                        self.offered = Some(offer);
                    }
                    self.events.push(event);
                }
                Output::Timeout(_) => break,
            }
        }
    }
}

/// A request of the scripted caller. `branch` without its cookie; `to_tag` and `content_type` may be empty.
pub(crate) fn request(method: &str, branch: &str, cseq: u32, to_tag: &str, content_type: &str, body: &str) -> String {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let content_type = if content_type.is_empty() { String::new() } else { format!("Content-Type: {content_type}\r\n") };
    format!(
        "{method} sip:1000@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{branch};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@192.0.2.9>;tag=peer\r\nTo: <sip:1000@192.0.2.2>{to_tag}\r\nCall-ID: call\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:bob@192.0.2.9:5060>\r\n{content_type}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The same with more headers, each with its line end.
pub(crate) fn request_with(method: &str, branch: &str, cseq: u32, to_tag: &str, headers: &str, body: &str) -> String {
    let content_type = if body.is_empty() { "" } else { "application/sdp" };
    request(method, branch, cseq, to_tag, content_type, body).replace("Contact:", &format!("{headers}Contact:"))
}

/// A response with more headers.
pub(crate) fn respond_with(request: &Request, status: u16, to_tag: &str, headers: &str, body: &str) -> String {
    let status = StatusCode::new(status).expect("a status");
    respond(request, status, to_tag, body).replace("Contact:", &format!("{headers}Contact:"))
}

/// A response to a request of the endpoint; `to_tag` is empty when the request has one already.
pub(crate) fn respond(request: &Request, status: StatusCode, to_tag: &str, body: &str) -> String {
    let value = |name| request.headers().value(name).unwrap_or_default();
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let user = if to_tag.is_empty() { "callee" } else { to_tag };
    format!(
        "SIP/2.0 {status} x\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:{user}@192.0.2.9:5060>\r\n{content_type}Content-Length: {}\r\n\r\n{body}",
        value(HeaderName::Via),
        value(HeaderName::From),
        value(HeaderName::To),
        value(HeaderName::CallId),
        value(HeaderName::CSeq),
        body.len()
    )
}

/// Read without our parser: the answer to a malformed request repeats what is malformed.
fn status_of(transmit: &Transmit) -> Option<u16> {
    std::str::from_utf8(transmit.bytes.get(..11)?).ok()?.strip_prefix("SIP/2.0 ")?.parse().ok()
}

pub(crate) fn parsed_response(transmit: &Transmit) -> Option<Response> {
    match Message::parse(transmit.bytes.clone()) {
        Ok(Message::Response(response)) => Some(response),
        _ => None,
    }
}

pub(crate) const OURS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)), 5060);
pub(crate) const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), 5060);

/// The far end's abilities.
pub(crate) const ALLOW_ALL: &str = "Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, REFER, NOTIFY\r\nSupported: 100rel, timer\r\n";

/// A request of the far end within the call that [`ScriptedPeer::called`] made.
pub(crate) fn within(invite: &Request, method: &str, cseq: u32, headers: &str, body: &str) -> String {
    let headers_of = invite.headers();
    let ours = headers_of.from().and_then(|from| from.tag()).unwrap_or_default();
    request_with(method, &format!("{method}{cseq}"), cseq, ours, headers, body)
        .replace("Call-ID: call", &format!("Call-ID: {}", headers_of.call_id().unwrap_or_default()))
}
