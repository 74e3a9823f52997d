//! How a conversation passes from one connection to another: after a loss, and before an end that was announced.
//!
//! Before an end another connection to the same agent is made and stands by; in a pause the agent is given the conversation there,
//! and only once it is ready the former connection goes, unless the conversation went on meanwhile: then the next pause is taken. Where
//! no pause comes, it passes without one; where it cannot, the end is a loss like another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::frame::{AudioFormat, ItemId};

use super::link::{Link, LinkId, Readiness, Stage, Standby};
use super::plan::{Loss, Next, Plan};
use super::{Agents, AgentsOutput};
use crate::agent::config::AgentConfig;
use crate::agent::model::AgentMessage;
use crate::agent::session::AgentSession;

impl Agents {
    /// Does what follows from what was said. `answered`: the caller hears us. True when something moved.
    pub fn settle(&mut self, now: Instant, answered: bool) -> bool {
        self.answered = answered;
        if self.over {
            return false;
        }
        let before = self.outputs.len();
        if let Some(closed) = self.link.session.poll_close() {
            let loss = if closed.retryable { Loss::NotReady } else { Loss::Refused };
            self.lose(now, loss);
        } else if std::mem::take(&mut self.link.condemned) {
            self.lose(now, Loss::Limited);
        }
        let prepared = self.prepare(now);
        prepared || self.outputs.len() > before
    }

    /// A socket is gone, with the peer's close code; `Err` when it does not answer any more. The conversation passes on here: of what the
    /// agent said before, all that was not drained is lost.
    pub fn handle_closed(&mut self, now: Instant, link: LinkId, code: Result<Option<u16>, Loss>) {
        if link != self.link.id {
            return self.lose_standby(now, link);
        }
        let closed = self.link.session.handle_closed(now, code.ok().flatten());
        if closed.hung_up {
            return self.part(link);
        }
        let loss = match code {
            Err(loss) => loss,
            // One that worked for a while refuses nobody.
            Ok(_) if closed.retryable || self.link.has_held(now) => Loss::Closed,
            Ok(_) => Loss::Refused,
        };
        self.lose(now, loss);
    }

    /// The conversation's connection is of no more use.
    pub(super) fn lose(&mut self, now: Instant, loss: Loss) {
        if self.over {
            return;
        }
        if self.link.hung_up {
            return self.part(self.link.id);
        }
        let (link, member, held) = (self.link.id, self.link.member, self.link.has_held(now));
        // One that hangs is noticed some time after it has fallen silent.
        let last = if loss == Loss::Stalled { now.checked_sub(UNHEARD).unwrap_or(now) } else { now };
        self.conversation.break_off(last);
        if self.link.has_stood(now) {
            self.plan.stood();
        }
        self.outputs.push_back(AgentsOutput::Lost { link, loss });
        self.outputs.push_back(AgentsOutput::Close { link });
        // A connection that did its work for a while and then broke says nothing about the next.
        let is_usual = matches!(loss, Loss::Blocked | Loss::Expired) || (loss == Loss::Closed && held);
        if !is_usual {
            self.outputs.push_back(AgentsOutput::Fared { member, well: false });
        }
        match self.plan.lost(now, loss, self.answered) {
            Next::Dial { member, after } => self.pass_to(now, member, after, loss),
            Next::GiveUp { refused } => {
                self.over = true;
                self.drop_standby();
                self.outputs.push_back(AgentsOutput::GaveUp { refused });
            }
        }
    }

    /// The agent has hung up, and is gone: nobody takes over.
    fn part(&mut self, link: LinkId) {
        self.over = true;
        self.drop_standby();
        self.outputs.extend([AgentsOutput::Close { link }, AgentsOutput::HungUp]);
    }

    /// An agent says something on a connection that stands by; one that says too much before it was told anything is not waited for.
    pub(super) fn hear_standby(&mut self, now: Instant, link: LinkId, message: AgentMessage<'_>) {
        let Some(standby) = self.standby.as_mut().filter(|standby| standby.id == link) else { return };
        match &mut standby.readiness {
            Readiness::Dialled => {}
            Readiness::Standing(early) => {
                if !early.keep(message) {
                    self.lose_standby(now, link);
                }
            }
            Readiness::Opening(session, _) => session.handle_message(now, message),
        }
    }

    /// A connection that stood by is gone.
    pub(super) fn lose_standby(&mut self, now: Instant, link: LinkId) {
        if self.standby.take_if(|standby| standby.id == link).is_some() {
            self.standby_after = Some(now + STANDBY_PAUSE);
            self.outputs.push_back(AgentsOutput::Close { link });
        }
    }

    /// Nothing stands by any more.
    pub(super) fn drop_standby(&mut self) {
        if let Some(Standby { id, .. }) = self.standby.take() {
            self.outputs.push_back(AgentsOutput::Close { link: id });
        }
    }

    /// Dials what is due.
    pub(super) fn dial_if_due(&mut self, now: Instant) {
        if let Stage::Waiting { until } = self.link.stage
            && until <= now
            && !self.over
        {
            self.link.stage = Stage::Opening { until: self.opened_by(now) };
            self.outputs.push_back(AgentsOutput::Dial { link: self.link.id, member: self.link.member });
        }
    }

    /// What the time alone decides.
    pub(super) fn heed_clocks(&mut self, now: Instant) {
        if self.over {
            return;
        }
        self.dial_if_due(now);
        self.standby_after.take_if(|after| *after <= now);
        if matches!(self.link.stage, Stage::Opening { until: Some(until) } if until <= now) {
            return self.lose(now, Loss::NotReady);
        }
        if self.answer_by.take_if(|by| *by <= now).is_some() {
            return self.lose(now, Loss::Stalled);
        }
        if self.outage_ends().is_some_and(|end| end <= now) {
            return self.lose(now, Loss::NotReady);
        }
        if self.waiting_since.is_some_and(|since| since + TOLD_AFTER <= now) {
            self.waiting_since = Some(now + TOLD_AGAIN_AFTER);
            self.outputs.push_back(AgentsOutput::Waiting);
        }
    }

    /// When something has to be looked at that no message tells.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let waiting = self.waiting_since.map(|since| since + TOLD_AFTER);
        let rotation = self.expires_at.filter(|_| self.standby.is_some()).map(|_| self.looked_at + LOOK);
        [self.outage_ends(), waiting, rotation, self.standby_after].into_iter().flatten().min()
    }

    /// The conversation goes on with this agent, on a connection that stands by or on a new one.
    fn pass_to(&mut self, now: Instant, member: usize, after: Duration, loss: Loss) {
        let former = self.link.member;
        let fits = |standby: &Standby| {
            let is_fresh = !matches!(standby.readiness, Readiness::Opening(..));
            is_fresh && (standby.member != former || matches!(loss, Loss::Closed | Loss::Expired))
        };
        let spare = self.standby.take_if(|standby| fits(standby));
        self.drop_standby();
        let member = spare.as_ref().map_or(member, |standby| standby.member);
        self.plan.pass_to(member);
        let session = self.successor(now, member, 0);
        let link = match spare {
            Some(Standby { id, readiness, .. }) => {
                let mut link = Link::new(id, member, session, now);
                link.stage = Stage::Opening { until: self.opened_by(now) };
                if let Readiness::Standing(early) = readiness {
                    early.hand_to(now, &mut link.session);
                }
                link
            }
            None => Link::new(self.next_id(), member, session, now + after),
        };
        self.enter(now, link, loss);
        self.waiting_since.get_or_insert(now);
        self.dial_if_due(now);
    }

    fn enter(&mut self, now: Instant, link: Link, loss: Loss) {
        let config = Arc::clone(&self.member(link.member).config);
        self.conversation.pass(now, config.turn_detection.kept().is_some(), config.protocol.tells_ends());
        (self.answer_by, self.expires_at) = (None, None);
        self.outputs.push_back(AgentsOutput::Passed { member: link.member, loss });
        self.link = link;
    }

    /// Keeps a connection standing by where one is wanted, and passes to it when its time has come. True when something moved.
    fn prepare(&mut self, now: Instant) -> bool {
        if self.over || self.link.hung_up || !self.link.is_ready() {
            return false;
        }
        self.looked_at = now;
        if let Some(Standby { readiness: Readiness::Opening(session, _), .. }) = &mut self.standby {
            if session.has_closed() {
                let link = self.standby.as_ref().map(|standby| standby.id);
                link.into_iter().for_each(|link| self.lose_standby(now, link));
                return false;
            }
            return session.is_ready() && self.promote(now);
        }
        let Some(member) = self.wanted_standby() else { return false };
        match &self.standby {
            Some(standby) if standby.member != member => self.drop_standby(),
            Some(standby) => {
                let stands = matches!(standby.readiness, Readiness::Standing(_));
                if stands && self.expires_at.is_some_and(|at| self.may_pass(now, at)) {
                    self.open_standby(now, member);
                    return true;
                }
            }
            None if self.standby_after.is_none() => {
                let link = self.next_id();
                self.standby = Some(Standby { id: link, member, readiness: Readiness::Dialled });
                self.outputs.push_back(AgentsOutput::Dial { link, member });
            }
            None => {}
        }
        false
    }

    /// Whom a connection is to stand by to: before an end the same agent, else the next where that is configured so.
    fn wanted_standby(&self) -> Option<usize> {
        if self.expires_at.is_some() {
            return Some(self.link.member);
        }
        self.plan.alternative().filter(|next| self.member(*next).config.standby)
    }

    fn open_standby(&mut self, now: Instant, member: usize) {
        let mut session = self.successor(now, member, ROOM_FOR_ITEMS);
        if let Some(standby) = &mut self.standby {
            if let Readiness::Standing(early) = &standby.readiness {
                early.hand_to(now, &mut session);
            }
            standby.readiness = Readiness::Opening(Box::new(session), self.conversation.steps());
        }
    }

    /// The agent is ready on the connection that stood by: the former goes, unless the conversation went on there meanwhile.
    fn promote(&mut self, now: Instant) -> bool {
        let due = self.expires_at.is_some_and(|at| self.may_pass(now, at));
        let Some(Standby { id, member, readiness: Readiness::Opening(session, told) }) = self.standby.take() else { return false };
        if !due || told != self.conversation.steps() {
            self.standby_after = Some(now + LOOK);
            self.outputs.push_back(AgentsOutput::Close { link: id });
            return false;
        }
        self.outputs.push_back(AgentsOutput::Close { link: self.link.id });
        let mut link = Link::new(id, member, *session, now);
        link.stage = Stage::Opening { until: None };
        self.enter(now, link, Loss::Expired);
        true
    }

    /// Whether the conversation may pass now: in a pause, or because its connection ends at `at`.
    fn may_pass(&self, now: Instant, at: Instant) -> bool {
        now + LAST_MOMENT >= at || self.conversation.is_quiet(now)
    }

    pub(super) fn successor(&self, now: Instant, member: usize, room: u32) -> AgentSession {
        let config = self.briefed(member);
        let by_gateway = config.turn_detection.kept().is_some();
        let handover = self.conversation.handover(now, AudioFormat::from(config.format), by_gateway);
        let ItemId(next) = self.link.session.next_item();
        self.link.session.successor(&config, handover, ItemId(next.saturating_add(room)))
    }

    /// An agent's settings with what is known in the place of variables.
    pub(super) fn briefed(&self, member: usize) -> Arc<AgentConfig> {
        let config = &self.member(member).config;
        if config.variables.is_empty() { Arc::clone(config) } else { Arc::new(config.told(&self.known)) }
    }

    fn next_id(&mut self) -> LinkId {
        self.links = self.links.saturating_add(1);
        LinkId(self.links)
    }

    fn opened_by(&self, now: Instant) -> Option<Instant> {
        // One that calls back is given up where that is waited for.
        let calls_back = self.config().protocol.calls_back_within().is_some();
        self.plan.alternative().filter(|_| !calls_back).map(|_| now + self.patience)
    }

    fn outage_ends(&self) -> Option<Instant> {
        let kept = self.answered && !self.link.is_ready();
        self.plan.outage().filter(|_| kept).map(|began| began + Plan::LONGEST_OUTAGE)
    }
}

/// Between a loss of what stood by and the next try.
const STANDBY_PAUSE: Duration = Duration::from_secs(5);

/// So long after its last word it is noticed at the latest that an agent hangs.
const UNHEARD: Duration = Duration::from_millis(2_750);

/// How often it is looked whether a pause has come.
const LOOK: Duration = Duration::from_millis(200);

/// So long before its end a connection is left, pause or no pause.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// Utterances that the former connection may still begin while the next takes our settings.
const ROOM_FOR_ITEMS: u32 = 16;

/// How long a caller is without an agent before that is told, and told again: shorter is not noticed.
const TOLD_AFTER: Duration = Duration::from_secs(1);
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(9);
