//! What callers and agent share: when each impulse was sent, and what the agent measured.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The plan of a caller's packets, and when those with an impulse left.
pub(crate) struct Trace {
    /// By caller, then by packet number modulo [`KEPT`]: monotonic nanoseconds.
    sent: Vec<[AtomicU64; KEPT]>,
    /// Whether the measured window is open.
    pub(crate) measuring: AtomicBool,
    /// RTP in → WebSocket out, nanoseconds, of every impulse within the window.
    pub(crate) uplink: Mutex<Vec<u64>>,
    /// Appends received within the window.
    pub(crate) appends: AtomicU64,
}

impl Trace {
    pub(crate) fn new(callers: usize) -> Self {
        let sent = (0..callers).map(|_| std::array::from_fn(|_| AtomicU64::new(0))).collect();
        Self { sent, measuring: AtomicBool::new(false), uplink: Mutex::default(), appends: AtomicU64::new(0) }
    }

    /// Notes that packet `packet` of `caller` goes out now.
    pub(crate) fn note(&self, caller: usize, packet: u64, now: u64) {
        self.slot(caller, packet).store(now, Ordering::Release);
    }

    /// When packet `packet` of `caller` went out.
    pub(crate) fn sent(&self, caller: usize, packet: u64) -> u64 {
        self.slot(caller, packet).load(Ordering::Acquire)
    }

    pub(crate) fn is_measuring(&self) -> bool {
        self.measuring.load(Ordering::Relaxed)
    }

    fn slot(&self, caller: usize, packet: u64) -> &AtomicU64 {
        &self.sent[caller][usize::try_from(packet).unwrap_or(0) % KEPT]
    }
}

/// Whether packet `packet` of `caller` carries an impulse: one to begin, ten bits of the caller's number, then every tenth.
pub(crate) fn has_impulse(caller: usize, packet: u64) -> bool {
    match packet.checked_sub(PREAMBLE) {
        None => false,
        Some(0) => true,
        Some(bit @ 1..=BITS) => caller >> (bit - 1) & 1 == 1,
        Some(later) => later.is_multiple_of(10) && later > BITS + 5,
    }
}

/// Packets before the preamble.
pub(crate) const PREAMBLE: u64 = 10;
/// Bits of a caller's number.
pub(crate) const BITS: u64 = 10;
/// Where in its packet an impulse stands, in samples of 8 kHz: early enough that a resampler's 5 ms leave it in the same 20 ms.
pub(crate) const IMPULSE_AT: usize = 20;
/// How loud a sample must be to be taken for one.
pub(crate) const IMPULSE_THRESHOLD: i16 = 12_000;
/// Packets whose instants are kept: 5 s.
const KEPT: usize = 250;
