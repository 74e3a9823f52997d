//! Short-lived tokens by which a page may make one call: made for whoever may, good for a minute or two, used once.
//!
//! They live in memory, as the calls do, and are known by their hash only. The call that a token made may be steered with
//! it (restarted, ended) for as long as it lasts; nothing else can be done with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::domain::access::Role;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::identity::Principal;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whose call it will be.
    pub org: OrgId,
    /// Who has made the token.
    pub principal: Principal,
    /// What they are.
    pub role: Role,
    /// The agent or number that may be called.
    pub agent: String,
    /// Who is at the page, as the record will have it.
    pub caller: Option<Redacted<String>>,
    /// Until when the call has to be made.
    pub expires_at: DateTime<Utc>,
}

/// All tokens of this gateway.
#[derive(Debug, Default)]
pub struct BrowserTokens {
    kept: Mutex<HashMap<[u8; 32], Kept>>,
}

#[derive(Debug)]
struct Kept {
    grant: Grant,
    used: Use,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Use {
    /// Not yet.
    No,
    /// A call is being made with it.
    Now,
    /// It has made this call.
    For(CallId),
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are as many tokens as there may be")]
pub struct TooManyTokens;

impl BrowserTokens {
    /// What every token begins with.
    pub const PREFIX: &str = "wt_";

    /// Makes a token; `is_up` tells whether a call still runs.
    ///
    /// # Errors
    /// When as many are unused, or in use, as may be.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn issue(
        &self,
        grant: Grant,
        now: DateTime<Utc>,
        is_up: impl Fn(&OrgId, &CallId) -> bool,
    ) -> Result<Redacted<String>, TooManyTokens> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).expect("the operating system provides randomness");
        let token = format!("{}{}", Self::PREFIX, base64_simd::URL_SAFE_NO_PAD.encode_to_string(random));
        let mut kept = self.kept();
        if kept.len() >= MOST {
            kept.retain(|_, kept| kept.is_good(now, &is_up));
        }
        if kept.len() >= MOST {
            return Err(TooManyTokens);
        }
        kept.insert(hash(&token), Kept { grant, used: Use::No });
        Ok(Redacted::new(token))
    }

    /// What a token allows, while it is good for anything: to make its call in time, or to steer it while it lasts.
    #[must_use]
    pub fn find(&self, token: &str, now: DateTime<Utc>, is_up: impl Fn(&OrgId, &CallId) -> bool) -> Option<Grant> {
        self.kept().get(&hash(token)).filter(|kept| kept.is_good(now, &is_up)).map(|kept| kept.grant.clone())
    }

    /// What a token has allowed that has made its call, for as long as it is remembered: whoever bears it may be told what became of it.
    #[must_use]
    pub fn find_used(&self, token: &str) -> Option<Grant> {
        self.kept().get(&hash(token)).filter(|kept| matches!(kept.used, Use::For(_))).map(|kept| kept.grant.clone())
    }

    /// Uses a token up for a call that is being made. False when it was used before.
    #[must_use]
    pub fn claim(&self, token: &str) -> bool {
        let mut kept = self.kept();
        let unused = kept.get_mut(&hash(token)).filter(|kept| kept.used == Use::No);
        unused.map(|kept| kept.used = Use::Now).is_some()
    }

    /// The call was made, or it was not, and the token is as good as before.
    pub fn settle(&self, token: &str, call: Option<&CallId>) {
        if let Some(kept) = self.kept().get_mut(&hash(token)) {
            kept.used = call.map_or(Use::No, |call| Use::For(call.clone()));
        }
    }

    /// Whether a token has made this call.
    #[must_use]
    pub fn has_made(&self, token: &str, call: &CallId) -> bool {
        self.kept().get(&hash(token)).is_some_and(|kept| kept.used == Use::For(call.clone()))
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_good(&self, now: DateTime<Utc>, is_up: impl Fn(&OrgId, &CallId) -> bool) -> bool {
        match &self.used {
            Use::No => now < self.grant.expires_at,
            // No call takes so long to be made.
            Use::Now => now < self.grant.expires_at + MAKING,
            Use::For(call) => is_up(&self.grant.org, call),
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Tokens at one time.
const MOST: usize = 20_000;
const MAKING: TimeDelta = TimeDelta::minutes(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(now: DateTime<Utc>) -> Grant {
        Grant {
            org: OrgId::default_org(),
            principal: Principal::Admin,
            role: Role::SuperAdmin,
            agent: "default".to_owned(),
            caller: None,
            expires_at: now + TimeDelta::seconds(60),
        }
    }

    #[test]
    fn a_token_makes_one_call_in_time_and_steers_it_while_it_lasts() {
        let (tokens, now, call) = (BrowserTokens::default(), Utc::now(), CallId::random());
        let token = tokens.issue(grant(now), now, |_, _| true).unwrap();
        let token = token.expose();
        assert_eq!(tokens.find(token, now, |_, _| true).unwrap().agent, "default");
        assert!(tokens.find(token, now + TimeDelta::seconds(60), |_, _| true).is_none(), "too late");
        assert!(tokens.find("wt_forged", now, |_, _| true).is_none() && tokens.find_used("wt_forged").is_none());
        assert!(tokens.find_used(token).is_none(), "it has made no call yet");
        assert!(tokens.claim(token) && !tokens.claim(token));
        tokens.settle(token, Some(&call));
        assert!(tokens.has_made(token, &call) && !tokens.has_made(token, &CallId::random()) && !tokens.claim(token));
        let later = now + TimeDelta::minutes(50);
        assert!(tokens.find(token, later, |_, _| true).is_some());
        assert!(tokens.find(token, now, |_, _| false).is_none(), "the call is over");
        assert_eq!(tokens.find_used(token).unwrap().agent, "default", "and whose it was is known");
    }

    #[test]
    fn a_call_that_was_not_made_uses_no_token_up() {
        let (tokens, now) = (BrowserTokens::default(), Utc::now());
        let token = tokens.issue(grant(now), now, |_, _| true).unwrap();
        assert!(tokens.claim(token.expose()));
        tokens.settle(token.expose(), None);
        assert!(tokens.claim(token.expose()));
    }
}
