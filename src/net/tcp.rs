//! TCP for signalling, and for browsers' media where no UDP gets through: listeners and
//! connections, marked, with the operating system's own watch over peers that have vanished.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::dscp::Dscp;

/// Opens a listener. To be called in the runtime that will accept.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen_sip(local: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(local), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A gateway that is started anew must not wait for the last one's connections to be forgotten.
    socket.set_reuse_address(true)?;
    // What is accepted inherits the mark. A listener without it is better than none.
    let _ = Dscp::CLASS_SELECTOR_3.mark(SockRef::from(&socket), local.ip());
    socket.bind(&local.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Opens a listener for media that cannot come over UDP; it belongs to no runtime yet.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen_media(local: SocketAddr, dscp: Dscp) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(local), Type::STREAM.nonblocking().cloexec(), Some(Protocol::TCP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    let _ = dscp.mark(SockRef::from(&socket), local.ip());
    socket.bind(&local.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Opens a connection from `local`, any port, within `limit`; from wherever the system sees fit where that address is not this machine's own, as
/// behind a translator of addresses.
///
/// # Errors
/// When nobody listens there, the way is shut, or the time is up.
pub async fn connect_sip(local: IpAddr, remote: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    let _ = Dscp::CLASS_SELECTOR_3.mark(SockRef::from(&socket), remote.ip());
    if local.is_ipv4() == remote.is_ipv4()
        && let Err(error) = socket.bind(SocketAddr::new(local, 0))
        && error.kind() != io::ErrorKind::AddrNotAvailable
    {
        return Err(error);
    }
    let stream = tokio::time::timeout(limit, socket.connect(remote)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    prepare(&stream);
    Ok(stream)
}

/// What every connection of signalling has: small messages leave at once, and a peer that is gone is noticed within two minutes although
/// nothing is said. What the system refuses of it costs comfort only.
pub fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4);
    let _ = SockRef::from(stream).set_tcp_keepalive(&probes);
}

/// Connections that wait to be accepted: a second of a large wave.
const BACKLOG: i32 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_ends_of_a_connection_carry_the_mark() {
        let listener = listen_sip("127.0.0.1:0".parse().unwrap()).unwrap();
        let there = listener.local_addr().unwrap();
        let opened = connect_sip(there.ip(), there, Duration::from_secs(1)).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        for stream in [&opened, &accepted] {
            assert_eq!(SockRef::from(stream).tos_v4().unwrap(), Dscp::CLASS_SELECTOR_3.octet());
        }
        assert!(opened.nodelay().unwrap());
    }

    #[tokio::test]
    async fn where_nobody_listens_the_attempt_fails_at_once() {
        let gone = listen_sip("127.0.0.1:0".parse().unwrap()).unwrap().local_addr().unwrap();
        assert!(connect_sip(gone.ip(), gone, Duration::from_secs(5)).await.is_err());
    }
}
