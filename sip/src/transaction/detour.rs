//! Where a request goes when its first way fails: TCP for what is longer than a datagram should be, UDP again when that cannot be had
//! (RFC 3261 §18.1.1), and the next server of the same name (RFC 3263 §4.3).

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::transport::{Flow, Transport, readdressed};

/// The ways that a request may take, the best first.
#[derive(Clone, Copy)]
pub(crate) struct Ways<'a> {
    pub(crate) first: Flow,
    pub(crate) others: &'a [Flow],
}

impl From<Flow> for Ways<'_> {
    fn from(first: Flow) -> Self {
        Self { first, others: &[] }
    }
}

/// The ways that are left, the next one first. Bounded by what the application gave, twice.
#[derive(Debug)]
pub(super) struct Detours {
    request: Bytes,
    flows: VecDeque<Flow>,
    taken: u32,
}

impl Detours {
    /// The way to begin with, and those left. `tcp` is our end of TCP connections; without one nothing moves there.
    pub(super) fn of(ways: Ways<'_>, request: &Bytes, tcp: Option<SocketAddr>) -> (Flow, Option<Self>) {
        let mut flows = VecDeque::new();
        for flow in std::iter::once(ways.first).chain(ways.others.iter().copied()) {
            if let Some(local) = tcp.filter(|_| flow.transport == Transport::Udp && request.len() > LARGEST_REQUEST) {
                flows.push_back(Flow { transport: Transport::Tcp, local, ..flow });
            }
            flows.push_back(flow);
        }
        let first = flows.pop_front().unwrap_or(ways.first);
        (first, (!flows.is_empty()).then(|| Self { request: request.clone(), flows, taken: 0 }))
    }

    /// The next way, with the request and its new branch (without cookie): each way is a transaction of its own.
    pub(super) fn next(&mut self, branch: &str) -> Option<(Flow, Box<str>, Bytes)> {
        let flow = self.flows.pop_front()?;
        self.taken += 1;
        let branch = format!("{}.{}", branch.split('.').next().unwrap_or_default(), self.taken);
        let request = readdressed(&self.request, flow, Some(&branch));
        Some((flow, branch.into(), request))
    }

    /// The server has said that it cannot: no other way to the same one.
    pub(super) fn leave(&mut self, server: SocketAddr) {
        self.flows.retain(|flow| flow.remote != server);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }
}

/// Bytes beyond which a request takes a transport that regards congestion, where the path's MTU is not known (RFC 3261 §18.1.1).
const LARGEST_REQUEST: usize = 1_300;
