//! Free ports, so that several gateways can run beside each other.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// A UDP address of the loopback that nobody listens on.
pub(crate) fn free_udp() -> SocketAddr {
    free(|address| UdpSocket::bind(address).is_ok())
}

/// A TCP address of the loopback that nobody listens on.
pub(crate) fn free_tcp() -> SocketAddr {
    free(|address| TcpListener::bind(address).is_ok())
}

/// The next port that is free, each once a process. They lie below those that the system gives to clients: one of these could be
/// given away between the look and the gateway's own.
fn free(is_free: impl Fn(SocketAddr) -> bool) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = (std::process::id() % u32::from(PORTS)) as u16;
    let next = || SocketAddr::from((Ipv4Addr::LOCALHOST, PORTS_FIRST + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS) % PORTS));
    (0..PORTS).map(|_| next()).find(|address| is_free(*address)).expect("the loopback has a free port")
}

/// A range of UDP ports for RTP, below the ephemeral ones, for as long as this value lives.
pub(crate) struct RtpRange {
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// TCP's port of the same number marks the range as taken, across processes.
    _mark: TcpListener,
}

impl RtpRange {
    /// Takes the first range that no other test has.
    pub(crate) fn take() -> Self {
        let take = |first| Some(Self { first, last: first + RANGE - 1, _mark: TcpListener::bind((Ipv4Addr::LOCALHOST, first)).ok()? });
        (0..RANGES).find_map(|index| take(FIRST + index * RANGE)).expect("one of the RTP ranges is free")
    }
}

const PORTS_FIRST: u16 = 10_000;
const PORTS: u16 = 2_000;

/// Room for the 20 calls a second that sipp places, each of 10 s, with 30 s of rest for the ports.
const RANGE: u16 = 2000;
const FIRST: u16 = 12_000;
const RANGES: u16 = 10;
