//! Documents in a database.

pub mod config;
