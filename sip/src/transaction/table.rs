//! All transactions of an endpoint. Sends and deadlines leave through the [`Outbox`]; what users must know is returned.
//!
//! Bound: the owner asks [`TransactionTable::len`] before it opens a server transaction or a call; what a call that exists sends, and a PRACK
//! that it waits for, is always let in, at most a handful a call.

mod acknowledged;
mod challenged;
mod client_machine;
mod ways;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::client_machine::ClientMachine;
use super::detour::{Detours, Ways};
use super::invite_server::{InviteServer, ServerPhase};
use super::non_invite_client::NonInviteClient;
use super::non_invite_server::NonInviteServer;
use super::{Actions, ClientKey, Pacing, Report, ServerKey, Timer, Timers, merge_key};
use crate::endpoint::{InviteId, Outbox, Owner};
use crate::header::{Method, StatusCode};
use crate::message::{Request, Response};
use crate::transport::Flow;
use crate::transport::readdressed;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId(u64);

pub(crate) struct TransactionTable {
    timers: Timers,
    /// Our end of TCP connections, where there is one: requests too long for a datagram go there.
    tcp: Option<SocketAddr>,
    /// How long one of several servers is waited for.
    failover_after: Duration,
    next: u64,
    servers: BTreeMap<ServerId, Server>,
    server_keys: BTreeMap<ServerKey, ServerId>,
    /// Initial INVITEs by what merged copies share (§8.2.2.2).
    merged: BTreeMap<Box<[u8]>, ServerId>,
    clients: BTreeMap<ClientId, Client>,
    client_keys: BTreeMap<ClientKey, ClientId>,
    /// Those that took another way, by the key that their user knows.
    moved: BTreeMap<ClientKey, ClientId>,
}

struct Server {
    key: ServerKey,
    merge_key: Option<Box<[u8]>>,
    path: Flow,
    owner: Option<InviteId>,
    machine: ServerMachine,
}

enum ServerMachine {
    Invite(InviteServer),
    Other(NonInviteServer),
}

struct Client {
    key: ClientKey,
    path: Flow,
    owner: Option<InviteId>,
    /// Of an INVITE within a dialog, whose ACK of a refusal is known from the start.
    refusal_ack: Option<Bytes>,
    /// Of an INVITE within a dialog, the ACK of its 2xx: repeated for each copy.
    success_ack: Option<(Flow, Bytes)>,
    machine: ClientMachine,
    /// As it went out, for as long as it may be challenged.
    request: Bytes,
    /// How often it was challenged and sent anew.
    answered: u8,
    /// The way for which its user writes ACK and CANCEL.
    written_for: Flow,
    /// Its key before it took another way.
    first_key: Option<ClientKey>,
    detours: Option<Box<Detours>>,
}

/// What became of an ACK.
pub(crate) enum AckReceived {
    /// It acknowledged a refusal, or repeats that.
    Absorbed,
    /// It is for the transaction user: of a 2xx, or of nothing.
    Unmatched,
}

/// A client transaction has something to tell its owner.
pub(crate) struct Reported {
    pub(crate) owner: Option<InviteId>,
    pub(crate) client: ClientId,
    pub(crate) method: Method,
    pub(crate) report: Report,
}

/// What the transaction of an INVITE is opened with.
pub(crate) struct Opening<'a> {
    pub(crate) key: ServerKey,
    pub(crate) request: &'a Request,
    pub(crate) path: Flow,
    pub(crate) owner: InviteId,
    /// What is said where the owner takes its time; without it a final response is owed at once.
    pub(crate) trying: Option<Bytes>,
}

impl TransactionTable {
    pub(crate) fn new(timers: Timers, tcp: Option<SocketAddr>, failover_after: Duration) -> Self {
        Self {
            timers,
            tcp,
            failover_after,
            next: 0,
            servers: BTreeMap::new(),
            server_keys: BTreeMap::new(),
            merged: BTreeMap::new(),
            clients: BTreeMap::new(),
            client_keys: BTreeMap::new(),
            moved: BTreeMap::new(),
        }
    }

    /// True when the request is a copy; its transaction has then done what is to be done.
    pub(crate) fn absorb_copy(&mut self, key: &ServerKey, out: &mut Outbox) -> bool {
        let Some(server) = self.server_keys.get(key).and_then(|id| self.servers.get(id)) else { return false };
        let mut actions = Actions::default();
        match &server.machine {
            ServerMachine::Invite(machine) => machine.repeat(&mut actions),
            ServerMachine::Other(machine) => machine.repeat(&mut actions),
        }
        out.send(server.path, actions.send);
        true
    }

    /// An ACK; `key` is that of the INVITE.
    pub(crate) fn acknowledge(&mut self, now: Instant, key: &ServerKey, out: &mut Outbox) -> AckReceived {
        let Some(&id) = self.server_keys.get(key) else { return AckReceived::Unmatched };
        if self.phase(id) == ServerPhase::Accepted {
            return AckReceived::Unmatched;
        }
        let Some(pacing) = self.server_pacing(id) else { return AckReceived::Absorbed };
        self.step_server(id, out, |machine, _| match machine {
            ServerMachine::Invite(machine) => ServerMachine::Invite(machine.acknowledge(now, &pacing)),
            other @ ServerMachine::Other(_) => other,
        });
        AckReceived::Absorbed
    }

    /// Opens the transaction of an INVITE.
    pub(crate) fn open_invite_server(&mut self, now: Instant, opening: Opening<'_>, out: &mut Outbox) -> ServerId {
        let Opening { key, request, path, owner, trying } = opening;
        let mut actions = Actions::default();
        let machine = InviteServer::start(now, &self.timers.over(path.transport), trying, &mut actions);
        out.send(path, actions.send);
        let deadline = machine.deadline();
        let initial = request.headers().to().is_some_and(|to| to.tag().is_none());
        let merge_key = initial.then(|| merge_key(request.headers())).flatten();
        let id = self.insert_server(Server { key, merge_key, path, owner: Some(owner), machine: ServerMachine::Invite(machine) });
        out.deadlines.set(Owner::Server(id), deadline);
        id
    }

    /// Opens the transaction of another request with its final response.
    pub(crate) fn open_other_server(&mut self, now: Instant, key: ServerKey, path: Flow, response: Bytes, out: &mut Outbox) {
        let mut actions = Actions::default();
        let machine = NonInviteServer::start(now, &self.timers.over(path.transport), response, &mut actions);
        out.send(path, actions.send);
        let deadline = machine.deadline();
        let id = self.insert_server(Server { key, merge_key: None, path, owner: None, machine: ServerMachine::Other(machine) });
        out.deadlines.set(Owner::Server(id), deadline);
    }

    /// Opens the transaction of another request whose response is still to come: by [`Self::respond`], which is owed.
    pub(crate) fn open_waiting_server(&mut self, now: Instant, key: ServerKey, path: Flow, owner: InviteId, out: &mut Outbox) -> ServerId {
        let machine = NonInviteServer::wait(now, &self.timers.over(path.transport));
        let deadline = machine.deadline();
        let id = self.insert_server(Server { key, merge_key: None, path, owner: Some(owner), machine: ServerMachine::Other(machine) });
        out.deadlines.set(Owner::Server(id), deadline);
        id
    }

    /// Responds to a request.
    pub(crate) fn respond(&mut self, now: Instant, id: ServerId, status: StatusCode, response: Bytes, out: &mut Outbox) {
        let Some(pacing) = self.server_pacing(id) else { return };
        self.step_server(id, out, |machine, actions| match machine {
            ServerMachine::Invite(machine) => ServerMachine::Invite(machine.respond(now, &pacing, status, response, actions)),
            ServerMachine::Other(machine) => ServerMachine::Other(machine.respond(now, &pacing, response, actions)),
        });
    }

    /// Starts a client transaction by sending its request by the first way.
    pub(crate) fn open_client(
        &mut self,
        now: Instant,
        key: ClientKey,
        ways: Ways<'_>,
        owner: Option<InviteId>,
        request: Bytes,
        out: &mut Outbox,
    ) -> ClientId {
        let (key, written_for, request) = self.along_with_invite(key, ways, request);
        let (path, detours) = Detours::of(Ways { first: written_for, ..ways }, &request, self.tcp);
        let request = if path == written_for { request } else { readdressed(&request, path, None) };
        let pacing = ways::paced(self.timers.over(path.transport), self.failover_after, detours.is_none());
        let mut actions = Actions::default();
        let machine = ClientMachine::start(now, key.method(), &pacing, request.clone(), &mut actions);
        out.send(path, actions.send);
        self.next += 1;
        let id = ClientId(self.next);
        let detours = detours.map(Box::new);
        let (refusal_ack, success_ack, first_key, answered) = (None, None, None, 0);
        let client =
            Client { key: key.clone(), path, owner, refusal_ack, success_ack, machine, written_for, first_key, detours, request, answered };
        out.deadlines.set(Owner::Client(id), client.deadline());
        self.client_keys.insert(key, id);
        self.clients.insert(id, client);
        id
    }

    /// The owner and method of the response's transaction, when the owner shall see it. `ack` builds the ACK of a refusal.
    pub(crate) fn receive_response(
        &mut self,
        now: Instant,
        response: &Response,
        ack: impl FnOnce(InviteId) -> Option<Bytes>,
        out: &mut Outbox,
    ) -> Option<(InviteId, Method, ClientId)> {
        let id = *self.client_keys.get(&ClientKey::of(response)?)?;
        let client = self.clients.get(&id)?;
        let (status, owner) = (response.status(), client.owner);
        let is_refusal = client.key.method() == Method::Invite && !status.is_provisional() && !status.is_success();
        let ack = if is_refusal { client.refusal_ack.clone().or_else(|| owner.and_then(ack)).map(|ack| client.along(&ack)) } else { None };
        if self.detour_from(now, id, status, ack.clone(), out) {
            return None;
        }
        let client = self.clients.get_mut(&id)?;
        let mut actions = Actions::default();
        let pacing = self.timers.over(client.path.transport);
        let machine = std::mem::replace(&mut client.machine, ClientMachine::Other(NonInviteClient::Terminated));
        let (machine, deliver) = machine.receive(now, &pacing, status, || ack.unwrap_or_default(), &mut actions);
        client.machine = machine;
        out.send(client.path, actions.send);
        out.deadlines.set(Owner::Client(id), client.deadline());
        if let Some((path, ack)) = &client.success_ack
            && deliver
            && status.is_success()
        {
            out.send(*path, Some(ack.clone()));
            return None;
        }
        if deliver { owner.map(|owner| (owner, client.key.method(), id)) } else { None }
    }

    pub(crate) fn server_timeout(&mut self, now: Instant, id: ServerId, out: &mut Outbox) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let mut actions = Actions::default();
        server.machine = match std::mem::replace(&mut server.machine, ServerMachine::Other(NonInviteServer::Terminated)) {
            ServerMachine::Invite(machine) => ServerMachine::Invite(machine.timeout(now, &mut actions)),
            ServerMachine::Other(machine) => ServerMachine::Other(machine.timeout(now, &mut actions)),
        };
        out.send(server.path, actions.send);
        out.deadlines.set(Owner::Server(id), server.deadline());
        if actions.report.is_some() {
            self.remove_server(id);
        }
    }

    pub(crate) fn client_timeout(&mut self, now: Instant, id: ClientId, out: &mut Outbox) -> Option<Reported> {
        let client = self.clients.get_mut(&id)?;
        let mut actions = Actions::default();
        client.machine =
            std::mem::replace(&mut client.machine, ClientMachine::Other(NonInviteClient::Terminated)).timeout(now, &mut actions);
        out.send(client.path, actions.send);
        out.deadlines.set(Owner::Client(id), client.deadline());
        if actions.report == Some(Report::TimedOut) && self.detour(now, id, out) {
            return None;
        }
        let client = self.clients.get(&id)?;
        let reported = Reported { owner: client.owner, client: id, method: client.key.method(), report: actions.report? };
        self.drop_client(id, out);
        Some(reported)
    }

    /// Forgets a client transaction whose user has given up on it (§9.1).
    pub(crate) fn drop_client(&mut self, id: ClientId, out: &mut Outbox) {
        if let Some(client) = self.clients.remove(&id) {
            self.client_keys.remove(&client.key);
            if let Some(first) = client.first_key {
                self.moved.remove(&first);
            }
        }
        out.deadlines.set(Owner::Client(id), None);
    }

    pub(crate) fn server(&self, key: &ServerKey) -> Option<(ServerId, Option<InviteId>)> {
        let id = *self.server_keys.get(key)?;
        Some((id, self.servers.get(&id)?.owner))
    }

    pub(crate) fn phase(&self, id: ServerId) -> ServerPhase {
        match self.servers.get(&id).map(|server| &server.machine) {
            Some(ServerMachine::Invite(machine)) => machine.phase(),
            _ => ServerPhase::Closed,
        }
    }

    /// Whether another copy of this request, come by another way, is being served (§8.2.2.2).
    pub(crate) fn is_merged(&self, request: &Request) -> bool {
        merge_key(request.headers()).is_some_and(|key| self.merged.contains_key(&key))
    }

    pub(crate) fn len(&self) -> usize {
        self.servers.len() + self.clients.len()
    }

    fn server_pacing(&self, id: ServerId) -> Option<Pacing> {
        self.servers.get(&id).map(|server| self.timers.over(server.path.transport))
    }

    fn insert_server(&mut self, server: Server) -> ServerId {
        self.next += 1;
        let id = ServerId(self.next);
        self.server_keys.insert(server.key.clone(), id);
        if let Some(key) = &server.merge_key {
            self.merged.insert(key.clone(), id);
        }
        self.servers.insert(id, server);
        id
    }

    fn remove_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.remove(&id) else { return };
        self.server_keys.remove(&server.key);
        if let Some(key) = server.merge_key {
            self.merged.remove(&key);
        }
    }

    fn step_server(&mut self, id: ServerId, out: &mut Outbox, step: impl FnOnce(ServerMachine, &mut Actions) -> ServerMachine) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let mut actions = Actions::default();
        server.machine = step(std::mem::replace(&mut server.machine, ServerMachine::Other(NonInviteServer::Terminated)), &mut actions);
        out.send(server.path, actions.send);
        out.deadlines.set(Owner::Server(id), server.deadline());
    }
}

impl Server {
    fn deadline(&self) -> Option<(Instant, Timer)> {
        match &self.machine {
            ServerMachine::Invite(machine) => machine.deadline(),
            ServerMachine::Other(machine) => machine.deadline(),
        }
    }
}

impl Client {
    fn deadline(&self) -> Option<(Instant, Timer)> {
        self.machine.deadline()
    }
}
