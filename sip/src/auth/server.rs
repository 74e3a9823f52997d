//! Asking for credentials (RFC 3261 §22.1, §22.4), without state for anybody who has none.
//!
//! A nonce is `time, number, MAC over both and the asker's address`: it is checked, not looked up. Single use: the nonce counts
//! that were used with success are remembered; when that table is full the oldest entry goes, and with it every nonce as old.
//! Known and unknown names are treated alike, in what is answered and in what is reckoned.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::algorithm::{hex, unhex};
use super::{Algorithm, Algorithms, Challenge, Credentials};
use crate::header::{HeaderName, Uri};
use crate::message::Request;

/// What an asker is told once.
#[derive(Clone)]
pub struct DigestServerConfig {
    /// Our realm.
    pub realm: String,
    /// Random bytes, secret.
    pub seed: [u8; 32],
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// Nonces in use at once.
    pub max_nonces: usize,
}

/// Why a request is not authenticated; the answer is a challenge in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Denied {
    /// It has no credentials for us.
    #[error("no credentials")]
    Missing,
    /// The nonce is not ours, too old, of another address, or used before.
    #[error("a nonce that cannot be used")]
    Stale,
    /// The nonce is good, name or password are not. The asker's address is real: it has seen the nonce.
    #[error("wrong credentials")]
    Wrong,
}

/// Checks credentials.
pub struct DigestServer {
    config: DigestServerConfig,
    born: Instant,
    issued: u32,
    used: BTreeMap<NonceId, u32>,
    /// Nonces up to here are not accepted any more.
    floor: Option<NonceId>,
}

/// Milliseconds since the server was made, and a running number.
type NonceId = (u64, u32);

impl DigestServer {
    /// A server that has issued nothing.
    pub fn new(now: Instant, mut config: DigestServerConfig) -> Self {
        config.realm.retain(|each| !each.is_control() && !matches!(each, '"' | '\\'));
        config.max_nonces = config.max_nonces.max(1);
        Self { config, born: now, issued: 0, used: BTreeMap::new(), floor: None }
    }

    /// The name of whoever sent the request, proven. `password` is asked with the name claimed and the algorithm that is to prove it: a
    /// name that may not use that one is as good as unknown.
    pub fn verify<'a>(
        &mut self,
        now: Instant,
        source: IpAddr,
        request: &'a Request,
        password: impl FnOnce(&str, Algorithm) -> Option<Box<str>>,
    ) -> Result<&'a str, Denied> {
        let values = request.headers().values(HeaderName::Authorization).take(MAX_CREDENTIALS);
        let ours = values.filter_map(Credentials::parse).find(|credentials| credentials.realm == self.config.realm);
        let credentials = ours.filter(|credentials| is_about(credentials, request)).ok_or(Denied::Missing)?;
        // Whoever counts no nonces could be replayed for as long as they live.
        let counted = credentials.counted.ok_or(Denied::Missing)?;
        let nonce = self.nonce(source, credentials.nonce).ok_or(Denied::Stale)?;
        let age = self.age(now, nonce);
        let fresh = age.is_some_and(|age| age <= self.config.nonce_lifetime) && self.floor.is_none_or(|floor| nonce > floor);
        let known = password(credentials.username, credentials.algorithm);
        let is_known = known.is_some();
        // A name that is not known costs the same reckoning.
        let secret = known.unwrap_or_else(|| hex(&self.mac(&[credentials.username.as_bytes()])).into());
        let expected = credentials.proof(request.method_text()).response(&secret);
        let given = credentials.response.to_ascii_lowercase();
        let right = bool::from(expected.as_bytes().ct_eq(given.as_bytes())) & is_known;
        if !fresh {
            return Err(Denied::Stale);
        }
        if !right {
            return Err(Denied::Wrong);
        }
        if self.used.get(&nonce).is_some_and(|last| counted.count <= *last) {
            return Err(Denied::Stale);
        }
        self.remember(now, nonce, counted.count);
        Ok(credentials.username)
    }

    /// The values of WWW-Authenticate, one an algorithm, in their order (RFC 8760 §2.4): some peers read the first alone.
    pub fn challenge(&mut self, now: Instant, source: IpAddr, denied: Denied, algorithms: Algorithms) -> Vec<String> {
        self.issued = self.issued.wrapping_add(1);
        let id = (self.milliseconds(now), self.issued);
        let nonce = hex(&self.nonce_bytes(source, id));
        let (realm, stale) = (&*self.config.realm, denied == Denied::Stale);
        let challenge = |algorithm| Challenge { realm, nonce: &nonce, opaque: None, algorithm, counted: true, stale }.to_string();
        algorithms.iter().map(challenge).collect()
    }

    /// Our realm.
    pub fn realm(&self) -> &str {
        &self.config.realm
    }

    fn remember(&mut self, now: Instant, nonce: NonceId, count: u32) {
        self.used.insert(nonce, count);
        while let Some((&oldest, _)) = self.used.first_key_value() {
            let expired = self.age(now, oldest).is_none_or(|age| age > self.config.nonce_lifetime);
            if !expired && self.used.len() <= self.config.max_nonces {
                break;
            }
            self.floor = Some(oldest);
            self.used.pop_first();
        }
    }

    /// Which nonce it is, if it is one of ours for this address.
    fn nonce(&self, source: IpAddr, text: &str) -> Option<NonceId> {
        if text.len() != NONCE_LEN * 2 {
            return None;
        }
        let bytes = unhex(text)?;
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let (number, _) = rest.split_first_chunk::<4>()?;
        let id = (u64::from_be_bytes(*time), u32::from_be_bytes(*number));
        bool::from(self.nonce_bytes(source, id).ct_eq(&bytes)).then_some(id)
    }

    fn nonce_bytes(&self, source: IpAddr, (time, number): NonceId) -> Vec<u8> {
        let (time, number) = (time.to_be_bytes(), number.to_be_bytes());
        let mac = match source.to_canonical() {
            IpAddr::V4(address) => self.mac(&[&time, &number, &address.octets()]),
            IpAddr::V6(address) => self.mac(&[&time, &number, &address.octets()]),
        };
        [&time[..], &number[..], mac.get(..MAC_LEN).unwrap_or_default()].concat()
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.config.seed).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.born).as_millis()).unwrap_or(u64::MAX)
    }

    fn age(&self, now: Instant, (time, _): NonceId) -> Option<Duration> {
        self.milliseconds(now).checked_sub(time).map(Duration::from_millis)
    }
}

/// Whether credentials are for this request: a proxy on the way may have changed the host, never who is called.
fn is_about(credentials: &Credentials<'_>, request: &Request) -> bool {
    let (Ok(claimed), Ok(asked)) = (Uri::parse(credentials.uri), request.uri()) else { return false };
    claimed.user() == asked.user()
}

/// Credentials beyond are not looked at.
const MAX_CREDENTIALS: usize = 4;

/// Bytes of the MAC in a nonce.
const MAC_LEN: usize = 16;

/// Bytes of a nonce.
const NONCE_LEN: usize = 8 + 4 + MAC_LEN;

#[cfg(test)]
mod tests;
