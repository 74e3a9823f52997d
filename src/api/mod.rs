//! The REST control plane.

pub mod config;
