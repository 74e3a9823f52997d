//! RTP and RTCP ports, in pairs from a configured range (RFC 3550 §11: RTP even, RTCP the odd one above).
//!
//! A pair that a call gives back rests before the next call gets it. Late audio of the old caller, still on its way,
//! must not reach the new one: on a voice line that is a breach of privacy and not a glitch. Pairs are handed out
//! first in, first out from a random start, so that a port rests as long as the range allows, and longer than it must.
//!
//! Left out: pairs for WebRTC, which shares one port between its calls, and RTP and RTCP on one port (RFC 5761), for
//! which the pair is still taken whole: whether the far end multiplexes is known only after the offer has named a port.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::dscp::Dscp;

/// Where the pairs come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRangeConfig {
    /// The address that the sockets bind. Default: 127.0.0.1.
    pub address: IpAddr,
    /// The lowest port; an odd one counts from the next. Default: 16384.
    pub min: u16,
    /// The highest port, which may be taken too. Default: 32767.
    pub max: u16,
    /// How long a pair rests after a call. Default and recommended minimum: 30 s.
    pub quarantine: Duration,
    /// The mark on what is sent. Default: Expedited Forwarding.
    pub dscp: Dscp,
}

impl PortRangeConfig {
    /// Whole pairs in the range.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.rtp_ports().count()
    }

    /// Pairs that a steady load takes: each is held for the call and for the rest after it.
    #[must_use]
    pub fn pairs_needed(&self, calls_per_second: u32, call_length: Duration) -> usize {
        let held = (call_length + self.quarantine).as_secs_f64();
        // A float to integer cast saturates, and a load is far below the mantissa.
        (f64::from(calls_per_second) * held).ceil() as usize
    }

    fn rtp_ports(&self) -> impl Iterator<Item = u16> + use<> {
        let first = u32::from(self.min).next_multiple_of(2);
        let end = u32::from(self.max);
        (first..end).step_by(2).filter_map(|port| u16::try_from(port).ok())
    }
}

impl Default for PortRangeConfig {
    fn default() -> Self {
        Self {
            address: IpAddr::from([127, 0, 0, 1]),
            min: 16_384,
            max: 32_767,
            quarantine: Duration::from_secs(30),
            dscp: Dscp::EXPEDITED_FORWARDING,
        }
    }
}

/// The pairs of one address; clones share them.
#[derive(Clone, Debug)]
pub struct PortRange {
    shared: Arc<Shared>,
}

impl PortRange {
    /// All pairs of the range, none bound yet.
    ///
    /// # Errors
    /// [`PortError::Empty`] when the range holds no whole pair.
    pub fn new(config: PortRangeConfig) -> Result<Self, PortError> {
        let mut free: VecDeque<u16> = config.rtp_ports().collect();
        if free.is_empty() {
            return Err(PortError::Empty { min: config.min, max: config.max });
        }
        // Which ports a gateway uses next should not follow from when it was started. Without randomness it still works.
        let start = getrandom::u32().unwrap_or_default() as usize % free.len();
        free.rotate_left(start);
        let resting = VecDeque::with_capacity(free.len());
        Ok(Self { shared: Arc::new(Shared { config, pairs: Mutex::new(Pairs { free, resting, leased: 0 }) }) })
    }

    /// Binds the pair that has rested longest. One that somebody else on the machine holds goes to the end of the line.
    ///
    /// Takes the same time however large the range is: each pair that ends its rest is moved once.
    ///
    /// # Errors
    /// [`PortError::Exhausted`] when every pair is in a call or rests, [`PortError::Occupied`] when others hold many
    /// of them, [`PortError::Bind`] when the system refuses the sockets as such.
    pub fn allocate(&self, now: Instant) -> Result<PortPair, PortError> {
        // Once down the line at most; at least once, which finds out that nobody stands in it.
        let attempts = self.shared.pairs().end_rests(now).clamp(1, MAX_ATTEMPTS);
        for _ in 0..attempts {
            let port = self.shared.pairs().take()?;
            match bind_pair(&self.shared.config, port) {
                Ok((rtp, rtcp)) => {
                    let lease = PortLease { port, shared: Arc::clone(&self.shared), released: false };
                    return Ok(PortPair { rtp, rtcp, lease });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => self.shared.pairs().untake_last(port),
                Err(source) => {
                    self.shared.pairs().untake_first(port);
                    return Err(PortError::Bind { port, source });
                }
            }
        }
        Err(PortError::Occupied { attempts })
    }

    /// Pairs that the next calls can have. One whose rest has just ended counts from the next [`Self::allocate`] on.
    #[must_use]
    pub fn available(&self) -> usize {
        self.shared.pairs().free.len()
    }

    /// Pairs in calls.
    #[must_use]
    pub fn leased(&self) -> usize {
        self.shared.pairs().leased
    }

    /// Pairs that rest.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.shared.pairs().resting.len()
    }
}

/// Two bound sockets, marked EF, not blocking, and the claim on their ports.
#[derive(Debug)]
pub struct PortPair {
    /// The even port.
    pub rtp: UdpSocket,
    /// The odd port above it.
    pub rtcp: UdpSocket,
    /// To be kept as long as the sockets, and dropped after them.
    pub lease: PortLease,
}

impl PortPair {
    /// The RTP port, as a session description names it.
    #[must_use]
    pub fn rtp_port(&self) -> u16 {
        self.lease.rtp_port()
    }
}

/// The claim on one pair of ports. Dropped, it sends the pair to rest.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    shared: Arc<Shared>,
    released: bool,
}

impl PortLease {
    /// Sends the pair to rest from `now` on, where time does not come from the clock.
    pub fn release(mut self, now: Instant) {
        self.rest(now);
    }

    /// The RTP port.
    #[must_use]
    pub fn rtp_port(&self) -> u16 {
        self.port
    }

    fn rest(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.released, true) {
            let until = now + self.shared.config.quarantine;
            self.shared.pairs().rest(self.port, until);
        }
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.rest(Instant::now());
    }
}

/// Why a call gets no ports.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The range holds no even port with an odd one above it.
    #[error("no pair of ports between {min} and {max}")]
    Empty {
        /// Lowest port of the range.
        min: u16,
        /// Highest port of the range.
        max: u16,
    },
    /// No pair is left for now: the caller is told to try again later (503), the operator to widen the range.
    #[error("no free pair of ports: {leased} are in calls, {quarantined} rest")]
    Exhausted {
        /// Pairs in calls.
        leased: usize,
        /// Pairs that rest.
        quarantined: usize,
    },
    /// Pair after pair is held by somebody else on the machine.
    #[error("{attempts} pairs of ports in a row are held by others on this machine")]
    Occupied {
        /// Pairs tried.
        attempts: usize,
    },
    /// The system refuses: too many open files, or an address that is not ours.
    #[error("port {port} cannot be bound")]
    Bind {
        /// The RTP port tried.
        port: u16,
        /// The system's reason.
        source: io::Error,
    },
}

#[derive(Debug)]
struct Shared {
    config: PortRangeConfig,
    pairs: Mutex<Pairs>,
}

impl Shared {
    fn pairs(&self) -> MutexGuard<'_, Pairs> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every pair stands in exactly one of the three places, named by its RTP port.
#[derive(Debug)]
struct Pairs {
    /// Next one first.
    free: VecDeque<u16>,
    /// With the end of the rest; the one that ends first stands first, since all rest equally long.
    resting: VecDeque<(Instant, u16)>,
    leased: usize,
}

impl Pairs {
    /// Moves the pairs that have rested to the end of the line; its length.
    fn end_rests(&mut self, now: Instant) -> usize {
        while let Some((_, port)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            self.free.push_back(port);
        }
        self.free.len()
    }

    fn take(&mut self) -> Result<u16, PortError> {
        let exhausted = PortError::Exhausted { leased: self.leased, quarantined: self.resting.len() };
        let port = self.free.pop_front().ok_or(exhausted)?;
        self.leased += 1;
        Ok(port)
    }

    fn untake_first(&mut self, port: u16) {
        self.leased -= 1;
        self.free.push_front(port);
    }

    fn untake_last(&mut self, port: u16) {
        self.leased -= 1;
        self.free.push_back(port);
    }

    fn rest(&mut self, port: u16, until: Instant) {
        self.leased -= 1;
        self.resting.push_back((until, port));
    }
}

fn bind_pair(config: &PortRangeConfig, port: u16) -> io::Result<(UdpSocket, UdpSocket)> {
    let rtp = bind(SocketAddr::new(config.address, port), RTP_BUFFER, config.dscp)?;
    let rtcp = bind(SocketAddr::new(config.address, port + 1), RTCP_BUFFER, config.dscp)?;
    Ok((rtp, rtcp))
}

fn bind(local: SocketAddr, buffer: usize, dscp: Dscp) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if local.is_ipv6() {
        // Otherwise IPv4 sources arrive as mapped addresses and match no address of a session description.
        socket.set_only_v6(true)?;
    }
    socket.set_recv_buffer_size(buffer)?;
    socket.set_send_buffer_size(buffer)?;
    // Routers that ignore the mark are common, so a system that refuses it must not cost the call.
    let _ = dscp.mark(SockRef::from(&socket), local.ip());
    socket.bind(&local.into())?;
    Ok(socket.into())
}

/// Foreign pairs that one call may step over: some others on the machine cost nothing, a range that is not ours is an error.
const MAX_ATTEMPTS: usize = 64;
/// Bytes asked for; Linux doubles them. Holds more than two seconds of 20 ms packets, and bounds what a flood can pin.
const RTP_BUFFER: usize = 64 << 10;
/// Reports come every few seconds.
const RTCP_BUFFER: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Each test has ports of its own, since tests run side by side, and none that the system hands out.
    fn range(min: u16, max: u16) -> PortRange {
        PortRange::new(PortRangeConfig { min, max, ..PortRangeConfig::default() }).unwrap()
    }

    #[test]
    fn a_pair_is_an_even_port_and_the_odd_one_above() {
        let pair = range(9_001, 9_010).allocate(Instant::now()).unwrap();
        let (rtp, rtcp) = (pair.rtp.local_addr().unwrap().port(), pair.rtcp.local_addr().unwrap().port());
        assert_eq!((rtp % 2, rtcp), (0, rtp + 1));
        assert_eq!(pair.rtp_port(), rtp);
    }

    #[test]
    fn both_ports_of_a_pair_carry_the_configured_code_point() {
        let dscp = Dscp::new(34).unwrap();
        let ports = PortRange::new(PortRangeConfig { min: 9_050, max: 9_059, dscp, ..PortRangeConfig::default() }).unwrap();
        let pair = ports.allocate(Instant::now()).unwrap();
        for socket in [&pair.rtp, &pair.rtcp] {
            assert_eq!(SockRef::from(socket).tos_v4().unwrap(), dscp.octet());
        }
    }

    #[test]
    fn ten_thousand_calls_leak_no_port() {
        let ports = range(9_100, 9_139);
        let mut now = Instant::now();
        for _ in 0..10_000 {
            let pairs: Vec<PortPair> = (0..2).map(|_| ports.allocate(now).unwrap()).collect();
            assert_eq!(ports.leased(), 2);
            for pair in pairs {
                pair.lease.release(now);
            }
            now += Duration::from_secs(4);
        }
        assert_eq!((ports.leased(), ports.available() + ports.quarantined()), (0, 20));
    }

    #[test]
    fn a_dropped_lease_sends_the_pair_to_rest() {
        let ports = range(9_200, 9_201);
        drop(ports.allocate(Instant::now()).unwrap());
        assert_eq!((ports.available(), ports.leased(), ports.quarantined()), (0, 0, 1));
    }

    #[test]
    fn a_pair_rests_thirty_seconds_before_the_next_call_has_it() {
        let ports = range(9_300, 9_301);
        let start = Instant::now();
        ports.allocate(start).unwrap().lease.release(start);
        let early = ports.allocate(start + Duration::from_millis(29_999));
        assert!(matches!(early, Err(PortError::Exhausted { leased: 0, quarantined: 1 })));
        ports.allocate(start + Duration::from_secs(30)).unwrap();
    }

    #[test]
    fn the_pair_that_rested_longest_is_next() {
        let ports = range(9_400, 9_407);
        let start = Instant::now();
        let order = |now| {
            let pairs: Vec<PortPair> = (0..4).map(|_| ports.allocate(now).unwrap()).collect();
            let taken: Vec<u16> = pairs.iter().map(PortPair::rtp_port).collect();
            for pair in pairs {
                pair.lease.release(now);
            }
            taken
        };
        assert_eq!(order(start), order(start + Duration::from_secs(31)));
    }

    #[test]
    fn a_full_range_says_so_and_recovers() {
        let ports = range(9_500, 9_503);
        let now = Instant::now();
        let (_kept, PortPair { lease, .. }) = (ports.allocate(now).unwrap(), ports.allocate(now).unwrap());
        assert!(matches!(ports.allocate(now), Err(PortError::Exhausted { leased: 2, quarantined: 0 })));
        lease.release(now);
        ports.allocate(now + Duration::from_secs(30)).unwrap();
    }

    #[test]
    fn a_port_held_by_somebody_else_is_stepped_over_and_tried_again() {
        let ports = range(9_600, 9_603);
        let foreign = UdpSocket::bind("127.0.0.1:9600").unwrap();
        let now = Instant::now();
        let ours = ports.allocate(now).unwrap();
        assert_eq!(ours.rtp_port(), 9_602);
        assert!(matches!(ports.allocate(now), Err(PortError::Occupied { attempts: 1 })));
        assert_eq!((ports.available(), ports.leased()), (1, 1));
        drop(foreign);
        assert_eq!(ports.allocate(now).unwrap().rtp_port(), 9_600);
    }

    #[test]
    fn an_address_that_is_not_ours_is_an_error_of_its_own() {
        let config = PortRangeConfig { address: IpAddr::from([192, 0, 2, 1]), min: 9_700, max: 9_703, ..PortRangeConfig::default() };
        let ports = PortRange::new(config).unwrap();
        assert!(matches!(ports.allocate(Instant::now()), Err(PortError::Bind { .. })));
        assert_eq!((ports.available(), ports.leased()), (2, 0));
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        for (min, max) in [(9_801, 9_801), (9_800, 9_800), (9_803, 9_802), (65_535, 65_535)] {
            let config = PortRangeConfig { min, max, ..PortRangeConfig::default() };
            assert!(matches!(PortRange::new(config), Err(PortError::Empty { .. })), "{min}-{max}");
        }
        assert_eq!(PortRangeConfig { min: 65_530, max: 65_535, ..PortRangeConfig::default() }.pairs(), 3);
    }

    #[test]
    fn twenty_calls_a_second_of_three_minutes_need_4200_pairs() {
        assert_eq!(PortRangeConfig::default().pairs_needed(20, Duration::from_secs(180)), 4_200);
        assert_eq!(PortRangeConfig::default().pairs(), 8_192);
    }
}
