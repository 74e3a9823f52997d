//! The audit log: durable before an answer leaves, chained by hash.

pub mod config;
