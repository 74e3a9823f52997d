//! Which agents a call is led by.

use std::sync::Arc;

use super::{LaunchError, LaunchRequest, Launcher, Resources};
use crate::call::agent_book::Agent;
use crate::call::agents::Member;
use crate::call::driver::DialledAgent;
use crate::domain::ids::OrgId;

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
        let briefing = request.briefing.as_ref();
        let in_a_call = |(name, agent): (&str, Agent)| in_a_call(&request.org, name, &agent.with_briefing(briefing));
        let (members, dialled): (Vec<_>, Vec<_>) = permitted.into_iter().map(in_a_call).unzip();
        let first = members.first().ok_or(LaunchError::UnknownAgent)?.clone();
        Ok(Lineup { first, members, dialled })
    }

    /// The agents that the call may be led by, in their order. Those without an agreement that its organisation needs are none, and
    /// the audit log says so.
    fn permitted<'a>(&self, request: &'a LaunchRequest) -> Result<Vec<(&'a str, Agent)>, LaunchError> {
        let Resources { agents, egress, records, .. } = &*self.shared;
        let named = |name: &'a String| agents.find(&request.org, name).map(|agent| (name.as_str(), agent)).ok_or(LaunchError::UnknownAgent);
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

/// What a call knows of an agent, and what its driver does.
fn in_a_call(org: &OrgId, name: &str, agent: &Agent) -> (Member, DialledAgent) {
    let Agent { config, endpoint, tools, version } = agent;
    let member = Member { name: name.to_owned(), config: Arc::clone(config), tools: Arc::clone(tools), version: *version };
    // Two organisations may each have an agent of this name.
    let breaker = if version.is_some() { format!("{org}/{name}") } else { name.to_owned() };
    (member, DialledAgent { breaker, endpoint: Arc::clone(endpoint) })
}
