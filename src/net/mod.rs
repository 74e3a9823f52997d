//! Sockets and ports, no protocol.
