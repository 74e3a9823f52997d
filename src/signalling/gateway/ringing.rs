//! Whom a call out rings (RFC 3261 §16.5 to §16.7): one trunk after another, and the contacts of one that has registered by their
//! preference, those that are preferred alike at once. Each is offered the call on a line of its own, and whoever answers first has it.
//!
//! A contact that does not take the call leaves it to the next, unless it speaks for all of them (6xx); another trunk is tried where
//! the first could not, and not where somebody was there and would not. Of all refusals the call is told the one that says most. Left
//! out on purpose: contacts that a far end names in a 3xx, since nothing may be dialled that was not allowed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, Event, InviteId};
use sip::header::{Causes, StatusCode, Uri};
use sip::transport::Flow;

use super::trunk_calls::outgoing;
use super::{Gateway, SipCall};
use crate::call::event::{SignallingEvent, SignallingKey};
use crate::domain::ids::{CallId, OrgId};
use crate::signalling::outbound::Attempt;
use crate::signalling::toll::CallToken;
use crate::signalling::trunks::TrunkName;
use crate::signalling::verbs::refusal;

/// What an outbound call needs beyond one that came in.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) token: Option<CallToken>,
    /// For whoever answers; none once somebody has.
    pub(super) search: Option<Search>,
    /// Which of the lines the dialog is on by which the call is known, counted from 0.
    pub(super) line: usize,
}

/// The search for somebody who answers.
#[derive(Debug)]
pub(super) struct Search {
    /// Who is still to be tried, each with the offer that is made on its line.
    left: VecDeque<(Attempt, Bytes)>,
    /// On which line the first of them is.
    next_line: usize,
    /// Dialogs that ring beside the one by which the call is known.
    beside: Vec<InviteId>,
    /// The refusal so far that says most.
    refusal: Option<StatusCode>,
}

/// Dialogs that ring beside those by which calls are known. Bounded by the contacts of a name.
#[derive(Default)]
pub(super) struct Branches {
    by_dialog: HashMap<InviteId, Branch>,
    /// When those who ring are left for the next, by the line of that: in their order, since all ring as long.
    ends: VecDeque<(Instant, SignallingKey, usize)>,
}

/// One of those who ring.
pub(super) struct Branch {
    key: SignallingKey,
    pub(super) line: usize,
    pub(super) flow: Flow,
    pub(super) contact: Uri,
}

impl Search {
    /// For whom these attempts lead to, each with its offer.
    pub(super) const fn new(left: VecDeque<(Attempt, Bytes)>) -> Self {
        Self { left, next_line: 0, beside: Vec::new(), refusal: None }
    }

    /// The next ones, who ring together, and the line of the first.
    fn take_round(&mut self) -> (Vec<(Attempt, Bytes)>, usize) {
        let line = self.next_line;
        let first = self.left.front().map(|(first, _)| (first.trunk.clone(), first.preference));
        let with_first = |attempt: &Attempt| Some((attempt.trunk.clone(), attempt.preference)) == first && attempt.preference.is_some();
        let beside = self.left.iter().skip(1).take_while(|(attempt, _)| with_first(attempt)).count();
        let round: Vec<_> = self.left.drain(..self.left.len().min(1 + beside)).collect();
        self.next_line += round.len();
        (round, line)
    }

    /// Whether the next is another contact of this trunk.
    fn stays_with(&self, trunk: Option<&TrunkName>) -> bool {
        self.left.front().is_some_and(|(next, _)| next.trunk.is_some() && next.trunk.as_ref() == trunk)
    }

    fn note(&mut self, status: Option<StatusCode>) {
        let better = status.filter(|status| self.refusal.is_none_or(|best| rank(*status) <= rank(best)));
        self.refusal = better.or(self.refusal);
    }
}

impl Branches {
    /// Whether a dialog is one beside that by which its call is known.
    pub(super) fn has(&self, dialog: InviteId) -> bool {
        self.by_dialog.contains_key(&dialog)
    }

    /// When the next ones are left that ring.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.front().map(|(at, ..)| *at)
    }
}

impl Gateway {
    /// Rings the next ones of a search, which have a place on their trunk: the dialog by which the call is to be known, with what is known
    /// of it. None where no INVITE can go.
    pub(super) fn ring_next(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        search: &mut Search,
        (key, call, org): (SignallingKey, &CallId, &OrgId),
    ) -> Option<(InviteId, Branch)> {
        let (round, line) = search.take_round();
        let trunk = round.first().and_then(|(first, _)| first.trunk.clone());
        let mut first = None;
        for ((attempt, offer), line) in round.into_iter().zip(line..) {
            let Ok(dialog) = endpoint.invite(now, outgoing(&attempt, offer, &self.stir)) else { break };
            self.tap.begin(call, org, endpoint.call_id(dialog));
            let branch = Branch { key, line, flow: attempt.flow, contact: attempt.contact };
            if first.is_none() {
                first = Some((dialog, branch));
            } else {
                self.branches.by_dialog.insert(dialog, branch);
                search.beside.push(dialog);
            }
        }
        if first.is_some() && search.stays_with(trunk.as_ref()) {
            self.branches.ends.push_back((now + RING, key, search.next_line));
        }
        first
    }

    /// The dialog of a call refused, or nobody was there. What the call is told of it: nothing while somebody rings or is tried.
    pub(super) fn fail(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) -> Option<Event> {
        let (id, status) = (event.id(), refused_with(&event));
        let Some(search) = self.search(id) else { return Some(event) };
        search.note(status);
        if status.is_some_and(speaks_for_all) {
            self.leave_beside(now, endpoint, id, Causes::default());
            return Some(event);
        }
        if self.go_on_beside(id) || self.try_next(now, endpoint, id) {
            return None;
        }
        let told = self.search(id).and_then(|search| search.refusal);
        Some(told.map_or(event, |status| Event::Refused { id, status, causes: Causes::default() }))
    }

    /// Takes an event of a dialog that rings beside that of its call.
    pub(super) fn branch_event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        let id = event.id();
        let Some(call) = self.branches.by_dialog.get(&id).and_then(|branch| self.names.get(&branch.key)).copied() else { return };
        match event {
            Event::Ringing { .. } => self.tell(now, endpoint, call, SignallingEvent::Ringing),
            Event::Answered { sdp, .. } => {
                let Some(branch) = self.take_branch(call, id) else { return };
                let Some(moved) = self.calls.remove(&call) else { return };
                self.know_by(id, moved, branch);
                endpoint.hang_up_because(now, call, ELSEWHERE);
                self.answered(now, endpoint, id, sdp);
            }
            Event::Refused { .. } | Event::TimedOut { .. } | Event::Unreachable { .. } | Event::Ended { .. } => {
                self.take_branch(call, id);
                let status = refused_with(&event);
                if let Some(search) = self.search(call) {
                    search.note(status);
                }
                if let Some(status) = status.filter(|status| speaks_for_all(*status)) {
                    self.leave_beside(now, endpoint, call, Causes::default());
                    endpoint.hang_up(now, call);
                    self.tell(now, endpoint, call, SignallingEvent::Refused(refusal(status)));
                }
            }
            Event::Offered { offer, .. } => endpoint.reject_offer(now, id, offer, StatusCode::NOT_ACCEPTABLE_HERE),
            Event::Referred { .. } => endpoint.reject_refer(now, id, StatusCode::DECLINE),
            // What else is said before an answer is nobody's to hear.
            _ => {}
        }
    }

    /// Somebody has answered: nobody else rings any more.
    pub(super) fn answered(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, sdp: Bytes) {
        self.leave_beside(now, endpoint, id, ELSEWHERE);
        let line = self.calls.get(&id).and_then(|call| call.placed.as_ref()).map_or(0, |placed| placed.line);
        self.tell(now, endpoint, id, SignallingEvent::Answered { sdp, line });
    }

    /// Nobody is searched for any more, and who rings beside the call's dialog is told why.
    pub(super) fn leave_beside(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, causes: Causes) {
        let search = self.calls.get_mut(&id).and_then(|call| call.placed.as_mut()?.search.take());
        for dialog in search.into_iter().flat_map(|search| search.beside) {
            self.branches.by_dialog.remove(&dialog);
            endpoint.hang_up_because(now, dialog, causes);
        }
    }

    /// Contacts that ring without end make room for those that are less preferred.
    pub(super) fn leave_who_ring(&mut self, now: Instant, endpoint: &mut Endpoint) {
        while self.branches.next_end().is_some_and(|at| at <= now) {
            let Some((_, key, line)) = self.branches.ends.pop_front() else { return };
            let Some(id) = self.names.get(&key).copied() else { continue };
            let Some(search) = self.search(id).filter(|search| search.next_line == line) else { continue };
            let mut ringing = std::mem::take(&mut search.beside);
            if self.try_next(now, endpoint, id) {
                ringing.push(id);
                for dialog in ringing {
                    self.branches.by_dialog.remove(&dialog);
                    endpoint.hang_up(now, dialog);
                }
            } else if let Some(search) = self.search(id) {
                search.beside = ringing;
            }
        }
    }

    fn search(&mut self, id: InviteId) -> Option<&mut Search> {
        self.calls.get_mut(&id)?.placed.as_mut()?.search.as_mut()
    }

    fn take_branch(&mut self, call: InviteId, dialog: InviteId) -> Option<Branch> {
        if let Some(search) = self.search(call) {
            search.beside.retain(|beside| *beside != dialog);
        }
        self.branches.by_dialog.remove(&dialog)
    }

    /// The call goes on by a dialog that rings beside its own.
    fn go_on_beside(&mut self, id: InviteId) -> bool {
        let Some(next) = self.search(id).and_then(|search| search.beside.first().copied()) else { return false };
        let Some(branch) = self.take_branch(id, next) else { return false };
        let Some(call) = self.calls.remove(&id) else { return false };
        self.know_by(next, call, branch);
        true
    }

    /// The next ones are tried. False when there are none, it would not help, or the call was up: who is lost in the middle of a
    /// conversation is not rung again.
    fn try_next(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId) -> bool {
        let Some(mut search) = self.calls.get_mut(&id).and_then(|call| call.placed.as_mut()?.search.take()) else { return false };
        let Some(mut call) = self.calls.remove(&id) else { return false };
        let moves = self.choose_next(now, &call, &mut search);
        let trunk = search.left.front().and_then(|(next, _)| next.trunk.clone());
        let rung = moves.and_then(|_| self.ring_next(now, endpoint, &mut search, (call.key, &call.id, &call.org)));
        let left = if rung.is_some() { call.trunk.clone() } else { trunk.clone() };
        if let Some(left) = left.filter(|_| moves == Some(true)) {
            self.desk.limits.release(&left);
        }
        if let Some(placed) = &mut call.placed {
            placed.search = Some(search);
        }
        match rung {
            Some((dialog, branch)) => {
                tracing::info!(call = %call.id, "call_tries_next");
                call.trunk = trunk;
                self.know_by(dialog, call, branch);
                true
            }
            None => {
                self.calls.insert(id, call);
                false
            }
        }
    }

    /// Brings those to the front of a search who are tried next, with a place on their trunk. Whether that is another trunk than the
    /// call's; none where nobody is to be tried.
    fn choose_next(&mut self, now: Instant, call: &SipCall, search: &mut Search) -> Option<bool> {
        let directory = Arc::clone(self.desk.directory());
        let is_trunks_fault = search.refusal.is_none_or(|status| matches!(status.code(), 408 | 500 | 502..=504));
        if self.launcher.is_closed() || !directory.outbound().enabled || directory.is_stopped(&call.org) {
            return None;
        }
        if search.stays_with(call.trunk.as_ref()) {
            return Some(false);
        }
        if !is_trunks_fault {
            return None;
        }
        // Whoever refuses is there: what is said of one destination says nothing of the next.
        if let Some(trunk) = call.trunk.as_ref().filter(|_| search.refusal.is_none()) {
            self.desk.handle_lost_call(now, trunk);
        }
        loop {
            let (next, _) = search.left.front()?;
            // A trunk that is full is passed over here, too.
            if self.take_attempt(now, &directory, next) {
                return Some(true);
            }
            search.left.pop_front();
            search.next_line += 1;
        }
    }

    /// From now on a call is known by this dialog.
    fn know_by(&mut self, dialog: InviteId, mut call: SipCall, Branch { line, flow, contact, .. }: Branch) {
        (call.flow, call.contact) = (flow, contact);
        if let Some(placed) = &mut call.placed {
            placed.line = line;
        }
        self.names.insert(call.key, dialog);
        self.calls.insert(dialog, call);
    }
}

fn refused_with(event: &Event) -> Option<StatusCode> {
    match event {
        Event::Refused { status, .. } => Some(*status),
        _ => None,
    }
}

/// Whether a refusal is that of all contacts (§21.6).
fn speaks_for_all(status: StatusCode) -> bool {
    status.code() >= 600
}

/// The lower the better it says what became of a call (§16.7, 6): who was there says more than what timed out or broke.
fn rank(status: StatusCode) -> u16 {
    match status.code() {
        600.. => 0,
        408 => 5,
        code => code / 100,
    }
}

/// Telephones show no call as missed that somebody else has taken (RFC 3326 §2).
const ELSEWHERE: Causes = Causes { sip: Some(200), q850: None };

/// How long contacts ring before those are tried that are less preferred.
const RING: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_refusals_the_one_that_says_most_is_told() {
        for (refusals, best) in
            [(&[486, 480, 503][..], 480), (&[503, 486, 408], 486), (&[404, 603, 486], 603), (&[500, 408], 408), (&[302, 480], 302)]
        {
            let mut search = Search::new(VecDeque::new());
            search.note(None);
            refusals.iter().for_each(|status| search.note(StatusCode::new(*status)));
            assert_eq!(search.refusal, StatusCode::new(best), "{refusals:?}");
        }
    }
}
