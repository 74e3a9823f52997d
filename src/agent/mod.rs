//! The agent side: one event model, one adapter a provider, one socket client.

pub mod config;
pub mod model;
