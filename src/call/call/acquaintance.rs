//! Who is on the telephone, as far as the agent is to know: an agent whose instructions speak of the patient is connected once it is known who that
//! is, or once that has taken long enough.

use std::time::{Duration, Instant};

use super::Call;
use crate::agent::variables::Known;
use crate::call::command::Recognised;
use crate::domain::call_record::Direction;

/// What a call knows of who is on the telephone.
#[derive(Debug, Default)]
pub(super) struct Acquaintance {
    known: Option<Known>,
    /// The agent waits to be connected, until then.
    waits_until: Option<Instant>,
}

impl Acquaintance {
    /// When to wait no longer.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.waits_until
    }
}

impl Call {
    /// It is known who is on the telephone, or that nobody knows.
    pub(super) fn recognise(&mut self, now: Instant, caller: Recognised) {
        if self.acquaintance.known.is_none() {
            self.acquaintance.known = Some(caller.known.clone());
            // Also where it comes too late for the agent that was not waited with: another may take over.
            self.tell_agents(now);
        }
        if caller != Recognised::default() {
            self.journal.recognised(caller);
            self.save();
        }
        if self.acquaintance.waits_until.take().is_some() && !self.session.is_over() {
            self.tell_and_connect(now);
        }
        self.drain(now);
    }

    /// Connects the agent, now or as soon as it can be told whom it will speak with.
    pub(super) fn connect_agent(&mut self, now: Instant) {
        if self.acquaintance.known.is_none() && self.agents.ask_for_patient() {
            self.acquaintance.waits_until = Some(now + PATIENCE);
        } else {
            self.tell_and_connect(now);
        }
    }

    /// Nobody has said in time who it is.
    pub(super) fn wait_no_longer(&mut self, now: Instant) {
        if self.acquaintance.waits_until.is_some_and(|until| until <= now) {
            self.acquaintance.waits_until = None;
            if !self.session.is_over() {
                self.tell_and_connect(now);
            }
        }
    }

    fn tell_and_connect(&mut self, now: Instant) {
        self.tell_agents(now);
        self.agents.begin(now);
    }

    fn tell_agents(&mut self, now: Instant) {
        let direction = match self.journal.record().direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        self.agents.know(now, Known { direction, ..self.acquaintance.known.clone().unwrap_or_default() });
    }
}

/// A look-up of a caller takes a few milliseconds; a store that is away shall not keep anybody waiting.
const PATIENCE: Duration = Duration::from_secs(1);
