//! A key that was pressed or let go, as its receiver tells it: with its time on the far side's clock and on ours.

use std::time::{Duration, Instant};

use crate::dtmf::Digit;
use crate::units::RtpTimestamp;

/// One edge of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitEvent {
    /// The key.
    pub digit: Digit,
    /// Pressed or let go.
    pub edge: Edge,
    /// How it came.
    pub source: Source,
    /// When it was noticed here.
    pub at: Instant,
    /// When it happened, on the clock of the far side's packets.
    pub timestamp: RtpTimestamp,
}

/// What happened to a key. Every key that began ends, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It was pressed: act now.
    Began,
    /// It was let go, or nothing more was heard of it.
    Ended {
        /// How long it was held, as far as that is known.
        duration: Duration,
    },
}

/// How a key came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// As telephone-events (RFC 4733).
    Rfc4733,
    /// As tones in the audio (Q.23).
    InBand,
    /// By signalling (SIP INFO), beside the audio: such a key comes whole, and has no place in the stream.
    Signalled,
}
