//! The telephone side of a call: one transport and both pipelines.

pub mod config;
