//! What an agent is to be told as soon as there is one: nobody hears it while connections change.
//!
//! Bounded: of more than that the oldest is forgotten.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::agents::Agents;
use crate::agent::model::{AgentCommand, ContextRole};
use crate::domain::redacted::Redacted;

/// Texts and keys, each in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Untold {
    texts: VecDeque<(Redacted<String>, bool)>,
    keys: VecDeque<(char, Duration)>,
}

impl Untold {
    /// Tells the agent something, now or as soon as there is one; `speak`: it is to speak of it.
    pub(super) fn text(&mut self, now: Instant, agents: &mut Agents, text: Redacted<String>, speak: bool) {
        if agents.is_ready() {
            return relate(now, agents, text, speak);
        }
        make_room(&mut self.texts);
        self.texts.push_back((text, speak));
    }

    /// Tells the agent of a key that was pressed for so long, now or as soon as there is one.
    pub(super) fn key(&mut self, now: Instant, agents: &mut Agents, digit: char, duration: Duration) {
        if agents.is_ready() {
            return agents.handle_command(now, AgentCommand::Dtmf { digit, duration });
        }
        make_room(&mut self.keys);
        self.keys.push_back((digit, duration));
    }

    /// Tells all of it, once somebody listens; true when there was something to tell.
    pub(super) fn tell(&mut self, now: Instant, agents: &mut Agents) -> bool {
        if (self.texts.is_empty() && self.keys.is_empty()) || !agents.is_ready() {
            return false;
        }
        for (digit, duration) in self.keys.drain(..) {
            agents.handle_command(now, AgentCommand::Dtmf { digit, duration });
        }
        for (text, speak) in self.texts.drain(..) {
            relate(now, agents, text, speak);
        }
        true
    }
}

fn make_room<T>(waiting: &mut VecDeque<T>) {
    if waiting.len() >= MOST {
        waiting.pop_front();
    }
}

fn relate(now: Instant, agents: &mut Agents, text: Redacted<String>, speak: bool) {
    agents.handle_command(now, AgentCommand::ContextText { role: ContextRole::System, text, speak });
}

/// Of each kind.
const MOST: usize = 32;
