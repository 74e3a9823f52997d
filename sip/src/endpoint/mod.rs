//! The user agent: all calls of one process over the messages of its flows.
//!
//! Calls that come for an id in a state they do not fit (an answer after CANCEL, a second hang-up) are ignored: the wire and the
//! application race, and the events tell who won.

mod admission;
mod config;
mod event;
mod gate;
mod identifiers;
mod invitation;
mod outbox;
mod receive;
mod referral;
mod reissue;
mod requests;
mod respond;
mod stack;
mod verbs;

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;

pub use self::config::EndpointConfig;
pub(crate) use self::config::LEAST_SESSION_EXPIRES;
pub use self::event::{Event, InviteId, OfferId};
use self::gate::Door;
pub use self::gate::{Admission, Gate};
pub use self::invitation::{IncomingInvite, InviteError, InviteOptions, OutgoingInvite};
pub(crate) use self::outbox::{Outbox, Owner};
pub use self::outbox::{Output, Transmit};
pub use self::referral::{IncomingRefer, OutgoingRefer, ReferOutcome};
pub(crate) use self::reissue::Reissued;
use self::requests::Pending;
pub use self::requests::{OutgoingRequest, RequestId, RequestKind};
pub(crate) use self::respond::{ResponseBuilder, SDP, response_path};
pub(crate) use self::stack::Stack;
use crate::header::Scheme;
use crate::invite::Invite;
use crate::message::Message;
use crate::transaction::Reported;
use crate::transport::ConnectionId;
use crate::transport::Flow;

/// A SIP user agent. See the crate's documentation for the law of its calls.
pub struct Endpoint {
    stack: Stack,
    invites: BTreeMap<InviteId, Invite>,
    /// Our tag of each call that is not over: finds the call of a request within a dialog.
    tags: BTreeMap<Box<str>, InviteId>,
    /// Calls not answered yet, by which others shall be replaced.
    replacing: BTreeMap<InviteId, InviteId>,
    requests: BTreeMap<InviteId, Pending>,
    door: Option<Door>,
    closing: bool,
    next_id: u64,
}

impl Endpoint {
    /// An endpoint without calls.
    pub fn new(config: EndpointConfig) -> Self {
        Self {
            stack: Stack::new(config),
            invites: BTreeMap::new(),
            tags: BTreeMap::new(),
            replacing: BTreeMap::new(),
            requests: BTreeMap::new(),
            door: None,
            closing: false,
            next_id: 0,
        }
    }

    /// Takes a message that came by `flow`: a datagram, what was cut out of a stream, or a WebSocket
    /// message. What is no SIP is dropped.
    pub fn handle_message(&mut self, now: Instant, flow: Flow, message: Bytes) {
        self.receive(now, flow, message);
    }

    /// A message that was to be sent did not leave, and will not: no connection, or no room to wait for one. A request goes another way
    /// when there is one; otherwise its call or its transaction ends. What UDP loses is not told here: it is sent again.
    pub fn handle_unsent(&mut self, now: Instant, transmit: &Transmit) {
        if let Ok(Message::Request(request)) = Message::parse(transmit.bytes.clone())
            && let Some(reported) = self.stack.transactions.unsent(now, &request, &mut self.stack.out)
        {
            self.report(now, &reported);
        }
    }

    /// A connection is no more. Requests that wait on it for any answer go another way, or end; calls go on by new connections.
    pub fn handle_closed(&mut self, now: Instant, connection: ConnectionId) {
        for id in self.stack.transactions.waiting_on(connection) {
            if let Some(reported) = self.stack.transactions.unreachable(now, id, &mut self.stack.out) {
                self.report(now, &reported);
            }
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((owner, timer)) = self.stack.out.deadlines.pop_due(now) {
            tracing::trace!(?owner, ?timer, "timer");
            match owner {
                Owner::Server(id) => self.stack.transactions.server_timeout(now, id, &mut self.stack.out),
                Owner::Client(id) => {
                    if let Some(reported) = self.stack.transactions.client_timeout(now, id, &mut self.stack.out) {
                        self.report(now, &reported);
                    }
                }
                Owner::Invite(id) => self.step(id, |invite, stack| invite.handle_timeout(now, timer, stack)),
            }
        }
    }

    /// The next thing to do; ask until it is a timeout.
    pub fn poll_output(&mut self) -> Output {
        self.stack.out.poll()
    }

    /// Calls somebody. Events follow under the id. A callee may ring for ever: the application decides when to hang up.
    pub fn invite(&mut self, now: Instant, call: OutgoingInvite) -> Result<InviteId, InviteError> {
        if call.request_uri.scheme() == Scheme::Other {
            return Err(InviteError::Scheme);
        }
        if self.is_full() {
            return Err(InviteError::Full);
        }
        let id = self.new_id();
        let invite = Invite::outbound(now, id, call, &mut self.stack);
        self.insert(invite);
        Ok(id)
    }

    /// The application takes no more calls and is about to end: whoever asks by OPTIONS is told so (RFC 3261 §11.2), and asks another. What
    /// becomes of calls stays the application's to say.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Nothing is held any more: no call, no transaction, no timer.
    pub fn is_idle(&self) -> bool {
        self.invites.is_empty()
            && self.tags.is_empty()
            && self.requests.is_empty()
            && self.stack.transactions.len() == 0
            && self.stack.out.deadlines.is_empty()
    }

    /// The Call-ID of a call; `None` once it is forgotten.
    pub fn call_id(&self, id: InviteId) -> Option<&str> {
        self.invites.get(&id).map(Invite::call_id)
    }

    /// Calls that are not over.
    pub fn calls(&self) -> usize {
        self.tags.len()
    }

    fn report(&mut self, now: Instant, reported: &Reported) {
        if let Some(owner) = reported.owner
            && !self.take_report(owner, reported)
        {
            self.step(owner, |invite, stack| invite.handle_report(now, reported, stack));
        }
    }

    fn is_full(&self) -> bool {
        self.tags.len() >= self.stack.config.max_dialogs || self.stack.is_full()
    }

    fn new_id(&mut self) -> InviteId {
        self.next_id += 1;
        InviteId(self.next_id)
    }

    fn insert(&mut self, invite: Invite) {
        self.tags.insert(invite.local_tag().into(), invite.id());
        self.invites.insert(invite.id(), invite);
    }

    /// Lets a call do something, then keeps the tables true to its new state.
    fn step(&mut self, id: InviteId, step: impl FnOnce(&mut Invite, &mut Stack)) {
        let Some(invite) = self.invites.get_mut(&id) else { return };
        step(invite, &mut self.stack);
        invite.settle(&mut self.stack);
        self.stack.out.deadlines.set(Owner::Invite(id), invite.deadline());
        if invite.is_over() {
            self.tags.remove(invite.local_tag());
            self.replacing.remove(&id);
        }
        if invite.is_forgettable() {
            self.invites.remove(&id);
        }
    }
}
