//! Sockets and ports, no protocol.
//!
//! What stands here opens, marks and bounds; what the bytes mean is the business of `media` and `sip`.

pub mod dns;
pub mod dscp;
pub mod https;
pub mod limits;
pub mod port_range;
pub mod readiness;
pub mod tcp;
pub mod tls;
pub mod udp;
