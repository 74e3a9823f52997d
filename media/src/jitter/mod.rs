//! What an RTP stream suffers on its way, put right without a playout delay toward an agent.
//!
//! [`reorder`] puts packets in order and waits only where one is missing, as long as [`gap_wait`] has learned;
//! [`timeline`] gives each packet its place on the agent's timeline and says what silence is due; [`interarrival`]
//! measures the network's unrest (RFC 3550 §6.4.1).
//! Left out on purpose: an adaptive playout buffer, which stands in `playout`. A model needs order, not pacing.

pub(crate) mod gap_wait;
pub(crate) mod interarrival;
pub(crate) mod reorder;
pub(crate) mod timeline;
