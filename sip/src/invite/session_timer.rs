//! Session timers (RFC 4028): what is agreed, who refreshes, and when a call that nobody refreshes is over.
//!
//! Left out on purpose: Session-Expires in provisional responses, which nobody may send (§9).

use std::time::{Duration, Instant};

use crate::endpoint::EndpointConfig;
use crate::header::{OptionTags, Refresher, SessionExpires};
use crate::message::Headers;
use crate::transaction::Timer;

pub(super) struct SessionTimer {
    interval: Duration,
    /// We refresh.
    ours: bool,
    /// When a refresh is due; `None` while one is under way.
    refresh_at: Option<Instant>,
    /// Refreshes that the far end has refused since the last one that it took.
    refused: u32,
    /// How the next one goes.
    form: RefreshForm,
    ends_at: Instant,
}

/// What a refresh goes by. Some far ends that refuse the one take the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefreshForm {
    /// UPDATE without an offer, where the far end takes that.
    Update,
    /// An offer of the application.
    Offer,
}

impl SessionTimer {
    /// Runs anew. Who refreshes does so at half time, or so early that every copy of the refresh can still be heard in time; who does not
    /// hangs up a little before the end (§10).
    ///
    /// `since` is when the far end may have begun to count, which is before `now` where its word of it came late. A request is given up
    /// after `patience`.
    pub(super) fn start(now: Instant, since: Instant, interval: Duration, ours: bool, patience: Duration) -> Self {
        let interval = interval.min(LONGEST);
        let far_end = interval - (interval / 3).min(MARGIN);
        let refresh = (interval / 2).min(far_end.saturating_sub(patience)).max(interval / 8);
        let ends_at = if ours { since + interval } else { now + far_end };
        let refresh_at = ours.then(|| since + refresh);
        Self { interval, ours, refresh_at, refused: 0, form: RefreshForm::Update, ends_at }
    }

    /// Whether a refresh is due; asked once it is.
    pub(super) fn take_refresh(&mut self, now: Instant) -> bool {
        self.refresh_at.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn refresh_again(&mut self, at: Instant) {
        if self.ours {
            self.refresh_at = Some(at);
        }
    }

    /// A refresh that was under way, if one was, has come to nothing. That ends no session (§7.4): until it ends by itself another is
    /// tried, by and by, since a far end that refuses again and again is no better for being asked each second.
    pub(super) fn refresh_after_all(&mut self, now: Instant, next: RefreshForm) {
        if self.ours && self.refresh_at.is_none() {
            self.form = next;
            self.refresh_at = Some(now + self.put_off());
        }
    }

    /// How long to wait after one more refusal.
    pub(super) fn put_off(&mut self) -> Duration {
        let wait = AFTER_REFUSAL.saturating_mul(1 << self.refused.min(MAX_DOUBLINGS));
        self.refused = self.refused.saturating_add(1);
        wait
    }

    pub(super) fn form(&self) -> RefreshForm {
        self.form
    }

    /// The far end asks for no less than this (§7.4).
    pub(super) fn raise(&mut self, least: Duration) {
        self.interval = self.interval.max(least.min(LONGEST));
    }

    pub(super) fn has_expired(&self, now: Instant) -> bool {
        self.ends_at <= now
    }

    /// What a request of ours within the dialog says: the refresher stays who it is.
    pub(super) fn proposal(&self) -> SessionExpires {
        let refresher = if self.ours { Refresher::Uac } else { Refresher::Uas };
        SessionExpires { interval: self.interval, refresher: Some(refresher) }
    }

    pub(super) fn deadline(&self) -> (Instant, Timer) {
        match self.refresh_at {
            Some(at) if at < self.ends_at => (at, Timer::Refresh),
            _ => (self.ends_at, Timer::SessionExpired),
        }
    }
}

/// Whether a request asks for a life that is too short for us (§9); one that passed a proxy only is not told so, since its sender would
/// not understand.
pub(crate) fn is_too_short(headers: &Headers, config: &EndpointConfig) -> bool {
    headers.speaks().contains(OptionTags::TIMER)
        && headers.session_expires().is_some_and(|asked| asked.interval < config.min_session_expires)
}

/// What we answer to a request that makes or refreshes the session (§9). Who does not know timers cannot refresh.
pub(super) fn agreed(headers: &Headers, config: &EndpointConfig) -> Option<SessionExpires> {
    let knows = headers.speaks().contains(OptionTags::TIMER);
    let least = headers.min_se().unwrap_or_default().max(config.min_session_expires);
    let (interval, refresher) = match (headers.session_expires(), config.session_expires) {
        (Some(asked), ours) => (asked.interval.min(ours.unwrap_or(asked.interval)).max(least), asked.refresher),
        (None, Some(ours)) if knows => (ours.max(least), None),
        (None, _) => return None,
    };
    let refresher = refresher.filter(|_| knows).unwrap_or(Refresher::Uas);
    Some(SessionExpires { interval, refresher: Some(refresher) })
}

/// No call lives longer than this without being asked.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long after its first refusal a refresh goes again; twice as long after each more.
const AFTER_REFUSAL: Duration = Duration::from_secs(1);

/// Longer than any session.
const MAX_DOUBLINGS: u32 = 20;

/// §10.
const MARGIN: Duration = Duration::from_secs(32);
