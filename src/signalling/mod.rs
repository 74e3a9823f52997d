//! Between SIP and calls.

pub mod config;
