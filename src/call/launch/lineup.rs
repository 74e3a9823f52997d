//! Which agents a call is led by.

use std::sync::Arc;

use super::{LaunchError, LaunchRequest, Launcher, Resources};
use crate::agent::client::AgentEndpoint;
use crate::agent::config::AgentConfig;
use crate::call::agents::Member;
use crate::call::driver::DialledAgent;

/// An agent as calls need it.
pub struct Agent {
    /// Its settings.
    pub config: Arc<AgentConfig>,
    /// Where it is.
    pub endpoint: Arc<AgentEndpoint>,
}

impl Agent {
    /// What a call knows of it, and what its driver does.
    fn in_a_call(&self, name: &str) -> (Member, DialledAgent) {
        let member = Member { name: name.to_owned(), config: Arc::clone(&self.config) };
        (member, DialledAgent { name: name.to_owned(), endpoint: Arc::clone(&self.endpoint) })
    }
}

/// The agents of one call, in their order.
pub(super) struct Lineup {
    /// With whom it begins.
    pub(super) first: Member,
    /// What the call knows of all of them.
    pub(super) members: Vec<Member>,
    /// What its driver does.
    pub(super) dialled: Vec<DialledAgent>,
}

impl Launcher {
    /// The agents of a call as it is made.
    pub(super) fn lineup(&self, request: &LaunchRequest) -> Result<Lineup, LaunchError> {
        let permitted = self.permitted(request)?;
        let (members, dialled): (Vec<_>, Vec<_>) = permitted.iter().map(|(name, agent)| agent.in_a_call(name)).unzip();
        let first = members.first().ok_or(LaunchError::UnknownAgent)?.clone();
        Ok(Lineup { first, members, dialled })
    }

    /// The agents that the call may be led by, in their order. Those without an agreement that its organisation needs are none, and
    /// the audit log says so.
    fn permitted<'a>(&'a self, request: &'a LaunchRequest) -> Result<Vec<(&'a str, &'a Agent)>, LaunchError> {
        let Resources { agents, egress, records, .. } = &*self.shared;
        let named = |name: &'a String| agents.get(name).map(|agent| (name.as_str(), agent)).ok_or(LaunchError::UnknownAgent);
        let named = request.agents.iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let (permitted, withheld): (Vec<_>, Vec<_>) =
            named.into_iter().partition(|(_, agent)| egress.permits(&request.org, agent.config.agreement.as_ref()));
        if permitted.is_empty() && !withheld.is_empty() {
            records.audio_withheld(&request.org, withheld.iter().map(|(name, _)| *name));
            return Err(LaunchError::NoAgreement);
        }
        Ok(permitted)
    }
}
