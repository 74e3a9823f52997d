//! Free ports, so that several gateways can run beside each other.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// A UDP address of the loopback that nobody listens on.
pub(crate) fn free_udp() -> SocketAddr {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr()).expect("the loopback has a free UDP port")
}

/// A TCP address of the loopback that nobody listens on.
pub(crate) fn free_tcp() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("the loopback has a free TCP port")
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

/// Room for the 20 calls a second that sipp places, each of 10 s, with 30 s of rest for the ports.
const RANGE: u16 = 2000;
const FIRST: u16 = 12_000;
const RANGES: u16 = 10;
