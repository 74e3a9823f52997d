//! Utterances of the agent: its names for them, and ours.

use std::collections::VecDeque;

use media::frame::ItemId;

/// The latest utterances.
pub(super) struct Items {
    next: ItemId,
    /// The one that audio belongs to.
    open: Option<ItemId>,
    names: VecDeque<(ItemId, Box<str>)>,
}

impl Items {
    pub(super) const fn new(first: ItemId) -> Self {
        Self { next: first, open: None, names: VecDeque::new() }
    }

    pub(super) const fn next(&self) -> ItemId {
        self.next
    }

    /// The one that is spoken; one without a name begins where none is.
    pub(super) fn current(&mut self) -> ItemId {
        match self.open {
            Some(item) => item,
            None => self.begin(format!("#{}", self.next.0)),
        }
    }

    /// A new one begins; which one ended with that.
    pub(super) fn begin_named(&mut self, name: &str) -> Option<ItemId> {
        let ended = self.open.take();
        self.begin(name.chars().take(MAX_NAME_LEN).collect());
        ended
    }

    /// The present one ends.
    pub(super) const fn end(&mut self) -> Option<ItemId> {
        self.open.take()
    }

    /// The agent's name for one.
    pub(super) fn name_of(&self, item: ItemId) -> Option<&str> {
        self.names.iter().rev().find(|(id, _)| *id == item).map(|(_, name)| &**name)
    }

    /// Ours for one of the agent's.
    pub(super) fn named(&self, name: &str) -> Option<ItemId> {
        self.names.iter().rev().find(|(_, known)| **known == *name).map(|(id, _)| *id)
    }

    fn begin(&mut self, name: String) -> ItemId {
        let item = self.next;
        self.next = ItemId(item.0.saturating_add(1));
        if self.names.len() == MAX_ITEMS {
            self.names.pop_front();
        }
        self.names.push_back((item, name.into()));
        self.open = Some(item);
        item
    }
}

const MAX_ITEMS: usize = 64;
const MAX_NAME_LEN: usize = 64;
