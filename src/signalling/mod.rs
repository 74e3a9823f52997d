//! Between SIP and calls.

pub mod config;
pub mod gateway;
pub mod outbound;
pub mod sip;
