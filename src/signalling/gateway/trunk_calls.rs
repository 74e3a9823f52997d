//! Calls by trunks: which one an inbound call came by, by which ones an outbound call is tried, and what both use up.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sip::endpoint::{Endpoint, IncomingInvite, InviteOptions, OutgoingInvite};
use sip::header::HeaderName;
use sip::transport::Flow;

use super::ringing::{Branch, Placed, Search};
use super::watched_door::WatchedDoor;
use super::{Gateway, Owner};
use crate::call::config::{AnswerRule, NumberConfig};
use crate::call::event::{RejectCause, SignallingKey};
use crate::call::launch::{LaunchError, LaunchRequest, Launched};
use crate::call::registry::StartError;
use crate::domain::call_record::Direction;
use crate::domain::caller_verification::CallerVerification;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::network::Network;
use crate::domain::redacted::Redacted;
use crate::leg::line_rules::LineRules;
use crate::signalling::locate::LocateError;
use crate::signalling::outbound::{Attempt, Destination, DialRefusal, OUR_USER, Ways};
use crate::signalling::stir::Stir;
use crate::signalling::toll::{CallToken, today};
use crate::signalling::transport::FloodGuard;
use crate::signalling::trunks::{Desk, Dialled, Directory, Door, Peer, Refused, Trunk, TrunkName, arrival, asserted_number};

/// Who wants to call whom.
pub(super) struct Wish {
    pub(super) org: OrgId,
    pub(super) to: Redacted<String>,
    pub(super) agent: Option<String>,
    pub(super) briefing: Option<Redacted<String>>,
}

impl Gateway {
    /// Trunks, numbers and tenants are others from now on. Calls go on as they began, but those end at once that are not allowed any more.
    pub fn replace_directory(&mut self, now: Instant, endpoint: &mut Endpoint, directory: Arc<Directory>) {
        let connections = self.flood.clone();
        let is_named = Box::new(move |flow, name: &str| is_named(&connections, flow, name));
        let door = Door { directory: Arc::clone(&directory), is_named };
        endpoint.set_gate(now, Arc::new(WatchedDoor { door, flood: self.flood.clone() }));
        for login in self.desk.directory().ended_contacts(&directory) {
            endpoint.forget_contacts(login);
        }
        let leaving = self.desk.replace(now, Arc::clone(&directory));
        Desk::take_leave(now, endpoint, leaving);
        self.flood.trust(directory.trunks().flat_map(|trunk| trunk.config.addresses.clone()).collect());
        self.end_forbidden(now, endpoint, &directory);
        // A limit that was made smaller counts at once.
        self.meter_minutes(now, endpoint);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.desk.handle_timeout(now, endpoint);
        self.tap.handle_timeout(now);
        self.meter_minutes(now, endpoint);
        self.leave_old_lines(now, endpoint);
        self.leave_who_ring(now, endpoint);
    }

    /// The ways to a trunk's target, the first one first.
    pub fn set_flows(&mut self, now: Instant, name: &TrunkName, flows: Vec<Flow>) {
        self.desk.set_flows(now, name, flows);
    }

    /// When [`Gateway::handle_timeout`] wants to be called.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let (leave, end) = (self.moves.next_leave(), self.branches.next_end());
        let due = [self.desk.poll_timeout(now), self.desk.meter.next_minute(), self.tap.poll_timeout(), leave, end];
        due.into_iter().flatten().min()
    }

    /// Launches the call that an INVITE asks for; by which trunk it came.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        key: SignallingKey,
        invite: &IncomingInvite,
        verification: Option<CallerVerification>,
    ) -> Result<(Launched, Option<TrunkName>, OrgId), RejectCause> {
        let directory = Arc::clone(self.desk.directory());
        let address = invite.flow.remote.ip();
        let is_named = |name: &str| is_named(&self.flood, invite.flow, name);
        let candidates = directory.proven(Peer { address, is_named: &is_named, login: invite.login.as_deref() });
        if candidates.is_empty() && !directory.takes_unknown(address) {
            return Err(RejectCause::UnknownNumber);
        }
        let user = |uri: &sip::header::Uri| uri.decoded_user().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let dialled = Dialled { request: &user(&invite.request_uri), to: &user(&invite.to_uri) };
        let (number, trunk) = directory.answering(&candidates, dialled).ok_or(RejectCause::UnknownNumber)?;
        if !self.rate.admits(now) {
            return Err(RejectCause::Unavailable);
        }
        self.take_places(now, &directory, &number.org, trunk).map_err(|refused| match refused {
            Refused::Calls => RejectCause::Busy,
            Refused::Rate => RejectCause::TemporarilyUnavailable,
        })?;
        let request = self.inbound_request(key, invite, number, trunk.map(Arc::as_ref), dialled);
        let request = LaunchRequest { verification, ..request };
        let org = request.org.clone();
        let launched = self.launcher.launch(request).map_err(|error| {
            tracing::debug!(%error, "call_not_launched");
            self.leave_places(&org, trunk.map(|trunk| &trunk.name));
            error.reject_cause()
        })?;
        Ok((launched, trunk.map(|trunk| trunk.name.clone()), org))
    }

    fn inbound_request(
        &self,
        key: SignallingKey,
        invite: &IncomingInvite,
        number: &NumberConfig,
        trunk: Option<&Trunk>,
        dialled: Dialled<'_>,
    ) -> LaunchRequest {
        let from = invite.from_uri.decoded_user().unwrap_or_default();
        let (from, to) = match trunk {
            Some(trunk) => {
                let from = asserted_number(&trunk.config, &invite.message).unwrap_or_else(|| trunk.config.numbering.tidy(&from));
                (from, trunk.config.numbering.tidy(dialled.on(&trunk.config)))
            }
            None => (from.into_owned(), dialled.request.to_owned()),
        };
        LaunchRequest {
            key,
            org: number.org.clone(),
            codecs: number.codecs.clone(),
            direction: Direction::Inbound,
            line: trunk.map(|trunk| trunk.config.line()).unwrap_or_default(),
            others: Vec::new(),
            analysis: number.analysis,
            enhancement: number.enhancement(),
            keys: number.keys(),
            keys_to_agent: number.dtmf_to_agent,
            conduct: number.conduct.clone(),
            briefing: None,
            from: Redacted::new(from),
            to: Redacted::new(to),
            agents: number.agents(),
            verification: None,
            arrival: trunk.and_then(|trunk| arrival(&trunk.config, &invite.message)),
            answer: number.answer,
            peer: invite.flow.remote.ip(),
            // Without one we are asked to offer.
            offer: (!invite.sdp.is_empty()).then(|| invite.sdp.clone()),
            signalling: self.to_sip.clone(),
        }
    }

    /// Places an outbound call.
    pub(super) fn try_dial(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        wish: Wish,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) -> Result<CallId, StartError> {
        let directory = Arc::clone(self.desk.directory());
        let org = wish.org.clone();
        let prepared = self.prepare(now, endpoint, &directory, &wish, servers);
        let (token, mut attempts) = prepared.map_err(|refusal| {
            tracing::info!(%refusal, "call_not_dialled");
            self.watch_refusal(now, &org, refusal);
            refusal.start_error()
        })?;
        let rules = directory.default_number(&org).cloned().unwrap_or_default();
        let agent = wish.agent.clone().or_else(|| directory.default_number(&org).map(|number| number.agent.clone()));
        let placed = match agent {
            Some(agent) => self.place(now, endpoint, &directory, (wish, rules, agent), &mut attempts, token),
            None => Err(StartError::UnknownAgent),
        };
        if placed.is_err()
            && let Some(token) = token
        {
            self.desk.meter.void(now, today(), token);
        }
        self.send_charges();
        placed
    }

    /// Whether a wish may be fulfilled, and by which ways; a number's call is counted from here on.
    fn prepare(
        &mut self,
        now: Instant,
        endpoint: &Endpoint,
        directory: &Directory,
        wish: &Wish,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) -> Result<(Option<CallToken>, VecDeque<Attempt>), DialRefusal> {
        let destination = Destination::read(wish.to.expose(), directory, &wish.org, servers)?;
        let attempts = self.attempts(now, endpoint, &destination, directory, &wish.org)?.into();
        let begin = |rate| self.desk.meter.begin(now, today(), &wish.org, directory.tenant(&wish.org), rate);
        Ok((destination.rate().map(begin).transpose()?, attempts))
    }

    /// A place for an attempt on its trunk, if it goes by one.
    pub(super) fn take_attempt(&mut self, now: Instant, directory: &Directory, attempt: &Attempt) -> bool {
        let Some(name) = &attempt.trunk else { return true };
        directory.trunk(name).is_some_and(|trunk| self.take_place(now, trunk).is_ok())
    }

    pub(super) fn attempts(
        &self,
        now: Instant,
        endpoint: &Endpoint,
        destination: &Destination,
        directory: &Directory,
        org: &OrgId,
    ) -> Result<Vec<Attempt>, DialRefusal> {
        let ways = |trunk: &Trunk| self.desk.ways(now, endpoint, trunk);
        Ways { ways: &ways }.attempts(destination, directory, org, None)
    }

    fn place(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        directory: &Directory,
        (wish, rules, agent): (Wish, NumberConfig, String),
        attempts: &mut VecDeque<Attempt>,
        token: Option<CallToken>,
    ) -> Result<CallId, StartError> {
        // A trunk that is full is passed over; nobody is told 503 for it.
        while !self.take_attempt(now, directory, attempts.front().ok_or(StartError::Capacity)?) {
            attempts.pop_front();
        }
        let trunk = attempts.front().and_then(|first| first.trunk.clone());
        let lines = attempts.iter().map(|attempt| line_of(attempt, directory)).collect();
        let started = self.launch_and_invite(now, endpoint, (&wish, &rules, agent), lines, attempts, token);
        if started.is_err()
            && let Some(name) = &trunk
        {
            self.desk.limits.release(name);
        }
        started
    }

    fn launch_and_invite(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        (wish, rules, agent): (&Wish, &NumberConfig, String),
        mut lines: VecDeque<(LineRules, IpAddr)>,
        attempts: &mut VecDeque<Attempt>,
        token: Option<CallToken>,
    ) -> Result<CallId, StartError> {
        let key = self.next_key();
        let (line, peer) = lines.pop_front().ok_or(StartError::Capacity)?;
        let first = attempts.front().ok_or(StartError::Capacity)?;
        let trunk = first.trunk.clone();
        let request = LaunchRequest {
            key,
            org: wish.org.clone(),
            codecs: None,
            direction: Direction::Outbound,
            line,
            others: lines.into(),
            analysis: rules.analysis,
            enhancement: rules.enhancement(),
            keys: rules.keys(),
            keys_to_agent: rules.dtmf_to_agent,
            conduct: rules.conduct.clone(),
            briefing: wish.briefing.clone(),
            from: Redacted::new(first.from.uri().user().unwrap_or(OUR_USER).to_owned()),
            to: wish.to.clone(),
            // Who was asked for by name has those take over that do so for the number's own.
            agents: std::iter::once(agent.clone())
                .chain(rules.agents().into_iter().filter(|name| *name != agent && rules.agent == agent))
                .collect(),
            verification: None,
            arrival: None,
            answer: AnswerRule::default(),
            peer,
            offer: None,
            signalling: self.to_sip.clone(),
        };
        let launched = self.launcher.launch(request).map_err(|error| match error {
            LaunchError::UnknownAgent => StartError::UnknownAgent,
            LaunchError::NoAgreement => StartError::NotAllowed,
            LaunchError::Capacity | LaunchError::Port(_) | LaunchError::Saturated | LaunchError::Media(_) => StartError::Capacity,
        })?;
        let mut search = Search::new(std::mem::take(attempts).into_iter().zip(launched.offers.iter().cloned()).collect());
        let id = launched.id.clone();
        // A call whose INVITE never goes is told so by its signalling queue, which is dropped here.
        let rung = self.ring_next(now, endpoint, &mut search, (key, &id, &wish.org));
        let (dialog, Branch { line, flow, contact, .. }) = rung.ok_or(StartError::Capacity)?;
        self.enter(dialog, key, launched, Owner { org: wish.org.clone(), trunk, flow, contact });
        if let Some(call) = self.calls.get_mut(&dialog) {
            call.placed = Some(Placed { token, search: Some(search), line });
        }
        Ok(id)
    }
}

/// What holds on the line of an attempt, and who is at its other end.
pub(super) fn line_of(attempt: &Attempt, directory: &Directory) -> (LineRules, IpAddr) {
    let trunk = attempt.trunk.as_ref().and_then(|name| directory.trunk(name));
    let mut line = trunk.map(|trunk| trunk.config.line()).unwrap_or_default();
    // Who answers sends media from where it is, whichever of the trunk's servers that is.
    line.media_networks.extend(attempt.alternatives.iter().map(|flow| Network::from(flow.remote.ip())));
    (line, attempt.flow.remote.ip())
}

pub(super) fn outgoing(attempt: &Attempt, body: Bytes, stir: &Stir) -> OutgoingInvite {
    let signed = stir.sign(attempt.statement.as_ref());
    let headers = if attempt.withheld { signed.with(HeaderName::Privacy, "id") } else { signed };
    OutgoingInvite {
        flow: attempt.flow,
        alternatives: attempt.alternatives.clone(),
        registered: attempt.preference.is_some(),
        request_uri: attempt.request_uri.clone(),
        from: attempt.from.clone(),
        to: attempt.to.clone(),
        contact: attempt.contact.clone(),
        account: attempt.account.clone(),
        asserted: attempt.asserted.clone(),
        body,
        options: InviteOptions { headers, ..InviteOptions::default() },
    }
}

/// Whether the peer of a flow has shown a certificate for `name` that one of our authorities vouches for. Over UDP nobody shows any.
pub(super) fn is_named(connections: &FloodGuard, flow: Flow, name: &str) -> bool {
    flow.connection.is_some_and(|connection| connections.is_named(connection, name))
}
