//! A leg to a browser: agreed on once, by ICE, DTLS and SRTP, and never anew.

use std::time::Instant;

use media::sdp::Negotiated;
use media::transport::{Flow, Transport, WebRtc};

use super::{LegError, LegPlan, PlannedLeg};

impl PlannedLeg {
    /// A leg over a browser's transport.
    ///
    /// # Errors
    /// When no pipeline is there for codec and rates.
    pub fn browser(now: Instant, plan: LegPlan, negotiated: Negotiated, transport: WebRtc) -> Result<Self, LegError> {
        let leg = Box::new(plan.leg_over(now, negotiated, Transport::WebRtc(Box::new(transport)))?);
        Ok(Self { plan, offered: Vec::new(), leg: Some(leg), reoffered: None, moving: None, watched: false })
    }

    /// Whether whoever sends by this path has proved to be the browser at the far end.
    #[must_use]
    pub fn admits(&self, flow: Flow) -> bool {
        self.leg.as_ref().is_some_and(|leg| leg.admits(flow))
    }
}
