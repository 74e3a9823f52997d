//! How agents fare in all calls: whether it is worth dialling one.
//!
//! An agent that fails again and again, in whichever calls, is dialled no more for a while; then by one call, on trial. Calls go on
//! to the next of their agents without waiting for it.

use std::time::{Duration, Instant};

use crate::supervision::{BreakerPolicy, BreakerState, Breakers};
use crate::telemetry::metrics::Metrics;

/// The circuit breakers before agents; clones share them.
#[derive(Clone, Debug)]
pub struct AgentHealth {
    breakers: Breakers,
    metrics: Metrics,
}

impl AgentHealth {
    /// Breakers of agents in the table of all breakers.
    #[must_use]
    pub fn new(breakers: &Breakers, metrics: Metrics) -> Self {
        Self { breakers: breakers.with_policy(POLICY), metrics }
    }

    /// Whether an agent may be dialled.
    #[must_use]
    pub fn allows(&self, agent: &str, now: Instant) -> bool {
        self.breakers.allows(&breaker(agent), now)
    }

    /// Whether there is nothing against an agent.
    #[must_use]
    pub fn is_well(&self, agent: &str, now: Instant) -> bool {
        self.breakers.state(&breaker(agent), now) == BreakerState::Closed
    }

    /// An agent was heard in a call, or failed it.
    pub fn fared(&self, agent: &str, well: bool, now: Instant) {
        let name = breaker(agent);
        self.breakers.report(&name, well, now);
        self.metrics.agent_fared(agent, well, self.breakers.state(&name, now) == BreakerState::Closed);
    }
}

fn breaker(agent: &str) -> String {
    format!("agent:{agent}")
}

/// A service that is started anew is back in a second or two, and calls wait for it.
const POLICY: BreakerPolicy = BreakerPolicy { threshold: 5, rest: Duration::from_secs(1), longest_rest: Duration::from_secs(30) };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_stand_by_is_not_the_trial_that_one_call_makes() {
        let (health, start) = (AgentHealth::new(&Breakers::default(), Metrics::new()), Instant::now());
        assert!(health.is_well("desk", start) && health.allows("desk", start));
        (0..5).for_each(|_| health.fared("desk", false, start));
        let rested = start + POLICY.rest;
        assert!(!health.is_well("desk", rested), "to stand by");
        assert!(health.allows("desk", rested), "on trial");
        assert!(!health.allows("desk", rested), "one at a time");
        health.fared("desk", true, rested);
        assert!(health.is_well("desk", rested));
    }
}
