//! The agent's utterances of one connection: their names on both sides, and how much audio of each we have.

use std::collections::VecDeque;

use media::frame::{AudioFormat, ItemId};

use super::super::known_tools::is_keepable;

/// The latest utterances, in the order in which they came.
pub(super) struct Items {
    format: AudioFormat,
    items: VecDeque<Item>,
    next: ItemId,
}

/// One utterance.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: ItemId,
    /// The provider's name for it.
    pub(super) name: Box<str>,
    /// Audio handed on to the call.
    received_bytes: u64,
    /// Some of its audio came too late and was dropped: the provider believes more was heard than we ever had.
    pub(super) has_late_audio: bool,
    /// No more audio will come.
    pub(super) ended: bool,
    /// Interrupted: what still comes of it is late.
    pub(super) cut: bool,
    /// The provider was told how much was heard.
    pub(super) settled: bool,
}

impl Items {
    pub(super) const fn new(format: AudioFormat, first: ItemId) -> Self {
        Self { format, items: VecDeque::new(), next: first }
    }

    /// The number of the next new item.
    pub(super) const fn next(&self) -> ItemId {
        self.next
    }

    /// The item of this name, numbered now if it is new; the oldest is forgotten beyond [`MAX_ITEMS`]. None for a name that is too long
    /// to be kept.
    pub(super) fn named(&mut self, name: &str) -> Option<&mut Item> {
        if !is_keepable(name) {
            return None;
        }
        // From the back: the audio of fifty messages a second belongs to the newest.
        let place = match self.items.iter().rposition(|item| &*item.name == name) {
            Some(place) => place,
            None => {
                if self.items.len() == MAX_ITEMS {
                    self.items.pop_front();
                }
                self.items.push_back(Item::new(self.next, name));
                self.next = ItemId(self.next.0.saturating_add(1));
                self.items.len() - 1
            }
        };
        self.items.get_mut(place)
    }

    /// The caller interrupted: whatever still comes of the known items is late.
    pub(super) fn cut_all(&mut self) {
        for item in &mut self.items {
            item.cut = true;
        }
    }

    /// What the provider is to be told when playing of the item was cut after `played_ms`: its name and the
    /// milliseconds heard. `None` when it knows already, or believes what is true.
    pub(super) fn settle(&mut self, id: ItemId, played_ms: u64) -> Option<(&str, u64)> {
        let format = self.format;
        let item = self.items.iter_mut().rev().find(|item| item.id == id)?;
        let received_ms = format.rate().millis(item.received_bytes / format.sample_len_bytes() as u64);
        let was_settled = std::mem::replace(&mut item.settled, true);
        let heard_whole = item.ended && !item.has_late_audio && played_ms >= received_ms;
        item.cut = true;
        (!was_settled && !heard_whole).then(|| (&*item.name, played_ms.min(received_ms)))
    }
}

impl Item {
    fn new(id: ItemId, name: &str) -> Self {
        Self { id, name: name.into(), received_bytes: 0, has_late_audio: false, ended: false, cut: false, settled: false }
    }

    /// Counts audio handed on.
    pub(super) const fn receive(&mut self, len_bytes: usize) {
        self.received_bytes = self.received_bytes.saturating_add(len_bytes as u64);
    }

    /// Whether no audio of it came yet.
    pub(super) const fn is_silent(&self) -> bool {
        self.received_bytes == 0
    }
}

/// A conversation has a handful of utterances in play; more than this are only remembered for late messages.
const MAX_ITEMS: usize = 64;
