//! Why an entry was not taken, or a log is not what it was.

use std::fmt;
use std::sync::Arc;

use crate::domain::ids::OrgId;

/// Why the log did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuditError {
    /// Too many entries are waiting for the disk; this one was not taken.
    #[error("too many audit entries are waiting")]
    Busy,
    /// The disk did not take the entry; the next one tries again.
    #[error("the audit log cannot be written")]
    Unavailable(#[source] Arc<std::io::Error>),
    /// The log is closed.
    #[error("the audit log is closed")]
    Closed,
    /// The directory cannot be used.
    #[error("the audit directory cannot be used")]
    Directory(#[source] Arc<std::io::Error>),
    /// Another process has the log open.
    #[error("another process uses the audit directory")]
    Locked,
    /// The log was changed after it was written. It is not written to any further: move the directory away, keep it as
    /// evidence, and begin a new one.
    #[error("the audit log is broken: {0}")]
    Broken(Breach),
}

/// Where a log stops being what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Name of the segment file.
    pub segment: String,
    /// Line in it, counted from 1.
    pub line: u64,
    /// Bytes before that line.
    pub offset: u64,
    /// Whose entry it is, where that can be read.
    pub org: Option<OrgId>,
    /// What is wrong.
    pub kind: BreachKind,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreachKind {
    /// The line is not one that the log writes.
    Malformed,
    /// The entry does not have the hash beside it.
    WrongHash,
    /// The entry does not follow the one before it in its organisation.
    WrongSequence {
        /// The number that should stand here.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// The entry names another predecessor than the one that stands there.
    WrongPredecessor,
    /// A line without an end, with more behind it.
    Unfinished,
    /// The segment before this one is gone.
    MissingSegment,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, line, offset, org, kind } = self;
        write!(f, "{segment}, line {line} (byte {offset}): ")?;
        match kind {
            BreachKind::Malformed => write!(f, "not an entry")?,
            BreachKind::WrongHash => write!(f, "the entry does not have its hash")?,
            BreachKind::WrongSequence { expected, found } => write!(f, "entry {found} stands where {expected} should")?,
            BreachKind::WrongPredecessor => write!(f, "the entry follows another one than stands before it")?,
            BreachKind::Unfinished => write!(f, "the line has no end")?,
            BreachKind::MissingSegment => write!(f, "the segment before it is missing")?,
        }
        org.as_ref().map_or(Ok(()), |org| write!(f, " ({org})"))
    }
}
