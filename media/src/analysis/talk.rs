//! Who speaks when.

use std::time::Duration;

use crate::barge_in::Ear;

/// Who spoke how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TalkTimes {
    /// The caller alone.
    pub caller: Duration,
    /// The agent alone.
    pub agent: Duration,
    /// Both: double talk.
    pub both: Duration,
    /// Nobody.
    pub nobody: Duration,
}

/// Counts frames of the line that comes, by who speaks.
#[derive(Debug, Default)]
pub(super) struct Talk {
    agent_speaks: bool,
    caller: u32,
    agent: u32,
    both: u32,
    nobody: u32,
}

impl Talk {
    /// Whether the agent speaks, from here on.
    pub(super) const fn agent_speaks(&mut self, speaks: bool) {
        self.agent_speaks = speaks;
    }

    /// A frame came.
    pub(super) const fn frame(&mut self, caller_speaks: bool) {
        let count = match (caller_speaks, self.agent_speaks) {
            (true, false) => &mut self.caller,
            (false, true) => &mut self.agent,
            (true, true) => &mut self.both,
            (false, false) => &mut self.nobody,
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn times(&self) -> TalkTimes {
        let time = |frames| Ear::FRAME * frames;
        TalkTimes { caller: time(self.caller), agent: time(self.agent), both: time(self.both), nobody: time(self.nobody) }
    }
}
