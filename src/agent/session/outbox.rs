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
    /// What [`Self::poll`] lent last; the next message of its kind is written into it.
    lent_text: String,
    lent_bytes: Vec<u8>,
    refused: u64,
}

struct Entry {
    body: Body,
    live_audio: Option<Duration>,
}

enum Body {
    Text(String),
    Binary(Vec<u8>),
}

impl Outbox {
    /// Queues the text that `write` makes. Beyond [`MAX_MESSAGES`] the oldest live audio gives way; where there is
    /// none the new message is refused and counted.
    pub(in crate::agent) fn push_text(&mut self, live_audio: Option<Duration>, write: impl FnOnce(&mut String)) {
        if self.has_room() {
            let mut text = std::mem::take(&mut self.lent_text);
            text.clear();
            write(&mut text);
            self.queue.push_back(Entry { body: Body::Text(text), live_audio });
        }
    }

    /// Queues a message of bytes, by the same rule.
    pub(in crate::agent) fn push_binary(&mut self, live_audio: Option<Duration>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.has_room() {
            let mut bytes = std::mem::take(&mut self.lent_bytes);
            bytes.clear();
            write(&mut bytes);
            self.queue.push_back(Entry { body: Body::Binary(bytes), live_audio });
        }
    }

    /// The next message.
    pub(super) fn poll(&mut self) -> Option<Transmit<'_>> {
        let Entry { body, live_audio } = self.queue.pop_front()?;
        let message = match body {
            Body::Text(text) => {
                self.lent_text = text;
                AgentMessage::Text(&self.lent_text)
            }
            Body::Binary(bytes) => {
                self.lent_bytes = bytes;
                AgentMessage::Binary(&self.lent_bytes)
            }
        };
        Some(Transmit { message, live_audio })
    }

    /// Throws away what waits.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Messages that found no room.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    fn has_room(&mut self) -> bool {
        if self.queue.len() < MAX_MESSAGES {
            return true;
        }
        let oldest = self.queue.iter().position(|entry| entry.live_audio.is_some());
        let made_way = oldest.and_then(|oldest| self.queue.remove(oldest)).is_some();
        self.refused += u64::from(!made_way);
        made_way
    }
}

/// Drained after every input, so that only a caller who forgets to meets it.
const MAX_MESSAGES: usize = 512;
