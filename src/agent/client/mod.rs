//! The socket to an agent: from a configured URL to an open WebSocket, and messages over it.
//!
//! A connection is made in two halves ([`establish`] on a control thread, [`Established::upgrade`] on the media thread)
//! so that name look-ups and the arithmetic of a TLS handshake never hold up audio. Where a protocol wants an agent to be asked for
//! over HTTP first, that belongs to the first half. Left out on purpose: redirects,
//! compression (RFC 7692), and dialling again.

mod arrange;
mod connect;
mod endpoint;
mod error;
mod proxy;
mod queue;
mod socket;
mod tls;

pub use connect::{Established, establish, establish_invited};
pub use endpoint::AgentEndpoint;
pub use error::{ConnectError, EndpointError, SendError, Stage};
pub use socket::{AgentSocket, Incoming};
