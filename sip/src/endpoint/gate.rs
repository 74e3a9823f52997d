//! Who may call and who may register: the application's word, and digest where it asks for proof (RFC 3261 §22).
//!
//! A stranger leaves nothing behind: the challenge goes out without state, and what comes back is checked against itself. Requests
//! within a dialog are not asked again: who knows both tags has been let in.

use std::sync::Arc;
use std::time::Instant;

use super::Endpoint;
use super::admission::Refusal;
use crate::auth::{Algorithm, Algorithms, Denied, DigestServer, DigestServerConfig};
use crate::header::{HeaderName, StatusCode};
use crate::message::Request;
use crate::registration::{Binding, Registrar, RegistrarAnswer, RegistrarConfig};
use crate::transport::Flow;

/// What the application knows of peers.
pub trait Gate: Send + Sync {
    /// What becomes of an INVITE that starts a call.
    fn admit(&self, flow: Flow, request: &Request) -> Admission;

    /// By which algorithms whoever sends from there may prove a name, in the order of the challenges.
    fn algorithms(&self, _flow: Flow) -> Algorithms {
        Algorithms::default()
    }

    /// The password of a name that may prove itself by this algorithm.
    fn password(&self, name: &str, algorithm: Algorithm) -> Option<Box<str>>;

    /// Whether the name may register contacts.
    fn may_register(&self, name: &str) -> bool;

    /// Somebody there has proven a name.
    fn proven(&self, _now: Instant, _flow: Flow) {}

    /// Somebody there has answered a nonce of ours with a wrong name or password.
    fn wrong(&self, _now: Instant, _flow: Flow) {}
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is let in.
    Welcome,
    /// It is let in with credentials, and challenged without (401).
    Challenge,
    /// It is refused.
    Refuse(StatusCode),
}

/// A gate with what it needs to ask for proof.
pub(super) struct Door {
    gate: Arc<dyn Gate>,
    digest: DigestServer,
    registrar: Registrar,
}

impl Endpoint {
    /// From now on `gate` says who may call and register; without one everybody may call and nobody register. One that takes the
    /// place of another finds the nonces and contacts of that one.
    pub fn set_gate(&mut self, now: Instant, gate: Arc<dyn Gate>) {
        match &mut self.door {
            Some(door) => door.gate = gate,
            None => {
                let config = &self.stack.config;
                let digest = DigestServerConfig {
                    realm: config.realm.clone(),
                    seed: self.stack.identifiers.key(),
                    nonce_lifetime: config.nonce_lifetime,
                    max_nonces: config.max_nonces,
                };
                let registrar = Registrar::new(RegistrarConfig::default());
                self.door = Some(Door { gate, digest: DigestServer::new(now, digest), registrar });
            }
        }
    }

    /// Where a registered name can be called, the most preferred contacts first, and of those the latest.
    pub fn contacts(&self, now: Instant, name: &str) -> impl Iterator<Item = &Binding> {
        self.door.iter().flat_map(move |door| door.registrar.look_up(now, name))
    }

    /// Forgets the contacts of a name.
    pub fn forget_contacts(&mut self, name: &str) {
        if let Some(door) = &mut self.door {
            door.registrar.forget(name);
        }
    }

    /// Whether a call may come, and under which name it has proven itself. `None` when it was answered.
    pub(super) fn pass_gate(&mut self, now: Instant, arrived: Flow, request: &Request) -> Option<Option<Box<str>>> {
        let Some(door) = &self.door else { return Some(None) };
        match door.gate.admit(arrived, request) {
            Admission::Welcome => Some(None),
            Admission::Challenge => self.prove(now, arrived, request).map(Some),
            Admission::Refuse(status) => {
                let response = self.stack.stateless(request, arrived, status);
                self.stack.reply_stateless(request, arrived, response);
                None
            }
        }
    }

    /// REGISTER (§10.3). False when there is no gate, so that the method is refused like others.
    pub(super) fn receive_register(&mut self, now: Instant, arrived: Flow, request: &Request) -> bool {
        if self.door.is_none() || !request.uri().is_ok_and(|uri| uri.host_port().is_some()) {
            return false;
        }
        if request.headers().elements(HeaderName::Require).next().is_some() {
            self.stack.refuse(request, arrived, Refusal::Extension);
            return true;
        }
        let Some(name) = self.prove(now, arrived, request) else { return true };
        let Some(door) = &mut self.door else { return true };
        let answer = if door.gate.may_register(&name) {
            door.registrar.handle_register(now, &name, arrived, request)
        } else {
            RegistrarAnswer::Refused(StatusCode::FORBIDDEN)
        };
        tracing::debug!(bindings = door.registrar.len(), "REGISTER answered");
        let status = match &answer {
            RegistrarAnswer::Accepted(_) => StatusCode::OK,
            RegistrarAnswer::TooBrief { .. } => StatusCode::INTERVAL_TOO_BRIEF,
            RegistrarAnswer::Refused(status) => *status,
        };
        let mut response = self.stack.stateless(request, arrived, status);
        match answer {
            RegistrarAnswer::Accepted(contacts) => {
                for (contact, left) in contacts {
                    response = response.header(HeaderName::Contact, format_args!("<{contact}>;expires={left}"));
                }
            }
            RegistrarAnswer::TooBrief { at_least } => response = response.header(HeaderName::MinExpires, at_least),
            RegistrarAnswer::Refused(_) => {}
        }
        self.stack.reply(now, request, arrived, response);
        true
    }

    /// The name that the request proves, or a challenge that has gone out.
    fn prove(&mut self, now: Instant, arrived: Flow, request: &Request) -> Option<Box<str>> {
        let door = self.door.as_mut()?;
        let (gate, source) = (&door.gate, arrived.remote.ip());
        let denied = match door.digest.verify(now, source, request, |name, algorithm| gate.password(name, algorithm)) {
            Ok(name) => {
                gate.proven(now, arrived);
                return Some(name.into());
            }
            Err(denied) => denied,
        };
        if denied == Denied::Wrong {
            tracing::debug!("wrong credentials");
            gate.wrong(now, arrived);
        }
        let mut response = self.stack.stateless(request, arrived, StatusCode::UNAUTHORIZED);
        let algorithms = door.gate.algorithms(arrived);
        for challenge in door.digest.challenge(now, source, denied, algorithms) {
            response = response.header(HeaderName::WwwAuthenticate, challenge);
        }
        self.stack.reply_stateless(request, arrived, response);
        None
    }
}
