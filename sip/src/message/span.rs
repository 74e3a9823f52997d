//! A place in a message; 16 bits suffice, since no message is longer than [`super::MAX_MESSAGE_BYTES`].

use std::ops::Range;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Saturates beyond 65,535; such a span then reads as empty or short, never out of bounds.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u16::try_from(offset).unwrap_or(u16::MAX);
        Self { start: narrow(start), end: narrow(end.max(start)) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }

    /// Where `part`, a slice of `whole`, stands in it.
    pub(crate) fn of(whole: &str, part: &str) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Self::new(start, start + part.len())
    }
}
