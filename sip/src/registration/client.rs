//! Our registration at a trunk: kept alive while it is wanted (RFC 3261 §10.2).
//!
//! Says when to send REGISTER and with which expiry; sending, and answering challenges, is the endpoint's. Refreshed well before the
//! registrar forgets us; after a failure tried again with doubling, jittered waits, so that a registrar that comes back is not
//! met by everybody at once; after refused credentials much later, since registrars lock accounts.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::RegisterAnswer;
use crate::header::StatusCode;

/// How a registration is kept.
#[derive(Clone)]
pub struct RegistrationConfig {
    /// What we ask for; a registrar may grant less, or want more.
    pub expiry: Duration,
    /// The wait after the first failure.
    pub retry_min: Duration,
    /// The longest wait.
    pub retry_max: Duration,
    /// Random bytes, for the jitter.
    pub seed: [u8; 32],
}

/// What a registration wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationOutput {
    /// Send REGISTER with this expiry in seconds (0 takes the contact back), and hand in what came of it.
    Register {
        /// Seconds.
        expires: u32,
    },
    /// Nothing for now: come back by then.
    Timeout(Option<Instant>),
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// The first REGISTER is out.
    Registering,
    /// The registrar knows us.
    Registered {
        /// Until then, if it is not refreshed.
        until: Instant,
    },
    /// The registrar refused.
    Refused {
        /// With which status.
        status: StatusCode,
    },
    /// The registrar does not answer.
    Unreachable,
    /// Taken back.
    Closed,
}

/// A registration.
pub struct Registration {
    config: RegistrationConfig,
    /// Seconds that are asked for: more than configured where the registrar wants more.
    expiry_s: u32,
    until: Option<Instant>,
    failure: Option<Failure>,
    failures: u32,
    due: Option<Instant>,
    in_flight: bool,
    closing: bool,
    closed: bool,
    jitter: u64,
}

#[derive(Clone, Copy)]
enum Failure {
    Refused(StatusCode),
    Silence,
}

impl Registration {
    /// A registration that begins at once.
    pub fn new(now: Instant, config: RegistrationConfig) -> Self {
        let expiry_s = u32::try_from(config.expiry.as_secs()).unwrap_or(MAX_EXPIRY_S).clamp(MIN_EXPIRY_S, MAX_EXPIRY_S);
        Self {
            config,
            expiry_s,
            until: None,
            failure: None,
            failures: 0,
            due: Some(now),
            in_flight: false,
            closing: false,
            closed: false,
            jitter: 0,
        }
    }

    /// Takes the final answer.
    pub fn handle_answer(&mut self, now: Instant, answer: RegisterAnswer) {
        if !std::mem::take(&mut self.in_flight) {
            return;
        }
        if self.closing {
            return self.finish();
        }
        if answer.status.is_success() {
            return self.granted(now, answer.granted.unwrap_or(self.expiry_s));
        }
        if answer.status == StatusCode::INTERVAL_TOO_BRIEF
            && let Some(wanted) = answer.at_least.filter(|wanted| (self.expiry_s + 1..=MAX_EXPIRY_S).contains(wanted))
        {
            self.expiry_s = wanted;
            self.due = Some(now);
            return;
        }
        let asked = answer.retry_after.map(|wait| Duration::from_secs(wait.into()).min(MAX_RETRY_AFTER));
        let patience = matches!(answer.status.code(), 401 | 403 | 404 | 407).then_some(AFTER_REFUSED_CREDENTIALS);
        self.failed(now, Failure::Refused(answer.status), asked.max(patience));
    }

    /// Nobody answered, or the request could not be sent.
    pub fn handle_silence(&mut self, now: Instant) {
        if !std::mem::take(&mut self.in_flight) {
            return;
        }
        if self.closing {
            return self.finish();
        }
        self.failed(now, Failure::Silence, None);
    }

    /// The way to the registrar is a new one, or the network was away: register now.
    pub fn refresh(&mut self, now: Instant) {
        if !self.closing {
            self.due = Some(now);
        }
    }

    /// Takes the contact back, if the registrar has it.
    pub fn close(&mut self, now: Instant) {
        if self.closing {
            return;
        }
        self.closing = true;
        if self.until.take().is_some_and(|until| until > now) {
            self.due = Some(now);
        } else if !self.in_flight {
            self.finish();
        }
    }

    /// What is due by `now`.
    pub fn poll_output(&mut self, now: Instant) -> RegistrationOutput {
        if self.closed || self.in_flight {
            return RegistrationOutput::Timeout(None);
        }
        match self.due {
            Some(due) if due <= now => {
                self.due = None;
                self.in_flight = true;
                RegistrationOutput::Register { expires: if self.closing { 0 } else { self.expiry_s } }
            }
            due => RegistrationOutput::Timeout(due),
        }
    }

    /// How it stands. What the registrar has granted stands until it ends, whatever came after.
    pub fn status(&self, now: Instant) -> RegistrationStatus {
        match (self.closing, self.until.filter(|until| *until > now), self.failure) {
            (true, ..) => RegistrationStatus::Closed,
            (_, Some(until), _) => RegistrationStatus::Registered { until },
            (_, None, Some(Failure::Refused(status))) => RegistrationStatus::Refused { status },
            (_, None, Some(Failure::Silence)) => RegistrationStatus::Unreachable,
            (_, None, None) => RegistrationStatus::Registering,
        }
    }

    fn granted(&mut self, now: Instant, seconds: u32) {
        let granted = Duration::from_secs(seconds.clamp(1, MAX_EXPIRY_S).into());
        self.until = Some(now + granted);
        (self.failure, self.failures) = (None, 0);
        // Early enough for a lost refresh and its retransmissions, and for short grants at four fifths.
        let latest = (granted * 4 / 5).min(granted.saturating_sub(REFRESH_MARGIN).max(granted / 2));
        let wait = latest - self.part_of(latest / 10);
        self.due = Some(now + wait.max(Duration::from_millis(500)));
    }

    fn failed(&mut self, now: Instant, failure: Failure, at_least: Option<Duration>) {
        self.failure = Some(failure);
        let doubled = self.config.retry_min.saturating_mul(1 << self.failures.min(16)).min(self.config.retry_max);
        self.failures = self.failures.saturating_add(1);
        // Between half of the wait and all of it (RFC 5626 §4.5).
        let wait = doubled / 2 + self.part_of(doubled / 2);
        let wait = at_least.map_or(wait, |least| least + self.part_of(least / 10)).max(wait);
        self.due = Some(now + wait);
    }

    fn finish(&mut self) {
        (self.closed, self.due, self.until) = (true, None, None);
    }

    /// Any part of a time, by chance.
    fn part_of(&mut self, time: Duration) -> Duration {
        self.jitter += 1;
        let mut hash = Sha256::new();
        hash.update(self.config.seed);
        hash.update(self.jitter.to_be_bytes());
        let chance = hash.finalize().first().copied().unwrap_or_default();
        time * u32::from(chance) / 255
    }
}

/// No registrar of ours is asked more often than this lets it.
const MIN_EXPIRY_S: u32 = 60;

/// A day.
const MAX_EXPIRY_S: u32 = 86_400;

/// For a refresh that is lost: 64 × T1 of its transaction.
const REFRESH_MARGIN: Duration = Duration::from_secs(32);

/// What a registrar may ask for by Retry-After.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// Registrars lock accounts that keep on guessing.
const AFTER_REFUSED_CREDENTIALS: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests;
