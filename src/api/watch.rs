//! What goes on after its answer has begun, a stream, may go on for as long as whoever asked for it may ask again.

use std::time::Duration;

use axum::http::HeaderMap;
use chrono::Utc;
use tokio::time::{Interval, MissedTickBehavior};

use super::auth::{Requester, bearer_of};
use super::state::AppState;
use crate::domain::redacted::Redacted;
use crate::identity::{AuthContext, Occasion};

/// Looks at the credentials of a stream again.
#[derive(Debug)]
pub(super) struct Watch {
    state: AppState,
    bearer: Redacted<String>,
    before: AuthContext,
    due: Interval,
}

impl Watch {
    /// For what `requester` asked for with `headers`.
    pub(super) fn new(state: &AppState, requester: &Requester, headers: &HeaderMap) -> Self {
        let mut due = tokio::time::interval(EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let bearer = Redacted::new(bearer_of(headers).unwrap_or_default().to_owned());
        Self { state: state.clone(), bearer, before: requester.auth.clone(), due }
    }

    /// Returns when it is time to look; may be given up and called again.
    pub(super) async fn due(&mut self) {
        self.due.tick().await;
    }

    /// Whether the credentials are still good for the same; to look keeps nobody signed in.
    pub(super) async fn is_still_welcome(&self) -> bool {
        let known = self.state.identity.authenticate(self.bearer.expose(), Occasion::GoingOn, Utc::now()).await;
        known.is_ok_and(|auth| auth.is_as_before(&self.before))
    }
}

/// This and the time in which another node's revocation is seen are together less than five seconds.
const EVERY: Duration = Duration::from_secs(2);
