//! What guards calls out while they run: the meter and its limits, the switch that ends them, and the alarms.

use std::sync::Arc;
use std::time::Instant;

use sip::endpoint::{Endpoint, InviteId};
use sip::header::Causes;
use tokio::sync::mpsc;

use super::Gateway;
use super::moves::Asked;
use crate::domain::event::{Event, EventKind, TollAlarm};
use crate::domain::ids::OrgId;
use crate::domain::termination::PolicyReason;
use crate::signalling::dialling::DialError;
use crate::signalling::outbound::DialRefusal;
use crate::signalling::toll::{Alarms, CallToken, Charge, MeterRefusal, Settlement, TollDay, today};
use crate::signalling::trunks::Directory;

/// What a gateway needs to guard calls out.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) alarms: Alarms,
    pub(super) charges: mpsc::Sender<Charge>,
}

impl Gateway {
    /// A charge is in the store, or could not be brought there.
    pub fn settle(&mut self, now: Instant, endpoint: &mut Endpoint, (charge, total): &Settlement) {
        match total {
            Some(total) => self.desk.meter.settle(charge, *total),
            None => self.desk.meter.take_back(charge),
        }
        self.send_charges();
        self.end_exceeded(now, endpoint);
    }

    /// Goes on with the accounts of today as the store has them.
    pub(super) fn restore(&mut self, accounts: &[TollDay]) {
        for account in accounts.iter().filter(|account| account.day == today()) {
            self.desk.meter.restore(&account.org_id, account.day, account.used);
        }
    }

    /// Ends what another directory does not allow any more: all calls out where they are stopped, by trunks where those are
    /// switched off, and calls by trunks that are no more; those that we make because of a far end as well.
    pub(super) fn end_forbidden(&mut self, now: Instant, endpoint: &mut Endpoint, directory: &Directory) {
        let enabled = directory.outbound().enabled;
        let ends = self.calls.iter().filter_map(|(id, call)| {
            let (is_placed, is_tolled) = (call.placed.is_some(), call.placed.as_ref().is_some_and(|placed| placed.token.is_some()));
            if (is_placed && directory.is_stopped(&call.org)) || (is_tolled && !enabled) {
                return Some((*id, PolicyReason::OutboundStopped));
            }
            let is_gone = call.trunk.as_ref().is_some_and(|name| directory.trunk(name).is_none());
            is_gone.then_some((*id, PolicyReason::TrunkRemoved))
        });
        let ends: Vec<_> = ends.collect();
        if !ends.is_empty() {
            tracing::warn!(calls = ends.len(), "calls_not_allowed_any_more");
        }
        self.end_all(now, endpoint, ends);
        self.drop_asked(now, endpoint, |Asked { org, trunk, .. }| {
            let is_gone = trunk.is_some_and(|name| directory.trunk(name).is_none());
            let is_stopped = !enabled || directory.is_stopped(org);
            is_stopped.then_some(PolicyReason::OutboundStopped).or(is_gone.then_some(PolicyReason::TrunkRemoved))
        });
    }

    /// Charges minutes that have begun, and ends calls that are over a limit by it.
    pub(super) fn meter_minutes(&mut self, now: Instant, endpoint: &mut Endpoint) {
        self.desk.meter.handle_time(now, today());
        self.send_charges();
        self.end_exceeded(now, endpoint);
    }

    /// Hands out what accounts are to be charged with; what does not fit is tried again with the next.
    pub(super) fn send_charges(&mut self) {
        for charge in self.desk.meter.take_charges() {
            if self.guard.charges.try_send(charge.clone()).is_err() {
                self.desk.meter.take_back(&charge);
            }
        }
    }

    /// Gives the alarm that a refused wish is, or is one too many of.
    pub(super) fn watch_refusal(&mut self, now: Instant, org: &OrgId, refusal: DialRefusal) {
        let (cause, times) = match refusal {
            DialRefusal::Meter(limit) => (alarm_of(limit), self.guard.alarms.raise(now, org, alarm_of(limit))),
            DialRefusal::Toll(_) | DialRefusal::Number(DialError::Emergency) => {
                (TollAlarm::RefusedDestinations, self.guard.alarms.refuse(now, org))
            }
            _ => return,
        };
        self.give_alarm(org, cause, times);
    }

    fn end_exceeded(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let directory = Arc::clone(self.desk.directory());
        let over = self.desk.meter.exceeded(|org| directory.tenant(org));
        if over.is_empty() {
            return;
        }
        tracing::warn!(calls = over.len(), "toll_limit_reached");
        for (token, limit) in &over {
            if let Some(org) = self.desk.meter.owner(*token).cloned() {
                let times = self.guard.alarms.raise(now, &org, alarm_of(*limit));
                self.give_alarm(&org, alarm_of(*limit), times);
            }
        }
        let limit_of = |token: CallToken| over.iter().find(|(over, _)| *over == token).map(|(_, limit)| reason_of(*limit));
        let ends = self.calls.iter().filter_map(|(id, call)| Some((*id, limit_of(call.placed.as_ref()?.token?)?)));
        let ends: Vec<_> = ends.collect();
        self.end_all(now, endpoint, ends);
        self.drop_asked(now, endpoint, |Asked { token, .. }| limit_of(token?));
    }

    fn end_all(&mut self, now: Instant, endpoint: &mut Endpoint, ends: Vec<(InviteId, PolicyReason)>) {
        for (id, reason) in ends {
            let Some(call) = self.calls.get(&id) else { continue };
            // A call that takes no command is ended on the wire, and learns of it from there.
            if !self.launcher.end(&call.org, &call.id, reason) {
                self.leave_beside(now, endpoint, id, Causes::default());
                endpoint.hang_up(now, id);
            }
        }
    }

    fn give_alarm(&self, org: &OrgId, cause: TollAlarm, times: Option<u32>) {
        let Some(times) = times else { return };
        tracing::warn!(%org, cause = cause.name(), times, "toll_alarm");
        self.launcher.metrics().toll_alarm(cause.name());
        // Nobody watching is no error.
        let _ = self.launcher.events().send(Event {
            org_id: org.clone(),
            call_id: None,
            patient_id: None,
            kind: EventKind::TollAlarm { cause, times },
        });
    }
}

const fn alarm_of(limit: MeterRefusal) -> TollAlarm {
    match limit {
        MeterRefusal::Calls => TollAlarm::CallsLimit,
        MeterRefusal::Minutes => TollAlarm::MinutesLimit,
        MeterRefusal::Spend => TollAlarm::SpendLimit,
    }
}

const fn reason_of(limit: MeterRefusal) -> PolicyReason {
    match limit {
        // A call that is up is within that one.
        MeterRefusal::Calls => PolicyReason::Capacity,
        MeterRefusal::Minutes => PolicyReason::MinutesPerDay,
        MeterRefusal::Spend => PolicyReason::SpendPerDay,
    }
}
