//! Between SIP and calls.

pub mod config;
pub mod dialling;
pub mod gateway;
pub mod outbound;
pub mod sip;
pub mod targets;
pub mod toll;
pub mod trunks;
