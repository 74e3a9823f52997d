//! The registrar for telephones and PBXs (RFC 3261 §10.3): where the contacts of a name are, for calls to it.
//!
//! Only names that have proven themselves come here, and each may register itself alone. Calls go by the flow that the REGISTER
//! came by: most telephones stand behind a translator, and their Contact leads nowhere.
//!
//! Bounds: contacts a name and in all; when a name is full its contact that ends first gives way, when all is full, 503.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::header::{HeaderName, NameAddrRef, StatusCode, Uri, parse_number};
use crate::message::Request;
use crate::transport::Flow;

/// What a registrar is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrarConfig {
    /// Contacts in all.
    pub max_bindings: usize,
    /// Contacts of one name.
    pub max_bindings_of_one: usize,
    /// Shorter ones are refused (423).
    pub min_expiry: Duration,
    /// Longer ones are cut to it.
    pub max_expiry: Duration,
}

impl Default for RegistrarConfig {
    /// 10 000 contacts, 5 a name, from a minute to an hour.
    fn default() -> Self {
        Self { max_bindings: 10_000, max_bindings_of_one: 5, min_expiry: Duration::from_secs(60), max_expiry: Duration::from_secs(3_600) }
    }
}

/// Where somebody can be called.
#[derive(Clone, PartialEq, Eq)]
pub struct Binding {
    /// What a request to it names.
    pub contact: Uri,
    /// By which way it goes.
    pub flow: Flow,
    /// Until when.
    pub until: Instant,
    /// How gladly it is called beside the other contacts of its name, in thousandths (RFC 3261 §10.2.1.2).
    pub preference: u16,
    call_id: Box<str>,
    cseq: u32,
}

/// What a REGISTER is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrarAnswer {
    /// 200 with these contacts and the seconds that each is left.
    Accepted(Vec<(Uri, u64)>),
    /// 423 with Min-Expires.
    TooBrief {
        /// Seconds.
        at_least: u64,
    },
    /// A refusal.
    Refused(StatusCode),
}

/// The table of contacts.
#[derive(Default)]
pub struct Registrar {
    config: RegistrarConfig,
    /// The contacts of each name, the most preferred last, and of those the latest.
    by_name: BTreeMap<Box<str>, Vec<Binding>>,
    total: usize,
}

/// What a REGISTER asks for one contact.
struct Wish {
    contact: Uri,
    expiry: Duration,
    preference: u16,
}

impl Registrar {
    /// A table without contacts.
    pub fn new(config: RegistrarConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// Takes a REGISTER of `name`, who has proven to be that.
    pub fn handle_register(&mut self, now: Instant, name: &str, flow: Flow, request: &Request) -> RegistrarAnswer {
        let headers = request.headers();
        let whose = headers.to().and_then(|to| to.uri().ok());
        if whose.as_ref().and_then(Uri::decoded_user).as_deref() != Some(name) {
            return RegistrarAnswer::Refused(StatusCode::FORBIDDEN);
        }
        let (Some(call_id), Some(cseq)) = (headers.call_id(), headers.cseq()) else {
            return RegistrarAnswer::Refused(StatusCode::BAD_REQUEST);
        };
        self.expire(now);
        if headers.elements(HeaderName::Contact).any(|contact| contact == "*") {
            return self.remove_all(now, name, request, (call_id, cseq.number));
        }
        let wishes = match self.wishes(request) {
            Ok(wishes) => wishes,
            Err(answer) => return answer,
        };
        // All or nothing (§10.3, 7).
        let late = |held: &Binding| &*held.call_id == call_id && held.cseq >= cseq.number;
        let held = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        if wishes.iter().any(|wish| held.iter().any(|held| held.contact == wish.contact && late(held))) {
            return RegistrarAnswer::Refused(StatusCode::SERVER_INTERNAL_ERROR);
        }
        if wishes.iter().any(|wish| !wish.expiry.is_zero()) && self.total >= self.config.max_bindings && held.is_empty() {
            return RegistrarAnswer::Refused(StatusCode::SERVICE_UNAVAILABLE);
        }
        for wish in wishes {
            self.set(now, name, wish, flow, (call_id, cseq.number));
        }
        RegistrarAnswer::Accepted(self.contacts(now, name))
    }

    /// Where `name` can be called, the most preferred contacts first, and of those the latest (§16.6).
    pub fn look_up(&self, now: Instant, name: &str) -> impl Iterator<Item = &Binding> {
        let held = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        held.iter().rev().filter(move |binding| binding.until > now)
    }

    /// Contacts in the table, ended ones included that nobody has looked for since.
    pub fn len(&self) -> usize {
        self.total
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The name is not one any more: its contacts are forgotten.
    pub fn forget(&mut self, name: &str) {
        self.total -= self.by_name.remove(name).map_or(0, |held| held.len());
    }

    fn wishes(&self, request: &Request) -> Result<Vec<Wish>, RegistrarAnswer> {
        let headers = request.headers();
        let default = headers.value(HeaderName::Expires).and_then(|text| parse_number(text, u32::MAX));
        let mut wishes = Vec::new();
        for text in headers.elements(HeaderName::Contact) {
            if wishes.len() == self.config.max_bindings_of_one {
                return Err(RegistrarAnswer::Refused(StatusCode::FORBIDDEN));
            }
            let contact = NameAddrRef::parse(text).map_err(|_| RegistrarAnswer::Refused(StatusCode::BAD_REQUEST))?;
            let own = contact.params().value("expires").and_then(|text| parse_number(text, u32::MAX));
            let asked = own.or(default).map(|seconds| Duration::from_secs(seconds.into()));
            let expiry = asked.unwrap_or(self.config.max_expiry).min(self.config.max_expiry);
            if !expiry.is_zero() && expiry < self.config.min_expiry {
                return Err(RegistrarAnswer::TooBrief { at_least: self.config.min_expiry.as_secs() });
            }
            let preference = contact.params().value("q").and_then(thousandths).unwrap_or(MOST_PREFERRED);
            let contact = contact.uri().map_err(|_| RegistrarAnswer::Refused(StatusCode::BAD_REQUEST))?;
            wishes.push(Wish { contact, expiry, preference });
        }
        Ok(wishes)
    }

    /// `Contact: *` takes everything back, and only with an expiry of 0 (§10.2.2).
    fn remove_all(&mut self, now: Instant, name: &str, request: &Request, (call_id, cseq): (&str, u32)) -> RegistrarAnswer {
        let headers = request.headers();
        let alone = headers.elements(HeaderName::Contact).count() == 1;
        if !alone || headers.value(HeaderName::Expires).and_then(|text| parse_number(text, u32::MAX)) != Some(0) {
            return RegistrarAnswer::Refused(StatusCode::BAD_REQUEST);
        }
        let held = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        if held.iter().any(|held| &*held.call_id == call_id && held.cseq >= cseq) {
            return RegistrarAnswer::Refused(StatusCode::SERVER_INTERNAL_ERROR);
        }
        self.forget(name);
        RegistrarAnswer::Accepted(self.contacts(now, name))
    }

    fn set(&mut self, now: Instant, name: &str, wish: Wish, flow: Flow, (call_id, cseq): (&str, u32)) {
        let held = self.by_name.entry(name.into()).or_default();
        let before = held.len();
        held.retain(|binding| binding.contact != wish.contact);
        if !wish.expiry.is_zero() {
            if held.len() >= self.config.max_bindings_of_one.max(1) {
                let first_to_end = held.iter().enumerate().min_by_key(|(_, binding)| binding.until).map(|(at, _)| at);
                first_to_end.map(|at| held.remove(at));
            }
            let Wish { contact, expiry, preference } = wish;
            let behind = held.partition_point(|binding| binding.preference <= preference);
            held.insert(behind, Binding { contact, flow, until: now + expiry, preference, call_id: call_id.into(), cseq });
        }
        self.total = self.total + held.len() - before;
        if held.is_empty() {
            self.by_name.remove(name);
        }
    }

    fn contacts(&self, now: Instant, name: &str) -> Vec<(Uri, u64)> {
        self.look_up(now, name).map(|binding| (binding.contact.clone(), (binding.until - now).as_secs())).collect()
    }

    /// Forgets what has ended, when the table is full.
    fn expire(&mut self, now: Instant) {
        if self.total < self.config.max_bindings {
            return;
        }
        self.by_name.retain(|_, held| {
            held.retain(|binding| binding.until > now);
            !held.is_empty()
        });
        self.total = self.by_name.values().map(Vec::len).sum();
    }
}

/// A qvalue (§25.1): 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals = format!("{decimals:0<3}").parse::<u16>().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(MOST_PREFERRED),
        _ => None,
    }
}

/// What a contact without a preference has.
const MOST_PREFERRED: u16 = 1_000;

#[cfg(test)]
mod tests;
