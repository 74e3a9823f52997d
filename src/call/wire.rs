//! By which sockets a call's packets come and go: two ports of its own, or a seat at its thread's port for browsers.

use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use media::transport::{Flow, Protocol, Transmit};

use super::call::Call;
use super::mux::{Arrival, RouteName, Seat};
use super::thread::ThreadContext;
use crate::net::port_range::{PortLease, PortPair};
use crate::net::udp::{DATAGRAMS_PER_WAKE, UdpChannel};

/// What a call is wired to, before it is on its thread.
#[derive(Debug)]
pub enum CallWire {
    /// Two ports, ours until the call's task ends.
    Ports(PortPair),
    /// The thread's port for browsers.
    Browser(RouteName),
}

/// The same on the call's thread.
pub(super) enum Wire {
    /// RTP; RTCP on a port of its own is read as seldom as it comes.
    Ports { rtp: UdpChannel, _lease: PortLease },
    /// A seat.
    Seat(Seat),
}

impl CallWire {
    /// Registers the sockets with the runtime of the thread; the second is that of RTCP, where it has one.
    pub(super) fn open(self, thread: &ThreadContext) -> io::Result<(Wire, Option<UdpChannel>)> {
        match self {
            Self::Ports(PortPair { rtp, rtcp, lease }) => {
                let (rtp, rtcp) = (UdpChannel::from_std(rtp)?, UdpChannel::from_std(rtcp)?);
                Ok((Wire::Ports { rtp, _lease: lease }, Some(rtcp)))
            }
            Self::Browser(route) => {
                let mux = thread.mux.as_ref().ok_or(io::ErrorKind::AddrNotAvailable)?;
                Ok((Wire::Seat(mux.seat(route)), None))
            }
        }
    }
}

impl Wire {
    /// Ready when something has arrived.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Ports { rtp, .. } => rtp.poll_readable(context),
            Self::Seat(seat) => seat.poll_ready(context),
        }
    }

    pub(super) fn send(&self, rtcp: Option<&UdpChannel>, transmit: Transmit<'_>) {
        let Transmit { flow, bytes } = transmit;
        match self {
            // What the system does not take is lost, as on any network; the channel counts it.
            Self::Ports { rtp, .. } if flow.local == rtp.local_addr() => _ = rtp.try_send(bytes, flow.remote),
            Self::Ports { .. } => _ = rtcp.map(|rtcp| rtcp.try_send(bytes, flow.remote)),
            Self::Seat(seat) => seat.send(flow, bytes),
        }
    }

    /// Gives the call what has arrived, as much as one wake-up may take.
    pub(super) fn receive(&self, now: Instant, rtcp: Option<&UdpChannel>, call: &mut Call) {
        match self {
            Self::Ports { rtp, .. } => {
                let mut buffer = [0; MAX_DATAGRAM];
                for socket in std::iter::once(rtp).chain(rtcp) {
                    for _ in 0..DATAGRAMS_PER_WAKE {
                        let Some((length, remote)) = socket.try_recv(&mut buffer) else { break };
                        let flow = Flow { protocol: Protocol::Udp, local: socket.local_addr(), remote };
                        call.handle_datagram(now, flow, buffer.get(..length).unwrap_or_default());
                    }
                }
            }
            Self::Seat(seat) => {
                for _ in 0..DATAGRAMS_PER_WAKE {
                    let Some(arrival) = seat.try_next() else { break };
                    receive_from(seat, now, call, arrival);
                }
            }
        }
    }
}

fn receive_from(seat: &Seat, now: Instant, call: &mut Call, arrival: Arrival) {
    match arrival {
        Arrival::Datagram { flow, octets, known } => {
            call.handle_datagram(now, flow, &octets);
            // A request has just proved the address that it came from.
            if !known && call.admits(flow) {
                seat.learn(flow, |flow| call.admits(flow));
            }
            seat.recycle(octets);
        }
        Arrival::Closed(flow) => call.handle_closed(now, flow),
    }
}

/// Larger than any RTP packet of a telephone codec: longer datagrams are cut and then refused by the transport.
const MAX_DATAGRAM: usize = 1_500;
