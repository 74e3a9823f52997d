//! What a stream says of its call, and how far it has come.

use std::collections::BTreeMap;
use std::time::Duration;

use media::frame::{AudioFormat, ItemId};

use super::names;
use crate::agent::config::AgentConfig;
use crate::agent::session::CallFacts;
use crate::domain::call_record::Direction;
use crate::domain::redacted::Redacted;

/// One stream: whose it is, and its counters.
pub(in crate::agent) struct Line {
    stream: String,
    call: String,
    account: String,
    direction: Direction,
    format: AudioFormat,
    /// Caller and called, where the bot is told.
    numbers: Option<(Redacted<String>, Redacted<String>)>,
    parameters: BTreeMap<String, String>,
    /// Since 1970, when the call began.
    began: Duration,
    sequence: u64,
    chunk: u64,
    sent_samples: u64,
}

/// Which frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) struct Place {
    /// Among all messages of the stream.
    pub(in crate::agent) sequence: u64,
    /// Among its frames, from 1.
    pub(in crate::agent) chunk: u64,
    /// Where its first sample stands in the stream.
    pub(in crate::agent) at_ms: u64,
}

impl Line {
    pub(super) fn new(config: &AgentConfig, facts: &CallFacts, first_item: ItemId) -> Self {
        let account = names::account(config);
        Self {
            stream: names::sid("MZ", names::stream_bits(&facts.call, first_item)),
            call: names::call_sid(&account, &facts.call),
            account,
            direction: facts.direction,
            format: AudioFormat::from(config.format),
            numbers: config.tell_numbers.then(|| (facts.from.clone(), facts.to.clone())),
            parameters: config.parameters.clone(),
            began: facts.unix_time,
            sequence: 0,
            chunk: 0,
            sent_samples: 0,
        }
    }

    /// The stream's name, as Twilio makes them.
    pub(in crate::agent) fn stream(&self) -> &str {
        &self.stream
    }

    /// The call's.
    pub(in crate::agent) fn call(&self) -> &str {
        &self.call
    }

    /// That of the account whose call it is.
    pub(in crate::agent) fn account(&self) -> &str {
        &self.account
    }

    pub(in crate::agent) const fn direction(&self) -> Direction {
        self.direction
    }

    pub(in crate::agent) const fn format(&self) -> AudioFormat {
        self.format
    }

    /// The caller's number; nothing where the bot is not told.
    pub(in crate::agent) fn from(&self) -> &str {
        self.numbers.as_ref().map_or("", |(from, _)| from.expose())
    }

    /// The called.
    pub(in crate::agent) fn to(&self) -> &str {
        self.numbers.as_ref().map_or("", |(_, to)| to.expose())
    }

    /// What else the bot is told.
    pub(in crate::agent) const fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// Numbers a message, from 1.
    pub(in crate::agent) const fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Numbers a frame and counts its audio.
    pub(in crate::agent) fn next_frame(&mut self, frame: &[u8]) -> Place {
        let at_ms = self.at_ms();
        self.chunk += 1;
        self.sent_samples += (frame.len() / self.format.sample_len_bytes()) as u64;
        Place { sequence: self.next_sequence(), chunk: self.chunk, at_ms }
    }

    /// How much audio was sent.
    pub(in crate::agent) const fn at_ms(&self) -> u64 {
        self.format.rate().millis(self.sent_samples)
    }

    /// Now, since 1970, as far as the audio tells.
    pub(in crate::agent) fn unix_time(&self) -> Duration {
        self.began + Duration::from_millis(self.at_ms())
    }
}
