//! Between SIP and calls.

pub mod config;
pub mod gateway;
pub mod locate;
pub mod outbound;
pub mod sip;
pub mod start;
pub mod transport;
