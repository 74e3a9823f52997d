//! The one port of a media thread at which the browsers of all its calls arrive, over UDP and over TCP.
//!
//! A Binding request is handed to the call whose route its user name begins with; everything else to the call that has
//! proved the address it comes from to be its peer's. What belongs to nobody is counted and dropped, and answered by
//! nobody. A call has a [`Seat`] here for as long as its task lives: its datagrams wait in it, `INBOX` at most, and the
//! addresses that it has proved are forgotten with it.
//!
//! What any of it means (passwords, checks, keys) is decided by `media::transport::webrtc`; here nothing but the user name
//! of a request is read.

mod sockets;
mod table;
mod tcp;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use media::ice::stun;
use media::transport::{Flow, Protocol};
use tokio::sync::mpsc;
use tokio::task::{spawn_local, yield_now};

pub use sockets::MuxSockets;
pub use table::RouteName;
use table::Table;

use crate::net::udp::{DATAGRAMS_PER_WAKE, UdpChannel};
use crate::telemetry::metrics::Metrics;

/// The port of one thread.
pub struct Mux {
    udp: Vec<UdpChannel>,
    table: RefCell<Table<Rc<Inbox>>>,
    /// The ways out of connections, each with room for [`tcp::OUTBOX`] frames.
    connections: RefCell<HashMap<Flow, mpsc::Sender<Vec<u8>>>>,
    /// Counts what belonged to nobody, or to a call whose inbox was full.
    metrics: Metrics,
}

/// A call's place at a port, given up when it is dropped.
pub struct Seat {
    mux: Rc<Mux>,
    route: RouteName,
    inbox: Rc<Inbox>,
}

/// What comes to a call by its seat.
#[derive(Debug)]
pub enum Arrival {
    /// A datagram, or a frame of a connection.
    Datagram {
        /// By which path.
        flow: Flow,
        /// What it holds.
        octets: Vec<u8>,
        /// Whether the path was learned before; if not, the datagram is a request that names the call.
        known: bool,
    },
    /// A connection is gone.
    Closed(Flow),
}

/// What waits for one call.
#[derive(Debug, Default)]
struct Inbox {
    waiting: RefCell<VecDeque<Arrival>>,
    waker: RefCell<Option<Waker>>,
    spare: RefCell<Vec<Vec<u8>>>,
}

impl Mux {
    /// Registers sockets with the runtime of the calling thread, and takes what arrives from now on.
    ///
    /// # Errors
    /// When the runtime takes no more.
    pub fn open(sockets: MuxSockets) -> io::Result<Rc<Self>> {
        let (udp, listeners, metrics) = sockets.into_parts();
        let udp = udp.into_iter().map(UdpChannel::from_std).collect::<io::Result<_>>()?;
        let mux = Rc::new(Self { udp, table: RefCell::default(), connections: RefCell::default(), metrics });
        spawn_local(Rc::clone(&mux).run());
        for listener in listeners {
            spawn_local(tcp::accept(Rc::clone(&mux), tokio::net::TcpListener::from_std(listener)?));
        }
        Ok(mux)
    }

    /// A seat for the call that this route leads to.
    #[must_use]
    pub fn seat(self: &Rc<Self>, route: RouteName) -> Seat {
        let inbox = Rc::new(Inbox::default());
        self.table.borrow_mut().enter(route, Rc::clone(&inbox));
        Seat { mux: Rc::clone(self), route, inbox }
    }

    async fn run(self: Rc<Self>) {
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            poll_fn(|context| self.poll_readable(context)).await;
            for channel in &self.udp {
                for _ in 0..DATAGRAMS_PER_WAKE {
                    let Some((length, remote)) = channel.try_recv(&mut buffer) else { break };
                    let flow = Flow { protocol: Protocol::Udp, local: channel.local_addr(), remote };
                    self.deliver(flow, buffer.get(..length).unwrap_or_default());
                }
            }
            // The calls whose inboxes were filled come first.
            yield_now().await;
        }
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        // All are asked, so that each wakes the task.
        let ready = self.udp.iter().fold(false, |ready, channel| channel.poll_readable(context).is_ready() | ready);
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands a datagram to whom it is for; false when that is nobody.
    fn deliver(&self, flow: Flow, octets: &[u8]) -> bool {
        let found = match octets.first() {
            Some(..=LAST_OF_STUN) => match stun::addressee(octets) {
                Some(user) => self.table.borrow().by_user(user, flow),
                None => self.table.borrow().by_flow(flow),
            },
            Some(_) => self.table.borrow().by_flow(flow),
            None => None,
        };
        let taken = found.is_some_and(|(inbox, known)| inbox.put_datagram(flow, octets, known));
        if !taken {
            self.metrics.webrtc_unheard();
        }
        taken
    }

    /// A connection is gone.
    fn close(&self, flow: Flow) {
        self.connections.borrow_mut().remove(&flow);
        let inbox = self.table.borrow_mut().forget(flow);
        if let Some(inbox) = inbox {
            inbox.put(Arrival::Closed(flow));
        }
    }

    fn send(&self, flow: Flow, octets: &[u8]) {
        match flow.protocol {
            Protocol::Udp => {
                if let Some(channel) = self.udp.iter().find(|channel| channel.local_addr() == flow.local) {
                    // What the system does not take is lost, as on any network; the channel counts it.
                    channel.try_send(octets, flow.remote);
                }
            }
            Protocol::Tcp => {
                if let Some(connection) = self.connections.borrow().get(&flow) {
                    // A connection that takes nothing more loses what is on top: audio that waits is late anyway.
                    let _ = connection.try_send(tcp::frame(octets));
                }
            }
        }
    }
}

impl Seat {
    /// What has arrived next. To be asked until there is nothing, or [`DATAGRAMS_PER_WAKE`] times.
    pub fn try_next(&self) -> Option<Arrival> {
        self.inbox.waiting.borrow_mut().pop_front()
    }

    /// Ready when something has arrived.
    pub fn poll_ready(&self, context: &Context<'_>) -> Poll<()> {
        if !self.inbox.waiting.borrow().is_empty() {
            return Poll::Ready(());
        }
        let mut waker = self.inbox.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Sends by a path.
    pub fn send(&self, flow: Flow, octets: &[u8]) {
        self.mux.send(flow, octets);
    }

    /// From now on what comes by this path is the call's. Where it has more paths than a call can have, those go that it
    /// does not admit any more.
    pub fn learn(&self, flow: Flow, admits: impl Fn(Flow) -> bool) {
        self.mux.table.borrow_mut().learn(self.route, flow, admits);
    }

    /// Gives back what a datagram was in.
    pub fn recycle(&self, octets: Vec<u8>) {
        let mut spare = self.inbox.spare.borrow_mut();
        if spare.len() < SPARE {
            spare.push(octets);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.mux.table.borrow_mut().leave(self.route);
    }
}

impl Inbox {
    fn put_datagram(&self, flow: Flow, datagram: &[u8], known: bool) -> bool {
        let mut octets = self.spare.borrow_mut().pop().unwrap_or_default();
        octets.clear();
        octets.extend_from_slice(datagram);
        self.put(Arrival::Datagram { flow, octets, known })
    }

    fn put(&self, arrival: Arrival) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= INBOX {
            return false;
        }
        waiting.push_back(arrival);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
        true
    }
}

impl std::fmt::Debug for Mux {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mux").field("udp", &self.udp).finish_non_exhaustive()
    }
}

/// Datagrams that may wait for one call: more than a second of audio. What comes on top is dropped and counted.
const INBOX: usize = 64;
/// Buffers that a call keeps for later.
const SPARE: usize = 8;
/// First octets of STUN (RFC 7983 §7).
const LAST_OF_STUN: u8 = 3;
/// As large as anything that a browser sends: DTLS and SRTP stay below 1,200 octets, and what is cut is refused.
const MAX_DATAGRAM: usize = 2_048;
