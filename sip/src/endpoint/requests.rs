//! Requests of ours that belong to no call: REGISTER (RFC 3261 §10.2) and OPTIONS (§11).

use std::time::Instant;

use super::Endpoint;
use super::event::{Event, InviteId};
use super::invitation::InviteError;
use crate::auth::{Account, DigestClient};
use crate::dialog::{MAX_FORWARDS, Party, ViaLine};
use crate::header::{HeaderName, Method, NameAddr, Uri};
use crate::message::{MessageWriter, Response};
use crate::transaction::{Report, Reported};
use crate::transport::Flow;

/// Names a request on one endpoint; never used twice, nor for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) InviteId);

/// A request to send.
#[derive(Clone)]
pub struct OutgoingRequest {
    /// What is asked.
    pub kind: RequestKind,
    /// By which way it goes.
    pub flow: Flow,
    /// Whom it is for.
    pub request_uri: Uri,
    /// Who asks.
    pub from: NameAddr,
    /// About whom.
    pub to: NameAddr,
    /// Who we are to a realm that challenges.
    pub account: Option<Account>,
}

/// What is asked.
#[derive(Clone)]
pub enum RequestKind {
    /// Whether somebody is there.
    Options,
    /// That `contact` be kept for `expires` seconds. The same call and a counted number let the registrar put refreshes in order
    /// (§10.2): `series` is the same for all of one registration, `number` one more each time.
    Register {
        /// Where we are.
        contact: Uri,
        /// Seconds; 0 takes it back.
        expires: u32,
        /// Names the registration.
        series: u64,
        /// Counts its requests; challenges may use up to three more each.
        number: u32,
    },
}

/// A request whose final response has not come.
pub(super) struct Pending {
    credentials: Option<DigestClient>,
}

impl Endpoint {
    /// Sends a request; [`Event::Replied`] or [`Event::Unanswered`] follows under the id, once.
    pub fn request(&mut self, now: Instant, request: OutgoingRequest) -> Result<RequestId, InviteError> {
        if self.stack.is_full() || self.requests.len() >= MAX_REQUESTS {
            return Err(InviteError::Full);
        }
        let id = self.new_id();
        let identifiers = &mut self.stack.identifiers;
        let (branch, tag) = (identifiers.branch(), identifiers.tag());
        let (method, call_id, number) = match &request.kind {
            RequestKind::Options => (Method::Options, identifiers.call_id(), 1),
            RequestKind::Register { series, number, .. } => (Method::Register, identifiers.call_id_of(*series), *number),
        };
        let mut writer = MessageWriter::request(method, request.request_uri.as_str());
        writer.header(HeaderName::Via, ViaLine { path: request.flow, branch: &branch });
        writer.header(HeaderName::MaxForwards, MAX_FORWARDS);
        writer.header(HeaderName::From, Party { address: &request.from.to_string(), tag: &tag });
        writer.header(HeaderName::To, &request.to);
        writer.header(HeaderName::CallId, call_id);
        writer.header(HeaderName::CSeq, format_args!("{number} {method}"));
        match &request.kind {
            RequestKind::Options => writer.header(HeaderName::Accept, super::SDP),
            RequestKind::Register { contact, expires, .. } => {
                writer.header(HeaderName::Contact, format_args!("<{contact}>;expires={expires}"));
                writer.header(HeaderName::Expires, expires);
            }
        }
        if !self.stack.config.user_agent.is_empty() {
            writer.header(HeaderName::UserAgent, &self.stack.config.user_agent);
        }
        self.requests.insert(id, Pending { credentials: request.account.map(DigestClient::new) });
        self.stack.open_client(now, &branch, method, request.flow, Some(id), writer.finish(b""));
        Ok(RequestId(id))
    }

    pub(super) fn credentials_of_request(&mut self, id: InviteId) -> Option<&mut DigestClient> {
        self.requests.get_mut(&id)?.credentials.as_mut()
    }

    /// True when the response was of a request without a call.
    pub(super) fn take_reply(&mut self, id: InviteId, response: &Response) -> bool {
        if !self.requests.contains_key(&id) {
            return false;
        }
        if !response.status().is_provisional() {
            self.requests.remove(&id);
            self.stack.event(Event::Replied { id: RequestId(id), response: Box::new(response.clone()) });
        }
        true
    }

    /// True when the report was of a request without a call.
    pub(super) fn take_report(&mut self, id: InviteId, reported: &Reported) -> bool {
        if !self.requests.contains_key(&id) {
            return false;
        }
        if reported.report != Report::Terminated {
            self.requests.remove(&id);
            self.stack.event(Event::Unanswered { id: RequestId(id) });
        }
        true
    }
}

/// Requests under way at once: one for each trunk, and as many again.
const MAX_REQUESTS: usize = 4_096;
