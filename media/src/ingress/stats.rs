//! What an ingress pipeline counts.

use std::time::Duration;

use crate::ingress::content::Unheard;

/// Counters since the first packet, and the state of the line. Packets:
/// `received` = `forwarded` + `comfort_noise` + `late` + `duplicate` + [`rejected`](Self::rejected) + `waiting`. Time, in ticks of
/// 48 kHz whatever the codec: `forwarded_ticks` + `concealed_ticks` + `filled_ticks` + `muted_ticks` =
/// `timeline_ticks`; see [`Self::millis`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngressStats {
    /// Packets handed in.
    pub received: u64,
    /// Packets of which at least one sample went on.
    pub forwarded: u64,
    /// Packets that told of a silence (RFC 3389).
    pub comfort_noise: u64,
    /// Packets that came in time, but after one that was sent later.
    pub reordered: u64,
    /// Packets whose span had been concealed or filled.
    pub late: u64,
    /// Packets that had come before.
    pub duplicate: u64,
    /// Packets of a payload type that was not negotiated.
    pub rejected_payload_type: u64,
    /// Telephone-events: not audio.
    pub rejected_telephone_event: u64,
    /// Packets whose length no codec makes, and those longer than 120 ms.
    pub rejected_size: u64,
    /// Packets that the codec could not decode; their time was concealed.
    pub rejected_malformed: u64,
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
    /// Time that came from the network.
    pub forwarded_ticks: u64,
    /// Time made up for lost packets.
    pub concealed_ticks: u64,
    /// Silence made up for time without packets.
    pub filled_ticks: u64,
    /// Silence in the place of what came while the line was muted.
    pub muted_ticks: u64,
    /// All that was sent on.
    pub timeline_ticks: u64,
    /// How far what was sent on is ahead of the end of the newest packet: S − P of the timeline's rule.
    pub lead_ticks: i64,
    /// Whether a silence is being filled.
    pub silence: bool,
    /// How long a missing packet is waited for at present.
    pub gap_wait: Duration,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
}

impl IngressStats {
    /// Packets that were not taken as audio, for whatever reason.
    #[must_use]
    pub const fn rejected(&self) -> u64 {
        self.rejected_payload_type
            + self.rejected_telephone_event
            + self.rejected_size
            + self.rejected_malformed
            + self.rejected_held
            + self.rejected_stray
    }

    pub(super) const fn reject(&mut self, unheard: Unheard) {
        *match unheard {
            Unheard::TelephoneEvent => &mut self.rejected_telephone_event,
            Unheard::PayloadType => &mut self.rejected_payload_type,
            Unheard::Size => &mut self.rejected_size,
            Unheard::Held => &mut self.rejected_held,
        } += 1;
    }

    /// Part of the audio that came, 0 to 1, that came too late to be heard.
    #[must_use]
    pub fn discarded_share(&self) -> f64 {
        self.late as f64 / (self.forwarded + self.late).max(1) as f64
    }

    /// Whole milliseconds in `ticks` of the line, rounded down.
    #[must_use]
    pub const fn millis(ticks: u64) -> u64 {
        ticks / 48
    }
}
