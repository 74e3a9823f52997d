//! The agent: answers checks, checks back, follows the peer's nomination, and keeps consent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::IceCredentials;
use super::paths::{Check, Paths};
use super::random::Random;
use super::stun::{self, Attribute, Class, Message, StunError, TransactionId};
use crate::transport::{Flow, Protocol};

/// One side of ICE for one call. Feed it STUN, tell it what else was authentic, and drain it.
#[derive(Debug)]
pub struct IceAgent {
    current: Generation,
    /// What held before the restart that is under way.
    former: Option<Generation>,
    paths: Paths,
    /// The path that media goes by, and of which generation it is.
    selected: Option<(Flow, u32)>,
    consent: Option<Consent>,
    random: Random,
    outbox: VecDeque<(Flow, Vec<u8>)>,
    events: VecDeque<IceEvent>,
}

/// What the agent has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceEvent {
    /// The peer has answered a check of ours on this path: it may be sent to.
    Verified(Flow),
    /// Media goes by this path from now on.
    Selected(Flow),
    /// The peer has not answered for 30 s: nothing more is sent to it (RFC 7675 §5.1).
    ConsentLost,
}

/// Why a STUN message is dropped. Nothing is answered to one that is not authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceError {
    /// It cannot be read.
    #[error("no STUN message of ICE")]
    Stun(#[from] StunError),
    /// It is for somebody else, or not from whom it says.
    #[error("not authentic")]
    NotAuthentic,
    /// It answers no check of ours.
    #[error("answers nothing")]
    Unasked,
    /// It is authentic, but not to be obeyed; the peer was told.
    #[error("refused")]
    Refused,
}

/// Both sides' credentials of one generation.
#[derive(Debug)]
struct Generation {
    number: u32,
    local: IceCredentials,
    remote: IceCredentials,
}

/// Whether the peer still wants what it is sent.
#[derive(Clone, Copy, Debug)]
struct Consent {
    /// The last questions, newest first.
    asked: [Option<TransactionId>; 3],
    /// When the next is asked.
    due: Instant,
    /// When it is over.
    until: Instant,
}

impl IceAgent {
    /// An agent that knows no path yet; `seed` is 32 octets that nobody can guess.
    #[must_use]
    pub fn new(local: IceCredentials, remote: IceCredentials, seed: [u8; 32]) -> Self {
        Self {
            current: Generation { number: 0, local, remote },
            former: None,
            paths: Paths::default(),
            selected: None,
            consent: None,
            random: Random::new(seed),
            outbox: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes a STUN message.
    ///
    /// # Errors
    /// When it changes nothing.
    pub fn handle_message(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), IceError> {
        let message = Message::parse(datagram)?;
        match message.class {
            Class::Request => self.handle_request(now, flow, &message),
            Class::Success | Class::Error => self.handle_response(now, flow, &message),
            // Keep-alives (RFC 8445 §11), which prove nothing.
            Class::Indication => Ok(()),
        }
    }

    /// Something authentic that is not STUN came by this path: the peer sends by it.
    pub fn note_heard(&mut self, now: Instant, flow: Flow) {
        let Some(path) = self.paths.get_mut(flow) else { return };
        path.speaks(now);
        let wanted = path.verified && path.generation == self.current.number && path.nominated;
        if !self.is_selected(flow) && (wanted || self.selected_is_silent(now)) && self.may_select(flow) {
            self.select(now, flow);
        }
    }

    /// A connection is gone.
    pub fn handle_closed(&mut self, now: Instant, flow: Flow) {
        self.paths.remove(flow);
        if self.selected.is_some_and(|(selected, _)| selected == flow) {
            self.selected = None;
            if let Some(next) = self.paths.best(self.current.number).map(|path| path.flow) {
                self.select(now, next);
            }
        }
    }

    /// Starts anew with these credentials. What was selected stays so until the peer has nominated a path of the new
    /// generation.
    pub fn restart(&mut self, local: IceCredentials, remote: IceCredentials) {
        let number = self.current.number.wrapping_add(1);
        let former = std::mem::replace(&mut self.current, Generation { number, local, remote });
        self.former = Some(former);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(flow) = self.paths.due(now) {
            let Some(path) = self.paths.get_mut(flow) else { break };
            let generation = path.generation;
            path.check = path.check.and_then(|check| check.again(now));
            if let Some(check) = path.check {
                self.ask(flow, generation, check.transaction);
            }
        }
        self.keep_consent(now);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let consent = self.consent.map(|consent| consent.due.min(consent.until));
        [self.paths.next_due(), consent].into_iter().flatten().min()
    }

    /// A message to send.
    pub fn poll_transmit(&mut self) -> Option<(Flow, Vec<u8>)> {
        self.outbox.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    /// Whether whoever sends by this path has proved to hold the call's password.
    #[must_use]
    pub fn admits(&self, flow: Flow) -> bool {
        self.paths.get(flow).is_some()
    }

    /// Whether whoever is at the other end of this path has answered a check of ours.
    #[must_use]
    pub fn has_verified(&self, flow: Flow) -> bool {
        self.paths.get(flow).is_some_and(|path| path.verified) || self.selected.is_some_and(|(selected, _)| selected == flow)
    }

    /// By which path the peer is sent to: the one selected, until then the best that is verified.
    #[must_use]
    pub fn route(&self) -> Option<Flow> {
        self.selected.map(|(flow, _)| flow).or_else(|| self.paths.best(self.current.number).map(|path| path.flow))
    }

    /// The credentials that hold now: ours.
    #[must_use]
    pub const fn local(&self) -> &IceCredentials {
        &self.current.local
    }

    fn handle_request(&mut self, now: Instant, flow: Flow, message: &Message<'_>) -> Result<(), IceError> {
        let (receiver, sender) = message.username.and_then(|name| name.split_once(':')).ok_or(IceError::NotAuthentic)?;
        let generations = [Some(&self.current), self.former.as_ref()].into_iter().flatten();
        let named = generations.into_iter().find(|generation| generation.local.ufrag == receiver && generation.remote.ufrag == sender);
        let generation = named.ok_or(IceError::NotAuthentic)?;
        let key = generation.local.password.expose().as_bytes();
        if !message.is_authentic(key) || !message.has_fingerprint() {
            return Err(IceError::NotAuthentic);
        }
        let mut answer = |class, attributes: &[Attribute<'_>]| {
            let mut octets = Vec::with_capacity(MAX_ANSWER_LEN);
            stun::write(&mut octets, class, message.transaction, attributes, key);
            // Whoever asks faster than answers leave is not owed each.
            if self.outbox.len() < OUTBOX {
                self.outbox.push_back((flow, octets));
            }
        };
        if let Some(kind) = message.unknown {
            answer(Class::Error, &[Attribute::Error(420, "Unknown Attribute"), Attribute::Unknown(kind)]);
            return Err(IceError::Refused);
        }
        if message.controlled {
            // Ours is the lowest tie-breaker there is: the peer has to take the other side (RFC 8445 §7.3.1.1).
            answer(Class::Error, &[Attribute::Error(487, "Role Conflict")]);
            return Err(IceError::Refused);
        }
        answer(Class::Success, &[Attribute::Mapped(flow.remote)]);
        let number = generation.number;
        self.note_request(now, flow, number, message.use_candidate);
        Ok(())
    }

    fn note_request(&mut self, now: Instant, flow: Flow, generation: u32, wanted: bool) {
        let selected = self.selected.map(|(flow, _)| flow);
        if self.paths.get(flow).is_some_and(|path| path.generation > generation) {
            // A late question of before the restart: answered, and that is all.
            return;
        }
        let path = self.paths.enter(now, flow, generation, selected);
        path.nominated |= wanted;
        if !path.verified && path.check.is_none() {
            let transaction = self.random.transaction();
            path.check = Some(Check::new(now, transaction));
            self.ask(flow, generation, transaction);
        } else if path.verified {
            self.consider(now, flow);
        }
    }

    fn handle_response(&mut self, now: Instant, flow: Flow, message: &Message<'_>) -> Result<(), IceError> {
        let consent = self.consent.is_some_and(|consent| consent.asked.contains(&Some(message.transaction)));
        let path = self.paths.get(flow).ok_or(IceError::Unasked)?;
        let check = path.check.is_some_and(|check| check.transaction == message.transaction);
        if !consent && !check {
            return Err(IceError::Unasked);
        }
        let generations = [Some(&self.current), self.former.as_ref()].into_iter().flatten();
        let authentic = generations.into_iter().any(|generation| message.is_authentic(generation.remote.password.expose().as_bytes()));
        if !authentic || !message.has_fingerprint() {
            return Err(IceError::NotAuthentic);
        }
        if message.class == Class::Error {
            // It will ask in another role, or not at all; our check is sent again.
            return Err(IceError::Refused);
        }
        if consent && self.selected.is_some_and(|(selected, _)| selected == flow) {
            self.renew_consent(now);
        }
        if let Some(path) = self.paths.get_mut(flow) {
            path.heard = now;
            if check {
                (path.check, path.verified) = (None, true);
                self.events.push_back(IceEvent::Verified(flow));
                self.consider(now, flow);
            }
        }
        Ok(())
    }

    /// A verified path was asked for again, or has just become verified.
    fn consider(&mut self, now: Instant, flow: Flow) {
        let Some(path) = self.paths.get(flow) else { return };
        // A peer that nominates several at once (aggressive nomination) sends by one of them, which is then followed.
        let first = self.selected.is_none_or(|(_, generation)| generation < path.generation);
        let chosen = path.nominated && (first || self.selected_is_silent(now));
        // A translator that has changed the peer's address: nobody nominates, but nothing comes by the old path any more.
        let moved = self.selected.is_some() && self.selected_is_silent(now);
        if !self.is_selected(flow) && (chosen || moved) && self.may_select(flow) {
            self.select(now, flow);
        }
    }

    /// Whether media goes by this path, as the credentials that hold now have it.
    fn is_selected(&self, flow: Flow) -> bool {
        self.selected == Some((flow, self.current.number))
    }

    fn may_select(&self, flow: Flow) -> bool {
        self.paths.get(flow).is_some_and(|path| path.verified && path.generation == self.current.number)
    }

    fn selected_is_silent(&self, now: Instant) -> bool {
        let selected = self.selected.and_then(|(selected, _)| self.paths.get(selected));
        selected.is_some_and(|path| path.is_silent(now))
    }

    fn select(&mut self, now: Instant, flow: Flow) {
        self.selected = Some((flow, self.current.number));
        self.former = None;
        self.renew_consent(now);
        self.events.push_back(IceEvent::Selected(flow));
    }

    /// The peer has just answered a check.
    fn renew_consent(&mut self, now: Instant) {
        let asked = self.consent.map(|consent| consent.asked).unwrap_or_default();
        let due = match self.consent {
            Some(consent) if consent.due > now => consent.due,
            _ => now + self.consent_interval(),
        };
        self.consent = Some(Consent { asked, due, until: now + CONSENT });
    }

    fn keep_consent(&mut self, now: Instant) {
        let Some(consent) = self.consent else { return };
        if consent.until <= now {
            (self.consent, self.selected) = (None, None);
            self.paths.clear();
            return self.events.push_back(IceEvent::ConsentLost);
        }
        let Some((selected, generation)) = self.selected else {
            // The connection is gone and nothing has come in its place, for which there is time until consent ends.
            self.consent = Some(Consent { due: consent.until, ..consent });
            return;
        };
        if consent.due <= now {
            let transaction = self.random.transaction();
            let [first, second, _] = consent.asked;
            let due = now + self.consent_interval();
            self.consent = Some(Consent { asked: [Some(transaction), first, second], due, ..consent });
            self.ask(selected, generation, transaction);
        }
    }

    /// Four to six seconds, by chance, so that a thousand calls do not ask together (RFC 7675 §5.1).
    fn consent_interval(&mut self) -> Duration {
        Duration::from_millis(4_000 + u64::from(self.random.octet()) * 2_000 / 255)
    }

    /// Sends a check of ours.
    fn ask(&mut self, flow: Flow, generation: u32, transaction: TransactionId) {
        let former = self.former.as_ref().filter(|former| former.number == generation);
        let Generation { local, remote, .. } = former.unwrap_or(&self.current);
        let preference = if flow.protocol == Protocol::Udp { PEER_REFLEXIVE_UDP } else { PEER_REFLEXIVE_TCP };
        // The controlled side with the lowest tie-breaker.
        let attributes = [Attribute::Username(&remote.ufrag, &local.ufrag), Attribute::Priority(preference), Attribute::Controlled(0)];
        let mut octets = Vec::with_capacity(MAX_ANSWER_LEN * 2);
        stun::write(&mut octets, Class::Request, transaction, &attributes, remote.password.expose().as_bytes());
        if self.outbox.len() < OUTBOX {
            self.outbox.push_back((flow, octets));
        }
    }
}

/// How long a peer may leave consent checks without an answer (RFC 7675 §5.1).
const CONSENT: Duration = Duration::from_secs(30);
/// Messages that may wait to be sent; they are drained after each input.
const OUTBOX: usize = 16;
/// An answer with an IPv6 address is 76 octets.
const MAX_ANSWER_LEN: usize = 80;
/// Priorities of candidates that a check makes known (RFC 8445 §5.1.2.1, RFC 6544 §4.2).
const PEER_REFLEXIVE_UDP: u32 = 110 << 24 | 65_535 << 8 | 255;
const PEER_REFLEXIVE_TCP: u32 = 110 << 24 | (4 << 13 | 8_191) << 8 | 255;
