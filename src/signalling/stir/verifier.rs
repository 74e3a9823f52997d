//! Checks who answers for a caller's number (RFC 8224 §6.2, the verification service).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::header::{CACHE_CONTROL, HeaderMap};
use hyper::{Method, StatusCode};
use ring::digest::{SHA256, digest};
use sip::header::SignedIdentity;

use super::credential::{Anchors, Credential};
use super::fault::Fault;
use super::passport::{DIV, Passport, SHAKEN};
use crate::domain::caller_verification::CallerVerification;
use crate::net::https::{HttpsClient, HttpsUrl, RequestError, RequestLimits};

/// Checks callers. Certificates and tokens that were seen are remembered, a bounded number of each.
#[derive(Debug)]
pub struct Verifier {
    client: HttpsClient,
    anchors: Anchors,
    chains: Mutex<Chains>,
    seen: Mutex<Seen>,
}

/// A call whose caller is to be checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The values of its Identity headers, a bounded number.
    pub identities: Vec<String>,
    /// The caller's number, canonical; none when it has none.
    pub caller: Option<String>,
    /// The numbers under which it may have been dialled, canonical.
    pub called: Vec<String>,
    /// Its Call-ID: a token that comes with another call is used twice.
    pub call_id: String,
}

impl Verifier {
    /// Fetches certificates by `client`, and takes those that lead to `anchors`.
    #[must_use]
    pub fn new(client: HttpsClient, anchors: Anchors) -> Self {
        Self { client, anchors, chains: Mutex::default(), seen: Mutex::default() }
    }

    /// Checks one call.
    pub async fn verify(&self, now: DateTime<Utc>, call: &Claimed) -> Result<CallerVerification, Fault> {
        let (passport, url) = read(now, call)?;
        let chain = self.chain(&url).await?;
        Credential::check(now, &chain, &self.anchors)?.verify(&passport)?;
        let fresh = self.seen.lock().unwrap_or_else(PoisonError::into_inner).note(now, &passport, &call.call_id);
        if !fresh {
            return Err(Fault::Replayed);
        }
        Ok(CallerVerification::passed(passport.claims.attest, passport.claims.origid))
    }

    async fn chain(&self, url: &HttpsUrl) -> Result<Bytes, Fault> {
        let name = format!("{}{}", url.authority(), url.target());
        if let Some(chain) = self.chains().get(Instant::now(), &name) {
            return Ok(chain);
        }
        let answer = self.client.request(Method::GET, url, HeaderMap::new(), Bytes::new(), LIMITS).await;
        let answer = answer.map_err(|error| match error {
            RequestError::Scheme | RequestError::Forbidden => Fault::InfoRefused,
            _ => Fault::InfoUnreachable,
        })?;
        if answer.status != StatusCode::OK {
            return Err(Fault::InfoUnreachable);
        }
        self.chains().put(Instant::now(), name, answer.body.clone(), lifetime(&answer.headers));
        Ok(answer.body)
    }

    fn chains(&self) -> std::sync::MutexGuard<'_, Chains> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that can be told without the certificate: the token that is for this call and this minute, and where its certificate is.
fn read(now: DateTime<Utc>, call: &Claimed) -> Result<(Passport, HttpsUrl), Fault> {
    let (mut of_shaken, mut diverted) = (None, false);
    for value in &call.identities {
        let Ok(identity) = SignedIdentity::parse(value) else {
            // What stands behind the one that counts changes nothing.
            if of_shaken.is_some() {
                continue;
            }
            return Err(Fault::Malformed);
        };
        // Kinds that are not understood are passed over (RFC 8224 §6.2), wherever they stand.
        let is_of = |kind: &str| identity.ppt.is_some_and(|ppt| ppt.eq_ignore_ascii_case(kind));
        diverted |= is_of(DIV);
        if is_of(SHAKEN) && of_shaken.is_none() {
            of_shaken = Some(identity);
        }
    }
    let identity = of_shaken.ok_or(Fault::Missing)?;
    let passport = Passport::parse(identity.token)?;
    if passport.x5u != identity.info {
        return Err(Fault::Malformed);
    }
    let age = now.timestamp().abs_diff(i64::try_from(passport.claims.iat).unwrap_or(i64::MAX));
    if age > FRESH_S {
        return Err(Fault::Stale);
    }
    if call.caller.as_ref() != Some(&passport.claims.orig.tn) {
        return Err(Fault::WrongCaller);
    }
    if !passport.claims.dest.tn.iter().any(|number| call.called.contains(number)) {
        return Err(if diverted { Fault::Diverted } else { Fault::WrongCalled });
    }
    let url: HttpsUrl = passport.x5u.parse().map_err(|_| Fault::InfoRefused)?;
    if !url.is_secure() || url.target().contains('?') {
        return Err(Fault::InfoRefused);
    }
    Ok((passport, url))
}

/// How long a chain is kept: as its server says, within bounds.
fn lifetime(headers: &HeaderMap) -> Duration {
    let control = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if control.contains("no-store") || control.contains("no-cache") {
        return Duration::ZERO;
    }
    let max_age = control.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok());
    max_age.map_or(USUAL, Duration::from_secs).min(LONGEST)
}

/// Chains in PEM by their address. Whether one is still good is asked at each use.
#[derive(Debug, Default)]
struct Chains(HashMap<String, (Instant, Bytes)>);

impl Chains {
    fn get(&self, now: Instant, name: &str) -> Option<Bytes> {
        self.0.get(name).filter(|(until, _)| now < *until).map(|(_, chain)| chain.clone())
    }

    fn put(&mut self, now: Instant, name: String, chain: Bytes, lifetime: Duration) {
        if lifetime.is_zero() {
            return;
        }
        if self.0.len() >= MAX_CHAINS {
            self.0.retain(|_, (until, _)| now < *until);
        }
        // Full of what is good: the one that would go first makes room.
        if self.0.len() >= MAX_CHAINS
            && let Some(first) = self.0.iter().min_by_key(|(_, (until, _))| *until).map(|(name, _)| name.clone())
        {
            self.0.remove(&first);
        }
        self.0.insert(name, (now + lifetime, chain));
    }
}

/// Tokens of the last two minutes with the call of each, by their hashes.
#[derive(Debug, Default)]
struct Seen {
    calls: HashMap<[u8; 32], [u8; 32]>,
    order: VecDeque<(i64, [u8; 32])>,
}

impl Seen {
    /// False when the token has come with another call. The copies of a request, and a request that was challenged, are one call.
    fn note(&mut self, now: DateTime<Utc>, passport: &Passport, call_id: &str) -> bool {
        let hash = |octets: &[u8]| digest(&SHA256, octets).as_ref().first_chunk::<32>().copied().unwrap_or_default();
        // Two calls in one second are two signatures of one text. Of a signature only r counts: whoever has one can make the other s.
        let r = passport.signature.get(..32).unwrap_or_default();
        let (token, call) = (hash(&[passport.signed.as_slice(), r].concat()), hash(call_id.as_bytes()));
        while let Some((_, old)) = self.order.pop_front_if(|(at, _)| *at + KEPT_S < now.timestamp()) {
            self.calls.remove(&old);
        }
        if let Some(known) = self.calls.get(&token) {
            return *known == call;
        }
        if self.order.len() >= MAX_SEEN
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
        self.calls.insert(token, call);
        self.order.push_back((now.timestamp(), token));
        true
    }
}

/// Seconds, to either side (RFC 8224 §6.2 step 4).
const FRESH_S: u64 = 60;
/// Seconds for which a token could be fresh again, by a clock at either edge.
const KEPT_S: i64 = 2 * 60;
const MAX_SEEN: usize = 65_536;
const MAX_CHAINS: usize = 1_000;
const USUAL: Duration = Duration::from_secs(3_600);
const LONGEST: Duration = Duration::from_secs(86_400);
const LIMITS: RequestLimits = RequestLimits { total: Duration::from_secs(2), connect: Duration::from_secs(1), max_answer_len: 64 * 1_024 };

#[cfg(test)]
mod tests;
