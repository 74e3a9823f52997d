//! What waits to be written to the socket.

use std::collections::VecDeque;
use std::time::Duration;

use crate::agent::model::AgentMessage;

/// A message for the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// What to write.
    pub message: AgentMessage<'a>,
    /// The caller audio that is lost when this message is: a socket that cannot keep up drops the oldest of these.
    /// `None` for a message that must arrive.
    pub live_audio: Option<Duration>,
}

/// Messages in the order in which they are to be written.
#[derive(Default)]
pub(in crate::agent) struct Outbox {
    queue: VecDeque<Entry>,
    /// What [`Self::poll`] lent last; the next message is written into it.
    lent: String,
    refused: u64,
}

struct Entry {
    text: String,
    live_audio: Option<Duration>,
}

impl Outbox {
    /// Queues the message that `write` makes. Beyond [`MAX_MESSAGES`] the oldest live audio gives way; where there is
    /// none the new message is refused and counted.
    pub(in crate::agent) fn push_with(&mut self, live_audio: Option<Duration>, write: impl FnOnce(&mut String)) {
        if self.queue.len() >= MAX_MESSAGES {
            match self.queue.iter().position(|entry| entry.live_audio.is_some()) {
                Some(oldest) => drop(self.queue.remove(oldest)),
                None => {
                    self.refused += 1;
                    return;
                }
            }
        }
        let mut text = std::mem::take(&mut self.lent);
        text.clear();
        write(&mut text);
        self.queue.push_back(Entry { text, live_audio });
    }

    /// The next message.
    pub(super) fn poll(&mut self) -> Option<Transmit<'_>> {
        let entry = self.queue.pop_front()?;
        self.lent = entry.text;
        Some(Transmit { message: AgentMessage::Text(&self.lent), live_audio: entry.live_audio })
    }

    /// Throws away what waits.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Messages that found no room.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}

/// Drained after every input, so that only a caller who forgets to meets it.
const MAX_MESSAGES: usize = 512;
