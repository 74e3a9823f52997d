//! Which connections there are, and which go when there are too many.
//!
//! An accepted connection is half open until its first whole message. When the gateway, or one address, has as many connections as it may,
//! the oldest half-open one makes room: who opens thousands and says nothing keeps nobody out. Where all have spoken, the new one is refused.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sip::endpoint::Transmit;
use sip::transport::{ConnectionId, Flow, Transport};
use tokio::sync::mpsc;

use super::flood::sender;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In all.
    pub all: usize,
    /// Accepted from one address.
    pub each: usize,
}

/// Where a connection that we open leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// By which transport.
    pub transport: Transport,
    /// To which address.
    pub remote: SocketAddr,
    /// The name that its certificate must be for; without one the address.
    pub name: Option<Arc<str>>,
}

/// All connections. An entry is the right to exist: once it is gone, the task of its connection finds its queue closed and ends.
#[derive(Debug)]
pub(super) struct Table {
    limits: ConnectionLimits,
    last: u64,
    /// Counts openings: an id can be opened again while the task of its last connection still ends.
    openings: u64,
    open: HashMap<ConnectionId, Entry>,
    accepted: HashMap<IpAddr, usize>,
    half_open: BTreeSet<ConnectionId>,
    /// Of connections that we have opened, or shall: such an id can be opened again.
    destinations: HashMap<ConnectionId, Destination>,
    /// In which order those are forgotten.
    by_age: VecDeque<ConnectionId>,
}

#[derive(Debug)]
struct Entry {
    opening: u64,
    flow: Flow,
    queue: mpsc::Sender<Transmit>,
    accepted: bool,
    certificate: Option<CertificateDer<'static>>,
}

/// A connection as its task holds it.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) opening: u64,
    pub(super) flow: Flow,
    pub(super) queue: mpsc::Receiver<Transmit>,
}

/// What became of a message for a connection.
pub(super) enum Queued {
    Yes,
    /// The peer does not read: its connection is closed, and the message was not taken.
    Full(Transmit),
    /// No such connection is open.
    Nowhere(Transmit),
}

impl Table {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            last: 0,
            openings: 0,
            open: HashMap::new(),
            accepted: HashMap::new(),
            half_open: BTreeSet::new(),
            destinations: HashMap::new(),
            by_age: VecDeque::new(),
        }
    }

    /// A peer has opened a connection; `None` refuses it.
    pub(super) fn accept(&mut self, transport: Transport, local: SocketAddr, remote: SocketAddr) -> Option<Admitted> {
        let address = sender(remote.ip());
        if self.accepted.get(&address).copied().unwrap_or_default() >= self.limits.each {
            let oldest = self.half_open.iter().copied().find(|id| self.open.get(id).is_some_and(|entry| entry.address() == address))?;
            self.remove(oldest);
        }
        self.make_room()?;
        let connection = self.next_id();
        self.half_open.insert(connection);
        *self.accepted.entry(address).or_default() += 1;
        Some(self.enter(Flow { transport, local, remote, connection: Some(connection) }, true))
    }

    /// We are about to open a connection, for `flow`: under its id where that can be opened again, else under a new one.
    pub(super) fn open(&mut self, flow: Flow) -> Option<(Admitted, Destination)> {
        self.make_room()?;
        let known = flow.connection.and_then(|id| Some((id, self.destinations.get(&id)?.clone())));
        let (id, destination) = known.unwrap_or_else(|| {
            let destination = Destination { transport: flow.transport, remote: flow.remote, name: None };
            (self.reserve(destination.clone()), destination)
        });
        let flow = Flow { transport: destination.transport, remote: destination.remote, connection: Some(id), ..flow };
        Some((self.enter(flow, false), destination))
    }

    /// An id for a destination, whether a connection is open or not; the same for the same name and address.
    pub(super) fn reserve(&mut self, destination: Destination) -> ConnectionId {
        if let Some(known) = self.by_age.iter().rev().find(|id| self.destinations.get(id) == Some(&destination)) {
            return *known;
        }
        let id = self.next_id();
        if self.by_age.len() == DESTINATIONS
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.destinations.remove(&oldest);
        }
        self.by_age.push_back(id);
        self.destinations.insert(id, destination);
        id
    }

    /// Puts a message before the connection of its flow, or before one that was opened to the same address.
    pub(super) fn queue(&mut self, transmit: Transmit) -> Queued {
        let flow = transmit.flow;
        let to_same = || {
            self.destinations
                .iter()
                .find(|(id, to)| to.remote == flow.remote && to.transport == flow.transport && self.open.contains_key(id))
        };
        let named = flow.connection.filter(|id| self.open.contains_key(id));
        let reopened = flow.connection.is_some_and(|id| self.destinations.contains_key(&id));
        let id = named.or_else(|| if reopened { None } else { to_same().map(|(id, _)| *id) });
        let Some((id, entry)) = id.and_then(|id| Some((id, self.open.get(&id)?))) else { return Queued::Nowhere(transmit) };
        match entry.queue.try_send(transmit) {
            Ok(()) => Queued::Yes,
            Err(mpsc::error::TrySendError::Full(transmit)) => {
                self.remove(id);
                Queued::Full(transmit)
            }
            Err(mpsc::error::TrySendError::Closed(transmit)) => Queued::Nowhere(transmit),
        }
    }

    /// The peer has said something whole.
    pub(super) fn spoke(&mut self, id: ConnectionId) {
        self.half_open.remove(&id);
    }

    pub(super) fn identify(&mut self, id: ConnectionId, certificate: Option<CertificateDer<'static>>) {
        if let Some(entry) = self.open.get_mut(&id) {
            entry.certificate = certificate;
        }
    }

    /// The certificate that the peer has shown, once found good.
    pub(super) fn certificate(&self, id: ConnectionId) -> Option<&CertificateDer<'static>> {
        self.open.get(&id)?.certificate.as_ref()
    }

    /// Whether there is a connection under this id.
    pub(super) fn is_open(&self, id: ConnectionId) -> bool {
        self.open.contains_key(&id)
    }

    /// A connection has ended; another that was opened under its id since then stays.
    pub(super) fn leave(&mut self, id: ConnectionId, opening: u64) {
        if self.open.get(&id).is_some_and(|entry| entry.opening == opening) {
            self.remove(id);
        }
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        let Some(entry) = self.open.remove(&id) else { return };
        self.half_open.remove(&id);
        if entry.accepted
            && let Some(count) = self.accepted.get_mut(&entry.address())
        {
            *count -= 1;
            if *count == 0 {
                self.accepted.remove(&entry.address());
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    fn make_room(&mut self) -> Option<()> {
        if self.open.len() >= self.limits.all {
            let oldest = *self.half_open.first()?;
            self.remove(oldest);
        }
        Some(())
    }

    fn enter(&mut self, flow: Flow, accepted: bool) -> Admitted {
        let (sender, queue) = mpsc::channel(QUEUE);
        self.openings += 1;
        let opening = self.openings;
        if let Some(id) = flow.connection {
            self.open.insert(id, Entry { opening, flow, queue: sender, accepted, certificate: None });
        }
        Admitted { opening, flow, queue }
    }

    fn next_id(&mut self) -> ConnectionId {
        self.last += 1;
        ConnectionId(self.last)
    }
}

impl Entry {
    fn address(&self) -> IpAddr {
        sender(self.flow.remote.ip())
    }
}

/// Messages that may wait for a peer to read; one more, and its connection is closed.
const QUEUE: usize = 256;

/// Destinations that are remembered; the oldest is forgotten, and its calls then reach their peer by its Contact.
const DESTINATIONS: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> SocketAddr {
        "192.0.2.2:5060".parse().unwrap()
    }

    fn remote(host: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], port))
    }

    fn table(all: usize, each: usize) -> Table {
        Table::new(ConnectionLimits { all, each })
    }

    fn accept(table: &mut Table, host: u8, port: u16) -> Option<Admitted> {
        table.accept(Transport::Tcp, local(), remote(host, port))
    }

    fn is_open(admitted: &Admitted) -> bool {
        !admitted.queue.is_closed()
    }

    #[test]
    fn the_oldest_that_has_said_nothing_makes_room() {
        let mut table = table(3, 10);
        let first = accept(&mut table, 1, 1).unwrap();
        let second = accept(&mut table, 2, 1).unwrap();
        table.spoke(first.flow.connection.unwrap());
        accept(&mut table, 3, 1).unwrap();
        accept(&mut table, 4, 1).unwrap();
        assert_eq!((is_open(&first), is_open(&second), table.len()), (true, false, 3));
    }

    #[test]
    fn one_address_takes_the_room_of_its_own_only() {
        let mut table = table(100, 2);
        let other = accept(&mut table, 1, 1).unwrap();
        let flood: Vec<Admitted> = (1..50).map(|port| accept(&mut table, 2, port).unwrap()).collect();
        assert_eq!(flood.iter().filter(|admitted| is_open(admitted)).count(), 2);
        assert!(is_open(&other));
    }

    #[test]
    fn a_host_of_ipv6_is_one_address_however_many_it_has() {
        let mut table = table(100, 2);
        let from = |host: u16| format!("[2001:db8:1:2::{host:x}]:5060").parse().unwrap();
        let opened: Vec<_> = (1..20).filter_map(|host| table.accept(Transport::Tcp, local(), from(host))).collect();
        assert_eq!(opened.iter().filter(|admitted| is_open(admitted)).count(), 2);
        assert!(table.accept(Transport::Tcp, local(), "[2001:db8:1:3::1]:5060".parse().unwrap()).is_some());
    }

    #[test]
    fn the_end_of_a_connection_is_not_that_of_its_successor() {
        let mut table = table(9, 9);
        let id = table.reserve(Destination { transport: Transport::Tcp, remote: remote(1, 5060), name: None });
        let flow = Flow { transport: Transport::Tcp, connection: Some(id), ..Flow::udp(local(), remote(1, 5060)) };
        let (first, _) = table.open(flow).unwrap();
        table.remove(id);
        let (second, _) = table.open(flow).unwrap();
        table.leave(id, first.opening);
        assert!(is_open(&second) && table.is_open(id));
        table.leave(id, second.opening);
        assert!(!is_open(&second) && !table.is_open(id));
    }

    #[test]
    fn where_all_have_spoken_one_more_is_refused() {
        let mut table = table(2, 2);
        for port in 1..3 {
            let admitted = accept(&mut table, 1, port).unwrap();
            table.spoke(admitted.flow.connection.unwrap());
        }
        assert!(accept(&mut table, 2, 1).is_none());
        table.remove(ConnectionId(1));
        assert!(accept(&mut table, 2, 1).is_some());
    }

    #[test]
    fn a_message_finds_the_connection_that_was_opened_to_its_address() {
        let mut table = table(9, 9);
        let flow = Flow { transport: Transport::Tcp, ..Flow::udp(local(), remote(1, 5060)) };
        let transmit = || Transmit { flow, bytes: bytes::Bytes::from_static(b"x") };
        assert!(matches!(table.queue(transmit()), Queued::Nowhere(_)));
        let (mut opened, _) = table.open(flow).unwrap();
        assert!(matches!(table.queue(transmit()), Queued::Yes));
        assert!(opened.queue.try_recv().is_ok());
    }

    #[test]
    fn a_peer_that_does_not_read_loses_its_connection() {
        let mut table = table(9, 9);
        let admitted = accept(&mut table, 1, 1).unwrap();
        let transmit = || Transmit { flow: admitted.flow, bytes: bytes::Bytes::from_static(b"x") };
        assert!((0..QUEUE).all(|_| matches!(table.queue(transmit()), Queued::Yes)));
        assert!(matches!(table.queue(transmit()), Queued::Full(_)));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn an_id_that_we_opened_leads_to_the_same_name_again() {
        let mut table = table(9, 9);
        let destination = Destination { transport: Transport::Tls, remote: remote(1, 5061), name: Some("trunk.example".into()) };
        let id = table.reserve(destination.clone());
        assert_eq!(table.reserve(destination.clone()), id);
        let flow = Flow { transport: Transport::Tls, connection: Some(id), ..Flow::udp(local(), remote(1, 5061)) };
        let (opened, to) = table.open(flow).unwrap();
        assert_eq!((opened.flow.connection, to), (Some(id), destination.clone()));
        let other = Destination { name: Some("other.example".into()), ..destination };
        assert_ne!(table.reserve(other), id);
    }
}
