//! What a playout buffer counts.

use std::time::Duration;

/// Counters since the first packet, and the state of the buffer. Packets:
/// `received` = `played` + `late` + `duplicate` + `dropped` + `rejected` + `waiting`. Times of audio are of the far
/// end's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlayoutStats {
    /// Packets handed in.
    pub received: u64,
    /// Packets of which at least a part was played, or played as silence while muted.
    pub played: u64,
    /// Packets whose turn was over when they came.
    pub late: u64,
    /// Packets that had come before.
    pub duplicate: u64,
    /// Packets thrown away unheard, because more waited than may wait, or because another stream began.
    pub dropped: u64,
    /// Packets that hold no audio of the codec, and single ones far out of sequence.
    pub rejected: u64,
    /// Packets that wait for their turn.
    pub waiting: u64,
    /// Packets that did not come in time.
    pub lost: u64,
    /// How often nothing was left to play although the far end had not paused.
    pub underruns: u64,
    /// How often another stream or another clock began.
    pub resets: u64,
    /// Audio made up for what did not come in time.
    pub concealed: Duration,
    /// How much was played faster: the audio that was taken out.
    pub accelerated: Duration,
    /// How much was played slower: the audio that was put in.
    pub stretched: Duration,
    /// How long audio shall wait, against the fastest packet.
    pub target: Duration,
    /// How long the audio waits that is played now; nought while nothing is.
    pub current: Duration,
    /// How fast the far clock runs against ours; `None` while that is not known.
    pub skew_ppm: Option<f64>,
}
