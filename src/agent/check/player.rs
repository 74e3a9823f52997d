//! The far end of the agent's speech: played at its pace, thrown away when it says so, and every position told.

use std::collections::VecDeque;

use media::egress::MarkId;
use media::frame::{AudioFormat, ItemId};

use crate::agent::model::{AgentCommand, ClearScope, PlaybackState};

/// What waits to be played.
pub(super) struct Player {
    format: AudioFormat,
    queue: VecDeque<Entry>,
}

enum Entry {
    Item(Item),
    Mark(MarkId),
}

struct Item {
    id: ItemId,
    received_bytes: usize,
    played_bytes: usize,
    ended: bool,
}

impl Player {
    pub(super) const fn new(format: AudioFormat) -> Self {
        Self { format, queue: VecDeque::new() }
    }

    pub(super) fn push(&mut self, id: ItemId, len_bytes: usize) {
        match self.queue.back_mut() {
            Some(Entry::Item(item)) if item.id == id => item.received_bytes += len_bytes,
            _ => self.queue.push_back(Entry::Item(Item { id, received_bytes: len_bytes, played_bytes: 0, ended: false })),
        }
    }

    pub(super) fn end(&mut self, id: ItemId) {
        for entry in &mut self.queue {
            if let Entry::Item(item) = entry
                && item.id == id
            {
                item.ended = true;
            }
        }
    }

    pub(super) fn mark(&mut self, mark: MarkId) {
        self.queue.push_back(Entry::Mark(mark));
    }

    /// 20 ms have passed: what there is to tell.
    pub(super) fn play(&mut self, mut tell: impl FnMut(AgentCommand)) {
        let mut left = self.format.rate().hz() as usize / 50 * self.format.sample_len_bytes();
        while let Some(entry) = self.queue.front_mut() {
            match entry {
                Entry::Mark(mark) => tell(AgentCommand::MarkReached { mark: *mark, cleared: false }),
                Entry::Item(item) => {
                    let count = left.min(item.received_bytes - item.played_bytes);
                    if item.played_bytes == 0 && count > 0 {
                        tell(playback(self.format, item, PlaybackState::Started));
                    }
                    item.played_bytes += count;
                    left -= count;
                    let whole = item.played_bytes == item.received_bytes;
                    if whole && item.ended {
                        tell(playback(self.format, item, PlaybackState::Finished));
                    } else if !(whole && self.queue.len() > 1) {
                        return;
                    }
                }
            }
            self.queue.pop_front();
        }
    }

    /// What was not played is thrown away, and told.
    pub(super) fn clear(&mut self, scope: ClearScope, mut tell: impl FnMut(AgentCommand)) {
        let doomed = |id: ItemId| matches!(scope, ClearScope::All) || matches!(scope, ClearScope::UpTo(last) if id <= last);
        while let Some(entry) = self.queue.pop_front() {
            match entry {
                Entry::Mark(mark) => tell(AgentCommand::MarkReached { mark, cleared: true }),
                Entry::Item(item) if doomed(item.id) => tell(playback(self.format, &item, PlaybackState::Cleared)),
                Entry::Item(item) => {
                    self.queue.push_front(Entry::Item(item));
                    return;
                }
            }
        }
    }
}

fn playback(format: AudioFormat, item: &Item, state: PlaybackState) -> AgentCommand {
    let samples = (item.played_bytes / format.sample_len_bytes()) as u64;
    AgentCommand::Playback { item: item.id, played_ms: format.rate().millis(samples), state }
}
