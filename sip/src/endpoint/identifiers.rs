//! Branches, tags and Call-IDs: SHA-256 over a secret seed and a counter, so that they repeat in a test and cannot be guessed in the
//! field (RFC 3261 §19.3).

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::message::Request;

pub(crate) struct Identifiers {
    seed: [u8; 32],
    counter: u64,
}

impl Identifiers {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// Without the magic cookie, which Via adds.
    pub(crate) fn branch(&mut self) -> Box<str> {
        self.next(Purpose::Branch, 12)
    }

    pub(crate) fn tag(&mut self) -> Box<str> {
        self.next(Purpose::Tag, 10)
    }

    pub(crate) fn call_id(&mut self) -> Box<str> {
        self.next(Purpose::CallId, 16)
    }

    /// The same for all requests of one registration (§10.2).
    pub(crate) fn call_id_of(&self, series: u64) -> Box<str> {
        hex(&self.digest(Purpose::Registration, &[&series.to_be_bytes()]), 16)
    }

    /// A secret of its own, for nonces.
    pub(crate) fn key(&self) -> [u8; 32] {
        self.digest(Purpose::Nonce, &[])
    }

    /// 0–10 s (§14.2).
    pub(crate) fn retry_seconds(&mut self) -> u64 {
        self.number() % 11
    }

    /// How long an offer waits after glare (§14.1): 2.1–4 s for whose Call-ID it is, 0–2 s for the other, in steps of 10 ms.
    pub(crate) fn glare_delay(&mut self, owns_call_id: bool) -> Duration {
        let (from, steps) = if owns_call_id { (2_100, 191) } else { (0, 201) };
        Duration::from_millis(from + self.number() % steps * 10)
    }

    /// The number of a call's first reliable provisional response (RFC 3262 §3), low enough to count on from.
    pub(crate) fn first_rseq(&mut self) -> u32 {
        (self.number() % 0x3fff_ffff) as u32 + 1
    }

    /// The same for copies of a request, as an endpoint that keeps no state must answer (§8.2.7).
    pub(crate) fn stateless_tag(&self, request: &Request) -> Box<str> {
        let headers = request.headers();
        let from_tag = headers.from().and_then(|from| from.tag()).unwrap_or_default();
        let via = headers.top_via().map(|via| via.as_str()).unwrap_or_default();
        let call_id = headers.call_id().unwrap_or_default();
        hex(&self.digest(Purpose::StatelessTag, &[from_tag.as_bytes(), b"\0", call_id.as_bytes(), b"\0", via.as_bytes()]), 10)
    }

    fn next(&mut self, purpose: Purpose, bytes: usize) -> Box<str> {
        self.counter += 1;
        hex(&self.digest(purpose, &[&self.counter.to_be_bytes()]), bytes)
    }

    fn number(&mut self) -> u64 {
        self.counter += 1;
        let digest = self.digest(Purpose::Number, &[&self.counter.to_be_bytes()]);
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn digest(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update([purpose as u8]);
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// Keeps the sequences apart.
#[derive(Clone, Copy)]
enum Purpose {
    Branch = 1,
    Tag = 2,
    CallId = 3,
    StatelessTag = 4,
    Number = 5,
    Registration = 6,
    Nonce = 7,
}

fn hex(digest: &[u8; 32], bytes: usize) -> Box<str> {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    digest.iter().take(bytes).flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>().into()
}
