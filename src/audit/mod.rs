//! The audit log: durable before an answer leaves, chained by hash.
//!
//! Each entry is canonical JSON (RFC 8785) with the hash of its organisation's entry before it, one a line, appended to
//! segment files and synchronised in groups. The log of an organisation cannot be changed, reordered or thinned out
//! without [`verify()`] naming the place.
//!
//! Left out, and to be built on top: signed checkpoints and outside anchors, without which neither the removal of an
//! organisation's newest entries nor a chain recomputed by whoever owns the disk can be seen; retention; copies in a
//! database. Entries hold no name, number or word; network addresses are kept whole.

mod canonical;
pub mod config;
mod entry;
mod error;
mod log;
mod replay;
mod segment;
mod writer;

pub use entry::Hash;
pub use error::{AuditError, Breach, BreachKind};
pub use log::{AuditLog, Receipt};
pub use replay::{Head, VerifyReport, verify};

#[cfg(test)]
mod tests;
