//! What waits to be told to the call.

use std::collections::VecDeque;
use std::ops::Range;

use media::frame::{AudioChunk, AudioFormat, ItemId};

use super::MAX_MESSAGE_LEN_BYTES;
use crate::agent::model::AgentEvent;
use crate::domain::redacted::Redacted;

/// Events in the order in which they came; audio lies decoded in one buffer that is used again.
#[derive(Default)]
pub(in crate::agent) struct EventQueue {
    queue: VecDeque<Queued>,
    audio: Vec<u8>,
    /// The agent was said to be ready: from here on its speech is what somebody waits for.
    ready: bool,
    dropped: u64,
}

enum Queued {
    Event(AgentEvent<'static>),
    Audio { item: ItemId, format: AudioFormat, range: Range<usize> },
}

impl EventQueue {
    /// Queues an event; beyond [`MAX_EVENTS`] it is dropped and counted. Words beyond [`MAX_WORDS_LEN_BYTES`] are cut there.
    pub(in crate::agent) fn push(&mut self, mut event: AgentEvent<'static>) {
        match &mut event {
            AgentEvent::Ready { .. } => self.ready = true,
            AgentEvent::Transcript { text, .. } if text.expose().len() > MAX_WORDS_LEN_BYTES => shorten(text),
            _ => {}
        }
        self.enqueue(Queued::Event(event));
    }

    /// Queues the audio that `decode` appends to the buffer, and says how many bytes it was: none where there is no room.
    pub(in crate::agent) fn push_audio<E>(
        &mut self,
        item: ItemId,
        format: AudioFormat,
        decode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<usize, E> {
        self.reclaim();
        let start = self.audio.len();
        if self.queue.len() >= MAX_EVENTS {
            self.dropped += 1;
            return Ok(0);
        }
        let decoded = decode(&mut self.audio);
        let is_too_much = self.audio.len() > if self.ready { MAX_WAITING_LEN_BYTES } else { MAX_EARLY_LEN_BYTES };
        if is_too_much || decoded.is_err() {
            self.audio.truncate(start);
            self.audio.shrink_to(start.max(MAX_KEPT_LEN_BYTES));
            self.dropped += u64::from(decoded.is_ok());
            return decoded.map(|()| 0);
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

fn shorten(words: &mut Redacted<String>) {
    let mut text = std::mem::take(words).into_inner();
    text.truncate(text.floor_char_boundary(MAX_WORDS_LEN_BYTES));
    text.shrink_to_fit();
    *words = Redacted::new(text);
}

/// A message makes a handful; drained after every input, so that only a caller who forgets to meets it.
const MAX_EVENTS: usize = 256;
/// A quarter of a second of 24 kHz: what the usual message fits in.
const MAX_KEPT_LEN_BYTES: usize = 16 * 1024;
/// The audio of two messages: one that waits, and one more.
const MAX_WAITING_LEN_BYTES: usize = 2 * MAX_MESSAGE_LEN_BYTES;
/// A second of 48 kHz: who is not ready yet has nothing to say, and on a connection that stands by nobody takes it away.
const MAX_EARLY_LEN_BYTES: usize = 96_000;
/// A quarter of an hour in one breath.
const MAX_WORDS_LEN_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::model::{AgentState, TranscriptKind};
    use crate::domain::call_record::Speaker;

    fn push(queue: &mut EventQueue, len_bytes: usize) -> usize {
        let audio = |buffer: &mut Vec<u8>| -> Result<(), ()> {
            buffer.resize(buffer.len() + len_bytes, 0);
            Ok(())
        };
        queue.push_audio(ItemId(1), AudioFormat::Ulaw8k, audio).unwrap()
    }

    fn ready() -> EventQueue {
        let mut queue = EventQueue::default();
        let format = AudioFormat::Ulaw8k;
        queue.push(AgentEvent::Ready { session: String::new(), input: format, output: format, expires_in: None });
        queue
    }

    #[test]
    fn audio_that_finds_no_room_leaves_no_bytes_behind() {
        let mut queue = ready();
        for _ in 0..MAX_EVENTS {
            queue.push(AgentEvent::State(AgentState::Thinking));
        }
        assert_eq!((push(&mut queue, 160), queue.audio.len(), queue.dropped()), (0, 0, 2));
    }

    #[test]
    fn what_is_said_before_readiness_is_a_second_at_most() {
        let mut queue = EventQueue::default();
        let taken: usize = (0..100).map(|_| push(&mut queue, 8_000)).sum();
        assert_eq!((taken, queue.audio.len()), (96_000, 96_000));
        assert_eq!(push(&mut queue, MAX_MESSAGE_LEN_BYTES), 0);
        assert!(queue.audio.capacity() < 2 * MAX_EARLY_LEN_BYTES);
    }

    #[test]
    fn of_what_nobody_takes_away_two_messages_are_kept() {
        let mut queue = ready();
        let taken: usize = (0..4).map(|_| push(&mut queue, MAX_MESSAGE_LEN_BYTES)).sum();
        assert_eq!(taken, MAX_WAITING_LEN_BYTES);
        while queue.poll().is_some() {}
        assert_eq!((push(&mut queue, 160), queue.audio.len()), (160, 160));
    }

    #[test]
    fn words_without_end_are_cut_at_a_character() {
        let mut queue = EventQueue::default();
        let text = format!("a{}", "ü".repeat(MAX_WORDS_LEN_BYTES));
        let words = AgentEvent::Transcript { speaker: Speaker::Agent, kind: TranscriptKind::Final, text: Redacted::new(text), item: None };
        queue.push(words);
        let Some(AgentEvent::Transcript { text, .. }) = queue.poll() else { panic!("words were said") };
        let text = text.into_inner();
        assert_eq!((text.len(), text.capacity()), (MAX_WORDS_LEN_BYTES - 1, MAX_WORDS_LEN_BYTES - 1));
    }
}
