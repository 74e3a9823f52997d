//! The shell around the SIP endpoint: one socket, the queues to and from calls, and the clock.
//!
//! It receives, feeds, drains and waits, on a control thread. What a request means for a call is decided in
//! [`super::gateway`], what it means for a dialog in the `sip` crate.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, Output};
use sip::transport::Flow;
use tokio::sync::{mpsc, watch};

use super::gateway::Gateway;
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
}

impl SipShell {
    /// Speaks SIP until `stop` says otherwise.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        loop {
            let due = self.drain(Instant::now());
            let wait = due.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                () = self.socket.readable() => self.receive(&mut buffer),
                () = tokio::time::sleep_until(wait.into()) => self.endpoint.handle_timeout(Instant::now()),
                Some((key, command)) = self.commands.recv() => self.gateway.command(Instant::now(), &mut self.endpoint, key, command),
                Some(request) = self.outbound.recv() => self.gateway.dial(Instant::now(), &mut self.endpoint, request),
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
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
