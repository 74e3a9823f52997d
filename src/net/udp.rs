//! A UDP socket in a runtime: datagrams in, datagrams out, and nothing that can end it.
//!
//! Only readability is watched. A UDP socket is as good as always writable, and watching for it would wake the
//! thread once more for each packet that leaves: sending goes straight to the system, and what it refuses is counted.
//!
//! A sender's network may answer with ICMP errors, which Linux hands to the next call on the socket. They say
//! something about an earlier packet and nothing about this socket, so they are counted and stepped over.
//!
//! Left out: several datagrams a system call (`recvmmsg`). It would spare the call that finds the queue empty, and was
//! tried: with one datagram waiting, as on a voice stream, it took 1.18 µs where two plain calls take 1.06 µs.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::dscp::Dscp;
use super::readiness::Readable;

/// Datagrams that a driver takes at one wake-up before it lets others run: one flooded socket must not starve the rest
/// of its thread.
pub const DATAGRAMS_PER_WAKE: usize = 32;

/// One socket, registered with the runtime in which it was made.
#[derive(Debug)]
pub struct UdpChannel {
    socket: Readable<UdpSocket>,
    local: SocketAddr,
    unsent: AtomicU64,
    errors: AtomicU64,
}

impl UdpChannel {
    /// Registers a bound socket with the runtime of the calling task.
    ///
    /// # Errors
    /// When the socket has no local address, or the runtime takes no more.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn from_std(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let socket = Readable::new(socket)?;
        Ok(Self { socket, local, unsent: AtomicU64::new(0), errors: AtomicU64::new(0) })
    }

    /// Waits until [`Self::try_recv`] may find something. Cancel-safe.
    pub async fn readable(&self) {
        poll_fn(|context| self.poll_readable(context)).await;
    }

    /// Ready when [`Self::try_recv`] may find something.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self.socket.poll_ready(context) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            // An error: the runtime is shutting down, nothing will arrive, and the task is about to be dropped.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }

    /// Takes the next datagram, cut to the size of `buffer`; `None` when there is none.
    ///
    /// To be called until it says `None`, at most [`DATAGRAMS_PER_WAKE`] times in a row; only then does
    /// [`Self::readable`] wait again.
    pub fn try_recv(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        for _ in 0..DATAGRAMS_PER_WAKE {
            match self.socket.try_read(|socket| socket.recv_from(buffer)) {
                Ok(datagram) => return Some(datagram),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(_) => self.errors.fetch_add(1, Ordering::Relaxed),
            };
        }
        None
    }

    /// Waits for the next datagram, cut to the size of `buffer`. Cancel-safe.
    pub async fn recv(&self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        loop {
            if let Some(datagram) = self.try_recv(buffer) {
                return datagram;
            }
            self.readable().await;
        }
    }

    /// Sends one datagram now or never; `false` when it was not sent, which is counted.
    pub fn try_send(&self, datagram: &[u8], to: SocketAddr) -> bool {
        // The first error may be an ICMP answer to an earlier datagram; the second try then speaks for this one.
        let sent = (0..2).any(|_| match self.socket.get().send_to(datagram, to) {
            Ok(_) => true,
            Err(_) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
                false
            }
        });
        if !sent {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// Where the socket is bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// What did not work so far.
    #[must_use]
    pub fn stats(&self) -> UdpStats {
        UdpStats { unsent: self.unsent.load(Ordering::Relaxed), errors: self.errors.load(Ordering::Relaxed) }
    }
}

/// What did not work on a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpStats {
    /// Datagrams that were not sent: the send buffer was full, or there is no way to the address.
    pub unsent: u64,
    /// Errors that the system reported, ICMP answers among them.
    pub errors: u64,
}

/// Opens the socket for SIP: marked CS3, with a receive buffer that holds a second of a busy trunk's requests.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind_sip(local: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Beyond the system's bound where the process may; otherwise as much as it gives.
    if set_socket_recv_buffer_size_force(&socket, SIP_RECEIVE_BUFFER).is_err() {
        socket.set_recv_buffer_size(SIP_RECEIVE_BUFFER)?;
    }
    // A SIP socket without the mark is better than none.
    let _ = Dscp::CLASS_SELECTOR_3.mark(SockRef::from(&socket), local.ip());
    socket.bind(&local.into())?;
    Ok(socket.into())
}

/// Opens a socket at which the media of many calls arrives, marked as media is.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bind_media(local: SocketAddr, dscp: Dscp) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if set_socket_recv_buffer_size_force(&socket, MEDIA_BUFFER).is_err() {
        socket.set_recv_buffer_size(MEDIA_BUFFER)?;
    }
    socket.set_send_buffer_size(MEDIA_BUFFER)?;
    let _ = dscp.mark(SockRef::from(&socket), local.ip());
    socket.bind(&local.into())?;
    Ok(socket.into())
}

/// Half a second of 200 browsers.
const MEDIA_BUFFER: usize = 2 << 20;
const SIP_RECEIVE_BUFFER: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> UdpChannel {
        UdpChannel::from_std(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_datagram_arrives_with_its_source() {
        let (a, b) = (channel(), channel());
        assert!(a.try_send(b"hello", b.local_addr()));
        let mut buffer = [0; 16];
        let (len, from) = b.recv(&mut buffer).await;
        assert_eq!((&buffer[..len], from), (&b"hello"[..], a.local_addr()));
        assert_eq!(b.try_recv(&mut buffer), None);
    }

    #[tokio::test]
    async fn the_first_datagram_leaves_before_the_runtime_has_seen_the_socket() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(channel().try_send(b"x", receiver.local_addr().unwrap()));
        assert_eq!(receiver.recv(&mut [0; 4]).unwrap(), 1);
    }

    #[tokio::test]
    async fn readable_waits_again_once_the_queue_is_empty() {
        let (a, b) = (channel(), channel());
        let mut buffer = [0; 16];
        for _ in 0..3 {
            a.try_send(b"x", b.local_addr());
        }
        b.readable().await;
        assert_eq!(std::iter::from_fn(|| b.try_recv(&mut buffer)).count(), 3);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), b.readable()).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_ends_nothing() {
        let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (a, b) = (channel(), channel());
        for _ in 0..10 {
            assert!(a.try_send(b"lost", gone));
        }
        assert!(a.try_send(b"found", b.local_addr()));
        assert_eq!(b.recv(&mut [0; 16]).await.0, 5);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_counted() {
        let channel = channel();
        assert!(!channel.try_send(&[0; 70_000], channel.local_addr()));
        assert_eq!(channel.stats().unsent, 1);
    }

    #[test]
    fn the_sip_socket_has_a_large_buffer_and_its_mark() {
        let socket = bind_sip("127.0.0.1:0".parse().unwrap()).unwrap();
        let socket = SockRef::from(&socket);
        assert_eq!(socket.tos_v4().unwrap(), Dscp::CLASS_SELECTOR_3.octet());
        assert!(socket.recv_buffer_size().unwrap() >= 200_000);
    }
}
