//! Which call an event of SIP belongs to, and which call an INVITE becomes.
//!
//! Holds the table from SIP's name of a call to the call. Bounded by the endpoint's dialogs; a call that does not take
//! its news in time is hung up.

mod callers;
mod guard;
mod moves;
mod places;
mod ringing;
mod standings;
mod transfers;
mod trunk_calls;
mod watched_door;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use sip::endpoint::{Endpoint, Event, IncomingInvite, InviteId};
use sip::header::{Causes, Scheme, Uri};
use sip::transport::Flow;
use tokio::sync::mpsc;

use self::guard::Guard;
use self::moves::Moves;
use self::ringing::{Branches, Placed};
pub use self::standings::{StandingQuestion, Standings, TrunkStanding};
use self::trunk_calls::Wish;
use super::ladder::Tap;
use super::locate::LocateError;
use super::outbound::contact_on;
use super::stir::Stir;
use super::toll::{Alarms, Charge, TollDay};
use super::transport::FloodGuard;
use super::trunks::{CallRate, Desk, Directory, TrunkName};
use super::verbs::{carry_out, news, reject};
use crate::call::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use crate::call::launch::{Launched, Launcher};
use crate::call::registry::OutboundRequest;
use crate::call::transfer::TransferNews;
use crate::domain::caller_verification::CallerVerification;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::transfer::TransferOutcome;
use crate::telemetry::MaskedAddr;

/// The calls behind a SIP endpoint.
pub struct Gateway {
    launcher: Launcher,
    /// Trunks, numbers, tenants, and what they use.
    desk: Desk,
    guard: Guard,
    flood: FloodGuard,
    rate: CallRate,
    tap: Tap,
    stir: Stir,
    to_sip: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    calls: HashMap<InviteId, SipCall>,
    moves: Moves,
    branches: Branches,
    names: HashMap<SignallingKey, InviteId>,
    last_key: u64,
}

#[derive(Debug)]
struct SipCall {
    id: CallId,
    org: OrgId,
    key: SignallingKey,
    /// By which way the far end was reached first.
    flow: Flow,
    /// What the far end is told of us.
    contact: Uri,
    signals: mpsc::Sender<SignallingEvent>,
    trunk: Option<TrunkName>,
    /// Whether it is one of its tenant's calls in.
    came_in: bool,
    placed: Option<Placed>,
    /// The call whose far end is asked to take the place of ours in this one.
    joined_to: Option<InviteId>,
}

/// Whose a new call is, and who is at its other end.
struct Owner {
    org: OrgId,
    trunk: Option<TrunkName>,
    flow: Flow,
    contact: Uri,
}

/// How a gateway is made.
pub struct GatewayConfig {
    /// Makes calls.
    pub launcher: Launcher,
    /// Trunks, numbers and tenants.
    pub directory: Arc<Directory>,
    /// Random bytes.
    pub seed: [u8; 32],
    /// Whom to vouch for.
    pub flood: FloodGuard,
    /// New inbound calls a second; 0 sets no limit.
    pub max_calls_per_second: u32,
    /// Sees every message.
    pub tap: Tap,
    /// Signs and verifies who calls.
    pub stir: Stir,
    /// How calls reach the endpoint.
    pub to_sip: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    /// Where accounts are charged.
    pub charges: mpsc::Sender<Charge>,
    /// The accounts of today so far.
    pub accounts: Vec<TollDay>,
}

impl Gateway {
    /// A gateway without calls.
    #[must_use]
    pub fn new(now: Instant, config: GatewayConfig) -> Self {
        let GatewayConfig { launcher, directory, seed, flood, max_calls_per_second, tap, stir, to_sip, charges, accounts } = config;
        let desk = Desk::new(now, directory, seed);
        let rate = CallRate::new(now, max_calls_per_second);
        let guard = Guard { alarms: Alarms::default(), charges };
        let (calls, names, moves, branches) = (HashMap::new(), HashMap::new(), Moves::default(), Branches::default());
        let mut gateway = Self { launcher, desk, guard, flood, rate, tap, stir, to_sip, calls, moves, branches, names, last_key: 0 };
        gateway.restore(&accounts);
        gateway
    }

    /// Takes an event of the endpoint.
    pub fn event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        if self.moves.is_moving_to(event.id()) {
            return self.move_event(now, endpoint, event);
        }
        if self.branches.has(event.id()) {
            return self.branch_event(now, endpoint, event);
        }
        let is_failure = matches!(event, Event::Refused { .. } | Event::TimedOut { .. } | Event::Unreachable { .. });
        let told = if is_failure { self.fail(now, endpoint, event) } else { Some(event) };
        let Some(event) = told else { return };
        match &event {
            Event::Ended { id } => return self.forget(now, endpoint, *id),
            Event::HungUp { id, .. } if self.outlives_hang_up(*id) => return,
            // The ACK has our tag: whoever sends it receives what we send.
            Event::Confirmed { id, .. } => {
                if let Some(call) = self.calls.get(id) {
                    self.flood.vouch(call.flow.remote.ip());
                }
            }
            _ => {}
        }
        match news(event) {
            Ok((id, SignallingEvent::Answered { sdp, .. })) => self.answered(now, endpoint, id, sdp),
            // Whom we joined with another is told by its far end that the other has come.
            Ok((id, SignallingEvent::HungUp)) if self.calls.get(&id).is_some_and(|call| call.joined_to.is_some()) => {
                self.tell(now, endpoint, id, SignallingEvent::Transfer(TransferNews::TakenAlong));
            }
            Ok((id, news)) => {
                if matches!(news, SignallingEvent::Transfer(TransferNews::Ended(outcome)) if outcome != TransferOutcome::Succeeded) {
                    self.part(id);
                }
                self.tell(now, endpoint, id, news);
            }
            Err(Event::Incoming { id, invite }) => self.incoming(now, endpoint, id, invite),
            Err(Event::Replaced { id, .. }) => self.tell(now, endpoint, id, SignallingEvent::HungUp),
            Err(Event::Referred { id, refer }) => self.referred(now, endpoint, id, &refer),
            Err(Event::Replied { id, response }) => self.desk.handle_reply(now, id, Some(&response)),
            Err(Event::Unanswered { id }) => self.desk.handle_reply(now, id, None),
            // What is played before the answer is nobody's to hear: the agent speaks with whoever answers.
            Err(_) => {}
        }
    }

    fn tell(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, news: SignallingEvent) {
        let Some(call) = self.calls.get(&id) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = call.signals.try_send(news) {
            tracing::error!(call = %call.id, "call_unresponsive");
            self.leave_beside(now, endpoint, id, Causes::default());
            endpoint.hang_up(now, id);
        }
    }

    /// Whether the gateway stops, and takes no more calls.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.launcher.is_closed()
    }

    /// What sees messages go by.
    pub const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// The end of all signalling: what sees messages may still have to hand on.
    #[must_use]
    pub fn into_tap(self) -> Tap {
        self.tap
    }

    /// Does what a call wants of the endpoint.
    pub fn command(&mut self, now: Instant, endpoint: &mut Endpoint, key: SignallingKey, command: SignallingCommand) {
        let Some(&id) = self.names.get(&key) else { return };
        match command {
            SignallingCommand::AcceptTakeover { sdp } => return self.accept_takeover(now, endpoint, id, sdp),
            SignallingCommand::RejectTakeover => return self.reject_takeover(now, endpoint, id),
            SignallingCommand::Move { sdp } => return self.invite_next(now, endpoint, id, sdp),
            SignallingCommand::RejectMove => return self.drop_referral(now, endpoint, id),
            SignallingCommand::Hangup => {
                self.drop_moves(now, endpoint, id);
                self.leave_beside(now, endpoint, id, Causes::default());
            }
            _ => {}
        }
        if let Some(call) = self.calls.get(&id) {
            carry_out(now, endpoint, id, &call.contact, command);
        }
    }

    /// Starts a call that the API asked for, and tells it how that went; `servers` are those of a SIP URI.
    pub fn dial(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        request: OutboundRequest,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) {
        if request.briefing.is_some() && request.reply.is_closed() {
            // The call that this person was to be told of is over.
            return;
        }
        let OutboundRequest { org, to, agent, briefing, reply } = request;
        let started = self.try_dial(now, endpoint, Wish { org, to, agent, briefing }, servers);
        // Whoever asked may have gone; the call goes on and ends by its own rules.
        drop(reply.send(started));
    }

    /// A call whose caller is as verified as its trunk wants it.
    fn receive(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        id: InviteId,
        invite: &IncomingInvite,
        verification: Option<CallerVerification>,
    ) {
        if let Some(replaced) = invite.replaces {
            return self.take_over(now, endpoint, id, invite, replaced);
        }
        let key = self.next_key();
        match self.admit(now, key, invite, verification) {
            Ok((launched, trunk, org)) => {
                tracing::info!(call = %launched.id, peer = %MaskedAddr::from(invite.flow.remote), "call_offered");
                match contact_on(invite.flow, invite.request_uri.scheme() == Scheme::Sips) {
                    Some(contact) => {
                        self.tap.begin(&launched.id, &org, Some(&invite.call_id));
                        self.enter(id, key, launched, Owner { org, trunk, flow: invite.flow, contact });
                        if let Some(call) = self.calls.get_mut(&id) {
                            call.came_in = true;
                        }
                    }
                    None => {
                        self.leave_places(&org, trunk.as_ref());
                        reject(now, endpoint, id, RejectCause::Internal);
                    }
                }
            }
            Err(cause) => {
                self.launcher.metrics().call_refused(cause.name());
                // Counted above; a line each would let a flood fill the log.
                tracing::debug!(cause = cause.name(), peer = %MaskedAddr::from(invite.flow.remote), "call_refused");
                reject(now, endpoint, id, cause);
            }
        }
    }

    fn enter(&mut self, invite: InviteId, key: SignallingKey, launched: Launched, owner: Owner) {
        let Owner { org, trunk, flow, contact } = owner;
        let Launched { id, signals, .. } = launched;
        self.names.insert(key, invite);
        self.calls.insert(invite, SipCall { id, org, key, flow, contact, signals, trunk, came_in: false, placed: None, joined_to: None });
    }

    fn forget(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId) {
        self.stir.forget(id);
        if !self.waits_without(id) {
            self.drop_moves(now, endpoint, id);
        }
        self.leave_beside(now, endpoint, id, Causes::default());
        if let Some(call) = self.calls.remove(&id) {
            self.names.remove(&call.key);
            self.tap.end(now, &call.id);
            self.leave(now, &call);
        }
    }

    const fn next_key(&mut self) -> SignallingKey {
        self.last_key += 1;
        SignallingKey(self.last_key)
    }
}
