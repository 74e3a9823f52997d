//! The shell around the SIP endpoint: one socket, the queues to and from calls, and the clock.
//!
//! It receives, feeds, drains and waits, on a control thread. What a request means for a call is decided in
//! [`super::gateway`], what it means for a dialog in the `sip` crate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, Output};
use sip::transport::Flow;
use tokio::sync::{mpsc, watch};

use super::gateway::Gateway;
use super::targets::Found;
use super::trunks::Directory;
use crate::call::event::{SignallingCommand, SignallingKey};
use crate::call::registry::OutboundRequest;
use crate::net::udp::{DATAGRAMS_PER_WAKE, UdpChannel};

/// The SIP side of the gateway.
pub struct SipShell {
    /// Its socket.
    pub socket: UdpChannel,
    /// What peers are told of it: where it is bound, or the address they reach it under.
    pub address: SocketAddr,
    /// Its protocol.
    pub endpoint: Endpoint,
    /// Its calls.
    pub gateway: Gateway,
    /// What calls want said.
    pub commands: mpsc::Receiver<(SignallingKey, SignallingCommand)>,
    /// Calls that the API wants made.
    pub outbound: mpsc::Receiver<OutboundRequest>,
    /// Trunks, numbers and tenants: another one takes effect at once.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Where targets of trunks were found.
    pub targets: mpsc::Receiver<Found>,
}

impl SipShell {
    /// Speaks SIP until `stop` says otherwise.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        self.take_directory(Instant::now());
        loop {
            let due = self.drain(Instant::now());
            let due = [due, self.gateway.poll_timeout(Instant::now())].into_iter().flatten().min();
            let wait = due.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                () = self.socket.readable() => self.receive(&mut buffer),
                () = tokio::time::sleep_until(wait.into()) => self.handle_timeout(Instant::now()),
                Some((trunk, addresses)) = self.targets.recv() => self.gateway.set_addresses(Instant::now(), &trunk, &addresses),
                Ok(()) = self.directory.changed() => self.take_directory(Instant::now()),
                Some((key, command)) = self.commands.recv() => self.gateway.command(Instant::now(), &mut self.endpoint, key, command),
                Some(request) = self.outbound.recv() => self.gateway.dial(Instant::now(), &mut self.endpoint, request),
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.gateway.handle_timeout(now, &mut self.endpoint);
    }

    fn take_directory(&mut self, now: Instant) {
        let directory = Arc::clone(&self.directory.borrow_and_update());
        self.gateway.replace_directory(now, &mut self.endpoint, directory);
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        for _ in 0..DATAGRAMS_PER_WAKE {
            let Some((length, remote)) = self.socket.try_recv(buffer) else { return };
            let datagram = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
            self.endpoint.handle_message(Instant::now(), Flow::udp(self.address, remote), datagram);
            self.drain(Instant::now());
        }
    }

    fn drain(&mut self, now: Instant) -> Option<Instant> {
        loop {
            match self.endpoint.poll_output() {
                // What the system does not take is retransmitted or lost, as on any network.
                Output::Transmit(transmit) => drop(self.socket.try_send(&transmit.bytes, transmit.flow.remote)),
                Output::Event(event) => self.gateway.event(now, &mut self.endpoint, event),
                Output::Timeout(due) => return due,
            }
        }
    }
}

/// The longest wait when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// The largest UDP datagram.
const MAX_DATAGRAM: usize = 65_535;
