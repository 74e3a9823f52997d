//! A descriptor whose readability, and nothing else, the runtime watches.
//!
//! The runtime's own sockets are watched for writing too. Each datagram that the network card or the loopback has
//! taken then wakes the thread once more, for nothing: on a media thread as often as audio is sent.

use std::future::poll_fn;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, OwnedFd};
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor registered for reading with the runtime of the task that made it. It cannot be taken out or exchanged.
/// One task waits for it at a time: the last that asked is woken.
#[derive(Debug)]
pub struct Readable<T: OwnsDescriptor>(AsyncFd<T>);

impl<T: OwnsDescriptor> Readable<T> {
    /// Registers `inner`, which must not block.
    ///
    /// # Errors
    /// When the runtime takes no more descriptors.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(inner: T) -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "deprecated because a type might change or close its descriptor; `OwnsDescriptor` is only the two that \
                      cannot, and nothing here gives out the inner value mutably. The successor is an unsafe function"
        )]
        AsyncFd::with_interest(inner, Interest::READABLE).map(Self)
    }

    /// Waits until there is something to read, or until it was read last since [`Self::try_read`] came up empty.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn ready(&self) -> io::Result<()> {
        poll_fn(|context| self.poll_ready(context)).await
    }

    /// Ready when [`Self::ready`] would be.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Not `readable()`: that hangs itself into a list under a lock, and out of it again, at every look.
        self.0.poll_read_ready(context).map_ok(|mut ready| ready.retain_ready())
    }

    /// Waits for the next time that something arrives, and forgets it: for descriptors that announce each time anew.
    ///
    /// # Errors
    /// When the runtime is shutting down.
    pub async fn announced(&self) -> io::Result<()> {
        poll_fn(|context| self.0.poll_read_ready(context).map_ok(|mut ready| ready.clear_ready())).await
    }

    /// Reads, unless it is known that nothing is there. `WouldBlock` from `read` makes [`Self::ready`] wait again.
    ///
    /// # Errors
    /// What `read` says, or `WouldBlock`.
    pub fn try_read<R>(&self, read: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.0.try_io(Interest::READABLE, read)
    }

    /// The descriptor, for what needs no waiting.
    #[must_use]
    pub fn get(&self) -> &T {
        self.0.get_ref()
    }
}

/// Types that own one descriptor from beginning to end and name it always the same.
pub trait OwnsDescriptor: AsRawFd + sealed::Sealed {}

impl OwnsDescriptor for UdpSocket {}
impl OwnsDescriptor for OwnedFd {}

mod sealed {
    /// Keeps the list of types in this file.
    pub trait Sealed {}

    impl Sealed for std::net::UdpSocket {}
    impl Sealed for std::os::fd::OwnedFd {}
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    /// Tasks of the runtime that are polled by readiness are the only ones here, so a wake-up would show as a poll.
    #[tokio::test]
    async fn sending_does_not_wake_who_waits_for_reading() {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect(peer.local_addr().unwrap()).unwrap();
        let socket = Readable::new(socket).unwrap();
        for _ in 0..10 {
            socket.get().send(b"x").unwrap();
            peer.recv(&mut [0; 1]).unwrap();
        }
        assert!(tokio::time::timeout(Duration::from_millis(20), socket.ready()).await.is_err());
        peer.send_to(b"y", socket.get().local_addr().unwrap()).unwrap();
        socket.ready().await.unwrap();
        assert_eq!(socket.try_read(|socket| socket.recv(&mut [0; 1])).unwrap(), 1);
    }
}
