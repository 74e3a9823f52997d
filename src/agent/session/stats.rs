//! What a connection counts.

use std::time::Duration;

use super::AdapterStats;

/// What a connection met and let pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentStats {
    /// What its adapter counted.
    pub adapter: AdapterStats,
    /// Messages beyond the bound on messages.
    pub oversized_messages: u64,
    /// Caller audio that gave way before the agent was ready.
    pub backlog_dropped: Duration,
    /// Chunks in another format than the agent's; none, unless the caller errs.
    pub misformatted_chunks: u64,
    /// Messages and events that found no room; none, unless the caller does not drain.
    pub undrained: u64,
}
