//! What an ingress pipeline counts.

use std::time::Duration;

/// Counters since the first packet, and the state of the line. Packets:
/// `received` = `forwarded` + `late` + `duplicate` + [`rejected`](Self::rejected) + `waiting`. Samples of the clock
/// rate: `forwarded_samples` + `concealed_samples` + `filled_samples` = `timeline_samples`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngressStats {
    /// Packets handed in.
    pub received: u64,
    /// Packets of which at least one sample went on.
    pub forwarded: u64,
    /// Packets whose span had been concealed or filled.
    pub late: u64,
    /// Packets that had come before.
    pub duplicate: u64,
    /// Packets of a payload type that was not negotiated.
    pub rejected_payload_type: u64,
    /// Telephone-events: not audio.
    pub rejected_telephone_event: u64,
    /// Empty packets, and those longer than 120 ms.
    pub rejected_size: u64,
    /// Packets that came while the line was on hold.
    pub rejected_held: u64,
    /// Single packets far out of sequence.
    pub rejected_stray: u64,
    /// Packets that wait for an earlier one.
    pub waiting: u64,
    /// Packets that did not come in time.
    pub lost: u64,
    /// How often the timeline was anchored anew.
    pub resets: u64,
    /// Samples that came from the network.
    pub forwarded_samples: u64,
    /// Samples made up for lost packets.
    pub concealed_samples: u64,
    /// Samples of silence made up for time without packets.
    pub filled_samples: u64,
    /// All samples sent on.
    pub timeline_samples: u64,
    /// Samples sent on ahead of the end of the newest packet: S − P of the timeline's rule.
    pub lead_samples: i64,
    /// Whether a silence is being filled.
    pub silence: bool,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
}

impl IngressStats {
    /// Packets that were not taken as audio, for whatever reason.
    #[must_use]
    pub const fn rejected(&self) -> u64 {
        self.rejected_payload_type + self.rejected_telephone_event + self.rejected_size + self.rejected_held + self.rejected_stray
    }
}
