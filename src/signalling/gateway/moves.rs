//! Calls that go on with another far end: one that takes the place of their own (Replaces, RFC 3891), or one to whom their
//! own sends us (REFER, RFC 3515), where its trunk may.
//!
//! The call stays one: its agent, its record, its place. Only the trunk that a call came or went by can have its far end
//! replaced, and nobody is called because of a REFER who may not be called without: a number passes the organisation's
//! rules, its limits and the routes, and an address is the trunk's own. A far end that hangs up while we call for it
//! waits for nothing; the call outlives it, if whom we call answers. Left out on purpose: taking the place of a call by an
//! INVITE without an offer (488), names in Refer-To that have to be looked up, and of a name's contacts all but the first.

mod drops;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, Event, IncomingInvite, IncomingRefer, InviteId, InviteOptions, OutgoingInvite};
use sip::header::{Method, Scheme, StatusCode, Uri};
use sip::transport::Flow;

pub(super) use self::drops::Asked;
use super::ringing::Placed;
use super::trunk_calls::{is_named, line_of, outgoing};
use super::{Gateway, SipCall};
use crate::call::event::{NewLine, SignallingEvent};
use crate::domain::ids::OrgId;
use crate::signalling::locate::LocateError;
use crate::signalling::outbound::{Attempt, Destination, DialRefusal, check_user, contact_on};
use crate::signalling::toll::{CallToken, today};
use crate::signalling::trunks::{Directory, Peer, ReferRule, Trunk, TrunkName};

/// Dialogs by which calls are to go on. Bounded by the endpoint's dialogs: one of each kind a call.
#[derive(Default)]
pub(super) struct Moves {
    /// By the new dialog.
    under_way: HashMap<InviteId, Move>,
    /// Whom calls are sent to, until the call has made its offer; by the old dialog.
    referrals: HashMap<InviteId, Referral>,
    /// Old dialogs, and when they are hung up if their far ends have not done so.
    leaving: VecDeque<(Instant, InviteId)>,
}

/// A call on its way from one dialog to another.
struct Move {
    old: InviteId,
    place: Place,
    /// The old far end asked for it by REFER.
    asked: bool,
    /// The call, once the old dialog is over.
    waiting: Option<SipCall>,
}

/// What a dialog is to its call.
struct Place {
    trunk: Option<TrunkName>,
    token: Option<CallToken>,
    flow: Flow,
    contact: Uri,
}

/// Somebody to call because a far end wants us to.
struct Referral {
    attempt: Attempt,
    token: Option<CallToken>,
    options: InviteOptions,
}

impl Moves {
    /// Whether a dialog is one by which a call is to go on.
    pub(super) fn is_moving_to(&self, id: InviteId) -> bool {
        self.under_way.contains_key(&id)
    }

    /// When the next old dialog is hung up.
    pub(super) fn next_leave(&self) -> Option<Instant> {
        self.leaving.front().map(|(at, _)| *at)
    }

    fn of(&self, old: InviteId) -> Option<InviteId> {
        self.under_way.iter().find(|(_, step)| step.old == old).map(|(new, _)| *new)
    }

    fn is_busy(&self, old: InviteId) -> bool {
        self.of(old).is_some() || self.referrals.contains_key(&old)
    }
}

impl Gateway {
    /// Somebody wants the place of a far end of ours (RFC 3891 §3).
    pub(super) fn take_over(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, invite: &IncomingInvite, old: InviteId) {
        let refused = match self.may_take_over(invite, old) {
            Ok((trunk, contact)) => {
                let directory = Arc::clone(self.desk.directory());
                let line = trunk.as_ref().and_then(|name| directory.trunk(name)).map(|trunk| trunk.config.line()).unwrap_or_default();
                let line = NewLine(Arc::new(self.launcher.line(&line, invite.flow.remote.ip())));
                let place = Place { trunk, token: None, flow: invite.flow, contact };
                if let Some(call) = self.calls.get(&old) {
                    self.tap.begin(&call.id, &call.org, Some(&invite.call_id));
                }
                self.moves.under_way.insert(id, Move { old, place, asked: false, waiting: None });
                return self.tell(now, endpoint, old, SignallingEvent::TakenOver { line, sdp: invite.sdp.clone() });
            }
            Err(status) => status,
        };
        tracing::info!(status = refused.code(), "call_not_taken_over");
        endpoint.reject(now, id, refused, None);
    }

    fn may_take_over(&self, invite: &IncomingInvite, old: InviteId) -> Result<(Option<TrunkName>, Uri), StatusCode> {
        let call = self.calls.get(&old).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        let address = invite.flow.remote.ip();
        let is_named = |name: &str| is_named(&self.flood, invite.flow, name);
        let candidates = self.desk.directory().proven(Peer { address, is_named: &is_named, login: invite.login.as_deref() });
        let is_owner = match &call.trunk {
            Some(name) => candidates.iter().any(|trunk| trunk.name == *name),
            None => candidates.is_empty() && address == call.flow.remote.ip(),
        };
        if !is_owner {
            return Err(StatusCode::DECLINE);
        }
        if invite.sdp.is_empty() {
            return Err(StatusCode::NOT_ACCEPTABLE_HERE);
        }
        if self.moves.is_busy(old) {
            return Err(StatusCode::SERVER_INTERNAL_ERROR);
        }
        let contact = contact_on(invite.flow, invite.request_uri.scheme() == Scheme::Sips).ok_or(StatusCode::SERVER_INTERNAL_ERROR)?;
        Ok((call.trunk.clone(), contact))
    }

    /// The call has taken the new line: the answer ends the old one.
    pub(super) fn accept_takeover(&mut self, now: Instant, endpoint: &mut Endpoint, old: InviteId, sdp: Bytes) {
        let Some((new, step)) = self.moves.of(old).and_then(|new| Some((new, self.moves.under_way.remove(&new)?))) else {
            // Whoever it was has gone: the far end that is still there is asked where it is.
            return self.tell(now, endpoint, old, SignallingEvent::OfferDue);
        };
        let contact = step.place.contact.clone();
        self.rebind(now, new, step);
        endpoint.answer(now, new, &contact, sdp);
    }

    pub(super) fn reject_takeover(&mut self, now: Instant, endpoint: &mut Endpoint, old: InviteId) {
        if let Some(new) = self.moves.of(old)
            && self.moves.under_way.remove(&new).is_some()
        {
            endpoint.reject(now, new, StatusCode::NOT_ACCEPTABLE_HERE, None);
        }
    }

    /// The far end wants us to go on with somebody else.
    pub(super) fn referred(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, refer: &IncomingRefer) {
        let Some(referral) = self.referral(now, endpoint, id, refer) else {
            tracing::info!("refer_declined");
            return endpoint.reject_refer(now, id, StatusCode::DECLINE);
        };
        endpoint.accept_refer(now, id);
        let directory = Arc::clone(self.desk.directory());
        let (rules, peer) = line_of(&referral.attempt, &directory);
        let line = NewLine(Arc::new(self.launcher.line(&rules, peer)));
        self.moves.referrals.insert(id, referral);
        self.tell(now, endpoint, id, SignallingEvent::Moving { line });
    }

    fn referral(&mut self, now: Instant, endpoint: &Endpoint, id: InviteId, refer: &IncomingRefer) -> Option<Referral> {
        let directory = Arc::clone(self.desk.directory());
        let call = self.calls.get(&id)?;
        let trunk = directory.trunk(call.trunk.as_ref()?)?;
        let is_open = trunk.config.refer == ReferRule::Local && !self.launcher.is_closed();
        if !is_open || !may_call(&directory, &call.org) || self.moves.is_busy(id) || refer.target.method != Method::Invite {
            return None;
        }
        let (org, flow) = (call.org.clone(), call.flow);
        let options = InviteOptions {
            replaces: refer.target.replaces.clone(),
            referred_by: refer.referred_by.clone().map(Into::into),
            ..InviteOptions::default()
        };
        let uri = &refer.target.uri;
        let user = uri.decoded_user().unwrap_or_default();
        let number = if uri.scheme() == Scheme::Tel { uri.as_str() } else { &user };
        let is_number = directory.outbound().numbering.read(number).is_ok();
        if is_number && options.replaces.is_none() {
            let called = self.call_number(now, endpoint, &directory, &org, number);
            let (attempt, token) = called.inspect_err(|refusal| self.watch_refusal(now, &org, *refusal)).ok()?;
            return Some(Referral { attempt, token: Some(token), options });
        }
        let checked = check_user(&user, directory.outbound(), directory.tenant(&org));
        let rate = checked.inspect_err(|refusal| self.watch_refusal(now, &org, *refusal)).ok()?;
        let attempt = at_trunk(trunk, uri, flow)?;
        self.take_place(now, trunk).ok()?;
        let Some(rate) = rate else { return Some(Referral { attempt, token: None, options }) };
        match self.desk.meter.begin(now, today(), &org, directory.tenant(&org), rate) {
            Ok(token) => Some(Referral { attempt, token: Some(token), options }),
            Err(limit) => {
                self.give_back(now, attempt.trunk.as_ref(), None);
                self.watch_refusal(now, &org, limit.into());
                None
            }
        }
    }

    /// A number that the organisation may call, by the first trunk that has room, counted as its call.
    fn call_number(
        &mut self,
        now: Instant,
        endpoint: &Endpoint,
        directory: &Directory,
        org: &OrgId,
        number: &str,
    ) -> Result<(Attempt, CallToken), DialRefusal> {
        let destination = Destination::read(number, directory, org, || Err(LocateError::NotFound))?;
        let Destination::Number { rate, .. } = destination else { return Err(DialRefusal::Target) };
        let attempts = self.attempts(now, endpoint, &destination, directory, org)?;
        let has_room = |attempt: &Attempt| {
            let trunk = attempt.trunk.as_ref().and_then(|name| directory.trunk(name));
            trunk.is_some_and(|trunk| self.take_place(now, trunk).is_ok())
        };
        let attempt = attempts.into_iter().find(has_room).ok_or(DialRefusal::NoTrunk)?;
        match self.desk.meter.begin(now, today(), org, directory.tenant(org), rate) {
            Ok(token) => Ok((attempt, token)),
            Err(limit) => {
                self.give_back(now, attempt.trunk.as_ref(), None);
                Err(limit.into())
            }
        }
    }

    /// The call has made its offer to whom its far end wants it to go on with.
    pub(super) fn invite_next(&mut self, now: Instant, endpoint: &mut Endpoint, old: InviteId, sdp: Bytes) {
        let directory = self.desk.directory();
        let is_stopped = self.calls.get(&old).is_none_or(|call| !may_call(directory, &call.org));
        if is_stopped {
            return self.drop_referral(now, endpoint, old);
        }
        let Some(Referral { attempt, token, options }) = self.moves.referrals.remove(&old) else { return };
        let usual = outgoing(&attempt, sdp, &self.stir);
        let options = InviteOptions { headers: usual.options.headers.clone(), ..options };
        let invite = OutgoingInvite { options, ..usual };
        let place = Place { trunk: attempt.trunk, token, flow: attempt.flow, contact: attempt.contact };
        match endpoint.invite(now, invite) {
            Ok(new) => {
                if let Some(call) = self.calls.get(&old) {
                    self.tap.begin(&call.id, &call.org, endpoint.call_id(new));
                }
                self.moves.under_way.insert(new, Move { old, place, asked: true, waiting: None });
            }
            Err(_) => {
                endpoint.refer_progress(now, old, StatusCode::SERVICE_UNAVAILABLE);
                self.give_back(now, place.trunk.as_ref(), place.token);
            }
        }
    }

    /// Whether a far end that hangs up is not the end of its call, since somebody else is called for it. The call waits then.
    pub(super) fn outlives_hang_up(&mut self, old: InviteId) -> bool {
        let Some(new) = self.moves.of(old) else { return false };
        let Some(step) = self.moves.under_way.get_mut(&new).filter(|step| step.asked) else { return false };
        step.waiting = self.calls.remove(&old);
        true
    }

    /// Whether the call of an old dialog waits for a new one.
    pub(super) fn waits_without(&self, old: InviteId) -> bool {
        self.moves.under_way.values().any(|step| step.old == old && step.waiting.is_some())
    }

    /// Takes an event of a dialog by which a call is to go on.
    pub(super) fn move_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        let new = event.id();
        let Some(old) = self.moves.under_way.get(&new).map(|step| step.old) else { return };
        match event {
            Event::Ringing { .. } => endpoint.refer_progress(now, old, StatusCode::RINGING),
            Event::Answered { sdp, .. } => {
                let Some(step) = self.moves.under_way.remove(&new) else { return };
                endpoint.refer_progress(now, old, StatusCode::OK);
                self.moves.leaving.push_back((now + PATIENCE, old));
                self.rebind(now, new, step);
                self.tell(now, endpoint, new, SignallingEvent::Moved { sdp });
            }
            Event::Refused { status, .. } => self.give_up(now, endpoint, new, status),
            Event::TimedOut { .. } => self.give_up(now, endpoint, new, StatusCode::REQUEST_TIMEOUT),
            Event::Unreachable { .. } => self.give_up(now, endpoint, new, StatusCode::SERVICE_UNAVAILABLE),
            Event::Ended { .. } => self.give_up(now, endpoint, new, StatusCode::REQUEST_TERMINATED),
            // What the call shall hear is offered and answered with the call.
            Event::Offered { offer, .. } => endpoint.reject_offer(now, new, offer, StatusCode::NOT_ACCEPTABLE_HERE),
            _ => {}
        }
    }

    /// Far ends that sent us elsewhere hang up themselves, as a rule (RFC 5589 §6.1).
    pub(super) fn leave_old_lines(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while let Some(&(_, old)) = self.moves.leaving.front().filter(|(at, _)| *at <= now) {
            self.moves.leaving.pop_front();
            endpoint.hang_up(now, old);
        }
    }

    /// The call goes on as it was, or ends with the far end that is gone.
    fn give_up(&mut self, now: Instant, endpoint: &mut Endpoint, new: InviteId, status: StatusCode) {
        let Some(Move { old, place, asked, waiting }) = self.moves.under_way.remove(&new) else { return };
        if asked {
            endpoint.refer_progress(now, old, status);
            self.give_back(now, place.trunk.as_ref(), place.token);
        }
        if let Some(call) = waiting {
            self.names.remove(&call.key);
            self.tap.end(now, &call.id);
            // A call that does not listen any more has ended by itself.
            drop(call.signals.try_send(SignallingEvent::HungUp));
            self.leave(now, &call);
        }
    }

    /// The call's dialog is the new one from now on.
    fn rebind(&mut self, now: Instant, new: InviteId, step: Move) {
        let Move { old, place, asked, waiting } = step;
        let Some(mut call) = waiting.or_else(|| self.calls.remove(&old)) else { return };
        if asked {
            self.release(now, &call);
            // Whom we called: what ends calls out ends this one.
            call.placed = Some(Placed { token: place.token, search: None, line: 0 });
        } else if let Some(placed) = &mut call.placed {
            placed.search = None;
        }
        (call.trunk, call.flow, call.contact, call.joined_to) = (place.trunk, place.flow, place.contact, None);
        self.names.insert(call.key, new);
        self.calls.insert(new, call);
    }

    fn give_back(&mut self, now: Instant, trunk: Option<&TrunkName>, token: Option<CallToken>) {
        if let Some(trunk) = trunk {
            self.desk.limits.release(trunk);
        }
        if let Some(token) = token {
            self.desk.meter.end(now, today(), token);
        }
    }
}

/// Whether calls go out for an organisation at all.
fn may_call(directory: &Directory, org: &OrgId) -> bool {
    directory.outbound().enabled && !directory.is_stopped(org)
}

/// By the trunk that named it, if it is there: at an address of the trunk's, or at the one that its call has come from.
fn at_trunk(trunk: &Trunk, uri: &Uri, flow: Flow) -> Option<Attempt> {
    let address = uri.host().trim_matches(['[', ']']).parse().ok();
    let is_own = |address| address == flow.remote.ip() || trunk.config.addresses.iter().any(|network| network.contains(address));
    let is_target = trunk.config.target_uri().is_some_and(|target| target.host().eq_ignore_ascii_case(uri.host()));
    let flow = match address {
        Some(address) if is_own(address) => {
            let remote = std::net::SocketAddr::new(address, uri.port().unwrap_or_else(|| flow.transport.default_port()));
            let connection = flow.connection.filter(|_| remote == flow.remote);
            Flow { remote, connection, ..flow }
        }
        // A name of the trunk's own leads to where its call is already.
        _ if is_target => flow,
        _ => return None,
    };
    let contact = contact_on(flow, uri.scheme() == Scheme::Sips)?;
    Some(Attempt {
        trunk: Some(trunk.name.clone()),
        flow,
        contact: contact.clone(),
        alternatives: Vec::new(),
        request_uri: uri.clone(),
        to: uri.clone().into(),
        from: contact.into(),
        asserted: None,
        withheld: false,
        account: trunk.account.clone(),
        statement: None,
        preference: None,
    })
}

/// How long a far end that sent us elsewhere has to hang up.
const PATIENCE: Duration = Duration::from_secs(2);
