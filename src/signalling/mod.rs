//! Between SIP, or WHIP, and calls.

pub mod config;
pub mod dialling;
pub mod gateway;
pub mod ladder;
pub mod locate;
pub mod outbound;
pub mod sip;
pub mod start;
pub mod stir;
pub mod switchboard;
pub mod targets;
pub mod toll;
pub mod transport;
pub mod trunks;
pub mod verbs;
pub mod whip;
