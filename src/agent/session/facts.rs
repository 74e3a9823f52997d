//! What a connection knows of its call.

use std::time::{Duration, Instant};

use crate::domain::call_record::Direction;
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;

/// What a connection is told of its call.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// A moment,
    pub now: Instant,
    /// and what the time of day was then, since 1970: providers name the end of a session by the clock on the wall.
    pub unix_time: Duration,
    /// The call.
    pub call: CallId,
    /// Who called whom.
    pub direction: Direction,
    /// The caller's number or address; an agent is told only where its configuration says so.
    pub from: Redacted<String>,
    /// That of the called; as before.
    pub to: Redacted<String>,
}
