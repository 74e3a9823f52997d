//! What egress says about the agent's audio, in the words of the agent's items.

use std::time::{Duration, Instant};

use crate::egress::ReferenceFrame;
use crate::frame::{AudioFormat, ItemId};
use crate::rtp::RtpPacket;

/// A point in the agent's audio that its sender wants to hear of; numbered by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarkId(pub u32);

/// How much of an item has come and how much of it stands in RTP packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemPosition {
    /// The item.
    pub item: ItemId,
    /// Whole milliseconds of audio taken from the agent; what was refused is not among them.
    pub received_ms: u64,
    /// Samples of the item, at the leg's sample rate, that stand in packets. The resampler's lead-in is not counted.
    pub played_samples: u64,
    /// The same in whole milliseconds; equal to `received_ms` exactly when the item was played whole.
    pub played_ms: u64,
    /// Whole milliseconds of it that wait.
    pub queued_ms: u64,
    /// Whole milliseconds of it that have arrived at the far end, by half the round trip of its reports: an estimate, no
    /// more than `played_ms`. `None` before a report.
    pub arrived_ms: Option<u64>,
    /// Whether the agent has ended the item.
    pub ended: bool,
    /// Whether an unforced flush may drop it.
    pub interruptible: bool,
}

/// What happened to the agent's audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EgressEvent {
    /// The first of it stands in a packet.
    ItemStarted(ItemPosition),
    /// It ended, and all of it stands in packets.
    ItemFinished(ItemPosition),
    /// It was flushed before all of it was played; the position is final.
    ItemFlushed(ItemPosition),
    /// All audio before the mark was played, or dropped.
    MarkReached {
        /// Which.
        mark: MarkId,
        /// Whether audio before it was dropped.
        cleared: bool,
    },
    /// The item has not ended and its audio does not come fast enough; said once until whole frames flow again.
    Underrun(ItemId),
    /// The queue is at its bound; said once until it has fallen to half of it.
    QueueFull {
        /// Whose audio was dropped.
        item: ItemId,
        /// How much of it at first; the whole stands in the statistics.
        dropped_ms: u64,
    },
}

/// What a pipeline has for its owner.
#[derive(Debug, PartialEq, Eq)]
pub enum EgressOutput<'a> {
    /// The samples of the packet that comes next, when they are wanted.
    Tap(ReferenceFrame<'a>),
    /// A packet for the network; its time is now.
    Packet(RtpPacket<'a>),
    /// The slot at this instant has no packet: silence is left out, or nothing is sent.
    Silent(Instant),
    /// Something to tell the call.
    Event(EgressEvent),
    /// Nothing more before this instant; `None` before [`start`](crate::egress::Egress::start).
    Timeout(Option<Instant>),
}

/// What is to be flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushScope {
    /// All items that have come so far.
    All,
    /// This item and those before it.
    UpTo(ItemId),
}

/// Audio was not taken, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The queue is at its bound; the excess was dropped.
    #[error("the queue is full: {dropped:?} of audio dropped")]
    Full {
        /// How much.
        dropped: Duration,
    },
    /// The item was flushed; nothing of it is wanted any more.
    #[error("item {} was flushed", .item.0)]
    Flushed {
        /// Which.
        item: ItemId,
    },
    /// The item has ended, by itself or because a later one began.
    #[error("item {} has ended", .item.0)]
    Ended {
        /// Which.
        item: ItemId,
    },
    /// The bytes are not in the format that was agreed with the agent.
    #[error("audio came as {got:?}, agreed was {agreed:?}")]
    WrongFormat {
        /// The configured input.
        agreed: AudioFormat,
        /// What came.
        got: AudioFormat,
    },
    /// More items are unfinished than are kept account of.
    #[error("more than {limit} items are waiting")]
    TooManyItems {
        /// The bound.
        limit: usize,
    },
}
