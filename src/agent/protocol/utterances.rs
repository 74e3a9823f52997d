//! Utterances of providers that do not name them: one at a time, from its first sound or word to a sign of its end.

use media::frame::ItemId;

/// Which utterance is spoken, and whether what comes of it still counts.
pub(super) struct Utterances {
    next: ItemId,
    open: Option<ItemId>,
    /// The caller interrupted, and nothing has come yet that can only belong to a later utterance.
    cut: bool,
}

impl Utterances {
    pub(super) const fn new(first: ItemId) -> Self {
        Self { next: first, open: None, cut: false }
    }

    /// The number of the next new utterance.
    pub(super) const fn next(&self) -> ItemId {
        self.next
    }

    /// The one that is spoken; one begins where none is. None at all while what comes is late.
    pub(super) fn current(&mut self) -> Option<ItemId> {
        if self.cut {
            return None;
        }
        if self.open.is_none() {
            self.open = Some(self.draw());
        }
        self.open
    }

    /// A number that no utterance has.
    pub(super) const fn draw(&mut self) -> ItemId {
        let id = self.next;
        self.next = ItemId(id.0.saturating_add(1));
        id
    }

    /// It ends; which one that was.
    pub(super) const fn end(&mut self) -> Option<ItemId> {
        self.open.take()
    }

    /// The caller interrupted: what still comes is late, until [`Self::admit`].
    pub(super) const fn cut(&mut self) {
        self.open = None;
        self.cut = true;
    }

    /// What comes from here on belongs to a new utterance.
    pub(super) const fn admit(&mut self) {
        self.cut = false;
    }
}
