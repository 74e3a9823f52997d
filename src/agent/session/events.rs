//! What waits to be told to the call.

use std::collections::VecDeque;
use std::ops::Range;

use media::frame::{AudioChunk, AudioFormat, ItemId};

use crate::agent::model::AgentEvent;

/// Events in the order in which they came; audio lies decoded in one buffer that is used again.
#[derive(Default)]
pub(in crate::agent) struct EventQueue {
    queue: VecDeque<Queued>,
    audio: Vec<u8>,
    dropped: u64,
}

enum Queued {
    Event(AgentEvent<'static>),
    Audio { item: ItemId, format: AudioFormat, range: Range<usize> },
}

impl EventQueue {
    /// Queues an event; beyond [`MAX_EVENTS`] it is dropped and counted.
    pub(in crate::agent) fn push(&mut self, event: AgentEvent<'static>) {
        self.enqueue(Queued::Event(event));
    }

    /// Queues the audio that `decode` appends to the buffer, and says how many bytes it was.
    pub(in crate::agent) fn push_audio<E>(
        &mut self,
        item: ItemId,
        format: AudioFormat,
        decode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<usize, E> {
        self.reclaim();
        let start = self.audio.len();
        if let Err(error) = decode(&mut self.audio) {
            self.audio.truncate(start);
            return Err(error);
        }
        let range = start..self.audio.len();
        let len = range.len();
        if len > 0 {
            self.enqueue(Queued::Audio { item, format, range });
        }
        Ok(len)
    }

    /// The next event.
    pub(super) fn poll(&mut self) -> Option<AgentEvent<'_>> {
        match self.queue.pop_front()? {
            Queued::Event(event) => Some(event),
            Queued::Audio { item, format, range } => {
                let bytes = self.audio.get(range).unwrap_or_default();
                Some(AgentEvent::Audio { item, chunk: AudioChunk { format, bytes } })
            }
        }
    }

    /// Events that found no room.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn enqueue(&mut self, event: Queued) {
        if self.queue.len() < MAX_EVENTS {
            self.queue.push_back(event);
        } else {
            self.dropped += 1;
        }
    }

    /// Takes the buffer back once nothing queued points into it, and gives a burst's memory back.
    fn reclaim(&mut self) {
        if self.queue.iter().any(|queued| matches!(queued, Queued::Audio { .. })) {
            return;
        }
        self.audio.clear();
        if self.audio.capacity() > MAX_KEPT_LEN_BYTES {
            self.audio.shrink_to(MAX_KEPT_LEN_BYTES);
        }
    }
}

/// A message makes a handful; drained after every input, so that only a caller who forgets to meets it.
const MAX_EVENTS: usize = 256;
/// A quarter of a second of 24 kHz: what the usual message fits in.
const MAX_KEPT_LEN_BYTES: usize = 16 * 1024;
