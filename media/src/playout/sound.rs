//! What the packets of a playout buffer sound through: the border between whose turn it is and what is heard.

use crate::time_scale::Urgency;

/// The audio side of a playout buffer. Spans of time are ticks of the codec's clock.
pub(super) trait Sound {
    /// Decodes a packet of `ticks` without its first `skipped`; what cannot be decoded is made up.
    fn decode(&mut self, payload: &[u8], ticks: u32, skipped: i64);

    /// A packet that nobody shall hear: it is decoded, for the decoder's sake, and noise takes its place.
    fn mute(&mut self, payload: &[u8], ticks: u32, skipped: i64);

    /// Makes up `ticks` for what is lost, which `next` follows where it is there.
    fn conceal(&mut self, ticks: i64, next: Option<&[u8]>);

    /// The far end says that it is silent, with noise of so many −dBov where it says so.
    fn silence(&mut self, level: Option<u8>);

    /// Another stream begins: what came last goes on no longer.
    fn restart(&mut self);

    /// What is decoded next does not follow on what was decoded last.
    fn cut(&mut self);

    /// Passes on what is decoded as it is.
    fn pass(&mut self);

    /// Passes on what is decoded, up to `most` ticks shorter; returns by how many ticks.
    fn accelerate(&mut self, most: i64, urgency: Urgency) -> i64;

    /// Passes on what is decoded, up to `most` ticks longer; returns by how many ticks.
    fn stretch(&mut self, most: i64, urgency: Urgency) -> i64;

    /// Whether the next chunk can be made.
    fn is_ready(&self) -> bool;

    /// Whether anything is decoded and not passed on.
    fn has_fresh(&self) -> bool;

    /// Whether so much is decoded that it can be made shorter.
    fn can_accelerate(&self) -> bool;

    /// Whether so much is decoded that it can be made longer; what was passed on just now helps.
    fn can_stretch(&self) -> bool;

    /// Whether what came last cannot be heard any more.
    fn is_faded(&self) -> bool;

    /// How much is decoded or made up and not played.
    fn buffered(&self) -> i64;
}
