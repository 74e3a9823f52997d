//! A client transaction that goes on by another way: to its user it is still the same.

use std::time::Instant;

use bytes::Bytes;

use super::super::detour::Ways;
use super::super::non_invite_client::NonInviteClient;
use super::super::{ClientKey, Pacing, Report};
use super::{Client, ClientId, ClientMachine, Reported, TransactionTable};
use crate::endpoint::{Outbox, Owner};
use crate::header::{Method, StatusCode, Via};
use crate::message::Request;
use crate::transport::{ConnectionId, Flow, readdressed};

impl TransactionTable {
    /// A request of ours did not leave. What its owner shall know, unless there is another way.
    pub(crate) fn unsent(&mut self, now: Instant, request: &Request, out: &mut Outbox) -> Option<Reported> {
        let branch = request.headers().top_via()?.unique_branch()?;
        let id = *self.client_keys.get(&ClientKey::new(branch, request.method()))?;
        self.unreachable(now, id, out)
    }

    /// What waited on this connection, which is no more.
    pub(crate) fn waiting_on(&self, connection: ConnectionId) -> Vec<ClientId> {
        let waits = |client: &Client| client.path.connection == Some(connection) && client.machine.is_unanswered();
        self.clients.iter().filter(|(_, client)| waits(client)).map(|(id, _)| *id).collect()
    }

    /// Goes on by another way, or ends.
    pub(crate) fn unreachable(&mut self, now: Instant, id: ClientId, out: &mut Outbox) -> Option<Reported> {
        let client = self.clients.get(&id).filter(|client| client.machine.is_unanswered())?;
        let reported = Reported { owner: client.owner, client: id, method: client.key.method(), report: Report::Unreachable };
        if self.detour(now, id, out) {
            return None;
        }
        self.drop_client(id, out);
        Some(reported)
    }

    /// By which way the messages of a transaction go.
    pub(crate) fn client_flow(&self, id: ClientId) -> Option<Flow> {
        self.clients.get(&id).map(|client| client.path)
    }

    /// Sends the request by the next way, if there is one.
    pub(super) fn detour(&mut self, now: Instant, id: ClientId, out: &mut Outbox) -> bool {
        let timers = self.timers;
        let patience = self.failover_after;
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let Some(detours) = client.detours.as_mut() else { return false };
        let old = client.key.clone();
        let Some((flow, branch, request)) = detours.next(old.branch_without_cookie()) else { return false };
        let pacing = paced(timers.over(flow.transport), patience, detours.is_empty());
        let mut actions = super::Actions::default();
        client.key = ClientKey::new(&format!("{}{branch}", Via::MAGIC_COOKIE), old.method());
        client.machine = ClientMachine::start(now, old.method(), &pacing, request, &mut actions);
        client.path = flow;
        out.send(flow, actions.send);
        out.deadlines.set(Owner::Client(id), client.deadline());
        // Its CANCEL will be written for the branch that its user knows.
        client.first_key.get_or_insert_with(|| old.clone());
        let (first, new) = (client.first_key.clone(), client.key.clone());
        if first.as_ref() == Some(&old) {
            self.moved.insert(old.clone(), id);
        }
        self.client_keys.remove(&old);
        self.client_keys.insert(new, id);
        true
    }

    /// A server has said 503 and nothing before: it is acknowledged, and the next one asked.
    pub(super) fn detour_from(&mut self, now: Instant, id: ClientId, status: StatusCode, ack: Option<Bytes>, out: &mut Outbox) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let Some(detours) = client.detours.as_mut().filter(|_| status == StatusCode::SERVICE_UNAVAILABLE) else { return false };
        if !client.machine.is_unanswered() {
            return false;
        }
        detours.leave(client.path.remote);
        if detours.is_empty() {
            return false;
        }
        let (old_key, path, method) = (client.key.clone(), client.path, client.key.method());
        let machine = std::mem::replace(&mut client.machine, ClientMachine::Other(NonInviteClient::Terminated));
        let pacing = self.timers.over(path.transport);
        let mut actions = super::Actions::default();
        let machine = machine.receive(now, &pacing, status, || ack.unwrap_or_default(), &mut actions).0;
        out.send(path, actions.send);
        if !self.detour(now, id, out) {
            return false;
        }
        // The old one stays for copies of the refusal, without a user.
        if method == Method::Invite {
            self.next += 1;
            let left = ClientId(self.next);
            let client = Client {
                key: old_key.clone(),
                path,
                owner: None,
                refusal_ack: None,
                success_ack: None,
                machine,
                written_for: path,
                first_key: None,
                detours: None,
                request: Bytes::new(),
                answered: 0,
            };
            out.deadlines.set(Owner::Client(left), client.deadline());
            self.client_keys.insert(old_key, left);
            self.clients.insert(left, client);
        }
        true
    }

    /// CANCEL takes the way and the branch of its INVITE (§9.1), whatever it was written for.
    pub(super) fn along_with_invite(&self, key: ClientKey, ways: Ways<'_>, request: Bytes) -> (ClientKey, Flow, Bytes) {
        let first = ways.first;
        if key.method() != Method::Cancel {
            return (key, first, request);
        }
        let invite = key.with_method(Method::Invite);
        // Under the key of an INVITE that has moved on may stand what is left of it where it was refused.
        let id = self.moved.get(&invite).or_else(|| self.client_keys.get(&invite));
        match id.and_then(|id| self.clients.get(id)) {
            Some(client) => {
                let request = client.along(&request);
                (client.key.with_method(Method::Cancel), client.path, request)
            }
            None => (key, first, request),
        }
    }
}

impl Client {
    /// A message that belongs to this request, on its way.
    pub(super) fn along(&self, message: &Bytes) -> Bytes {
        if self.path == self.written_for && self.first_key.is_none() || message.is_empty() {
            return message.clone();
        }
        readdressed(message, self.path, Some(self.key.branch_without_cookie()))
    }
}

/// As long as others may be asked, one is not waited for to the end.
pub(super) fn paced(pacing: Pacing, failover_after: std::time::Duration, last: bool) -> Pacing {
    if last { pacing } else { pacing.impatient(failover_after) }
}
