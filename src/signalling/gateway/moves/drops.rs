//! Moves that come to nothing by our own will: the call is over, or may not go there any more.

use std::time::Instant;

use sip::endpoint::{Endpoint, InviteId};
use sip::header::StatusCode;

use super::Referral;
use crate::domain::ids::OrgId;
use crate::domain::termination::PolicyReason;
use crate::signalling::gateway::Gateway;
use crate::signalling::toll::CallToken;
use crate::signalling::trunks::TrunkName;

/// Whose far end wants somebody called, by which trunk, and on which account.
pub(in crate::signalling::gateway) struct Asked<'a> {
    pub(in crate::signalling::gateway) org: &'a OrgId,
    pub(in crate::signalling::gateway) trunk: Option<&'a TrunkName>,
    pub(in crate::signalling::gateway) token: Option<CallToken>,
}

impl Gateway {
    pub(in crate::signalling::gateway) fn drop_referral(&mut self, now: Instant, endpoint: &mut Endpoint, old: InviteId) {
        if let Some(Referral { attempt, token, .. }) = self.moves.referrals.remove(&old) {
            endpoint.refer_progress(now, old, StatusCode::SERVICE_UNAVAILABLE);
            self.give_back(now, attempt.trunk.as_ref(), token);
        }
    }

    /// Nobody is called for this call any more, and nobody takes its place.
    pub(in crate::signalling::gateway) fn drop_moves(&mut self, now: Instant, endpoint: &mut Endpoint, old: InviteId) {
        self.drop_referral(now, endpoint, old);
        let Some(new) = self.moves.of(old) else { return };
        if self.moves.under_way.get(&new).is_some_and(|step| step.asked) {
            return endpoint.hang_up(now, new);
        }
        self.moves.under_way.remove(&new);
        endpoint.reject(now, new, StatusCode::CALL_DOES_NOT_EXIST, None);
    }

    /// Nobody is called any more because of a far end where a rule ends that. A call that waits for nobody else ends by that rule, too.
    pub(in crate::signalling::gateway) fn drop_asked(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        rule: impl Fn(Asked<'_>) -> Option<PolicyReason>,
    ) {
        let asked = self.moves.under_way.iter().filter(|(_, step)| step.asked).filter_map(|(new, step)| {
            let call = step.waiting.as_ref().or_else(|| self.calls.get(&step.old))?;
            let reason = rule(Asked { org: &call.org, trunk: step.place.trunk.as_ref(), token: step.place.token })?;
            Some((*new, step.waiting.is_some().then(|| (call.org.clone(), call.id.clone(), reason))))
        });
        let referred = self.moves.referrals.iter().filter(|(old, Referral { attempt, token, .. })| {
            let call = self.calls.get(old);
            call.is_some_and(|call| rule(Asked { org: &call.org, trunk: attempt.trunk.as_ref(), token: *token }).is_some())
        });
        let (asked, referred): (Vec<_>, Vec<InviteId>) = (asked.collect(), referred.map(|(old, _)| *old).collect());
        for (new, waiting) in asked {
            if let Some((org, call, reason)) = waiting {
                // One that takes no command learns of it from the line that ends.
                let _ = self.launcher.end(&org, &call, reason);
            }
            endpoint.hang_up(now, new);
        }
        for old in referred {
            self.drop_referral(now, endpoint, old);
        }
    }
}
