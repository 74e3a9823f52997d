//! Who calls, as somebody has signed it: the call waits for the verdict, and goes on as its trunk wishes.

use std::time::Instant;

use sip::endpoint::{Endpoint, IncomingInvite, InviteId};
use sip::header::HeaderName;

use super::Gateway;
use super::trunk_calls::is_named;
use crate::domain::caller_verification::CallerVerification;
use crate::signalling::stir::{Claimed, Fault, StirRule, Verdict, canonical};
use crate::signalling::trunks::{Dialled, Peer, Trunk, asserted_number};
use crate::signalling::verbs::RETRY_AFTER;
use crate::telemetry::MaskedAddr;

impl Gateway {
    /// Somebody calls.
    pub(super) fn incoming(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, invite: Box<IncomingInvite>) {
        let Some((rule, claimed)) = self.claimed(&invite).filter(|(rule, _)| *rule != StirRule::Off) else {
            return self.receive(now, endpoint, id, &invite, None);
        };
        if let Err((invite, fault)) = self.stir.check(id, claimed, invite) {
            self.judge(now, endpoint, id, &invite, rule, Err(fault));
        }
    }

    /// A call that has waited goes on.
    pub fn verified(&mut self, now: Instant, endpoint: &mut Endpoint, (id, invite, verdict): (InviteId, Box<IncomingInvite>, Verdict)) {
        // Its trunk may have gone meanwhile; whether it is taken without one is decided as for any call.
        let rule = self.claimed(&invite).map_or(StirRule::Verify, |(rule, _)| rule);
        self.judge(now, endpoint, id, &invite, rule, verdict);
    }

    /// The next call that has waited for its verdict. Cancel-safe.
    pub async fn verdict(&mut self) -> (InviteId, Box<IncomingInvite>, Verdict) {
        self.stir.verdict().await
    }

    fn judge(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, invite: &IncomingInvite, rule: StirRule, verdict: Verdict) {
        match verdict {
            Err(fault) if rule == StirRule::Require => {
                self.launcher.metrics().call_refused("caller_unverified");
                tracing::debug!(reason = fault.name(), peer = %MaskedAddr::from(invite.flow.remote), "caller_unverified");
                endpoint.reject(now, id, fault.status(), (fault == Fault::Busy).then_some(RETRY_AFTER));
            }
            verdict => {
                let found: CallerVerification = verdict.unwrap_or_else(Fault::verification);
                self.receive(now, endpoint, id, invite, Some(found));
            }
        }
    }

    /// What the trunk by which a call comes wants known, and what there is to check; none for a call by no trunk.
    fn claimed(&self, invite: &IncomingInvite) -> Option<(StirRule, Claimed)> {
        let directory = self.desk.directory();
        let is_named = |name: &str| is_named(&self.flood, invite.flow, name);
        let candidates = directory.proven(Peer { address: invite.flow.remote.ip(), is_named: &is_named, login: invite.login.as_deref() });
        let user = |uri: &sip::header::Uri| uri.decoded_user().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let (request, to) = (user(&invite.request_uri), user(&invite.to_uri));
        let (_, trunk) = directory.answering(&candidates, Dialled { request: &request, to: &to })?;
        let trunk: &Trunk = trunk?;
        let numbering = &trunk.config.numbering;
        let from = asserted_number(&trunk.config, &invite.message).unwrap_or_else(|| numbering.tidy(&user(&invite.from_uri)));
        let called = [&request, &to].into_iter().flat_map(|dialled| [canonical(dialled), canonical(&numbering.tidy(dialled))]);
        let identities = invite.message.headers().values(HeaderName::Identity).take(MAX_IDENTITIES).map(str::to_owned);
        let claimed = Claimed {
            identities: identities.collect(),
            caller: canonical(&from),
            called: called.flatten().collect(),
            call_id: invite.call_id.clone(),
        };
        Some((trunk.config.stir, claimed))
    }
}

/// Signatures of one call that are looked at.
const MAX_IDENTITIES: usize = 8;
