//! Numbers of the wire as types: RTP (RFC 3550 §5.1) and the rates of audio.
//!
//! Wrap-around arithmetic lives here and nowhere else. That the RTP clock rate of a codec need not be its sample
//! rate (G.722: RFC 3551 §4.5.2) is a type error here. Left out on purpose: anything that knows what a packet is.

use std::fmt;
use std::time::Duration;

/// Synchronisation source identifier of an RTP stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ssrc(pub u32);

/// RTP payload type, 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(u8);

impl PayloadType {
    /// PCMU (RFC 3551 table 4).
    pub const PCMU: Self = Self(0);
    /// PCMA (RFC 3551 table 4).
    pub const PCMA: Self = Self(8);
    /// G.722 (RFC 3551 table 4).
    pub const G722: Self = Self(9);
    /// Comfort noise (RFC 3389).
    pub const CN: Self = Self(13);

    /// `None` when the number does not fit in seven bits.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 128 { Some(Self(number)) } else { None }
    }

    /// The low seven bits of an octet, as they stand below the marker bit (RFC 3550 §5.1).
    #[must_use]
    pub const fn from_low_bits(octet: u8) -> Self {
        Self(octet & 0x7f)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// RTP timestamp, in units of the payload's clock rate; wraps at 2³².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// The timestamp `ticks` later.
    #[must_use]
    pub const fn advance(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Signed distance `self − earlier` in ticks, correct while the two are less than 2³¹ apart.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// RTP sequence number; wraps at 2¹⁶.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// The next sequence number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Signed distance `self − earlier`, correct while the two are less than 2¹⁵ apart.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// A sequence number with its roll-overs counted (RFC 3550 appendix A.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtendedSequenceNumber(pub u64);

impl ExtendedSequenceNumber {
    /// The extended number nearest to `self` whose low 16 bits are `number`.
    #[must_use]
    pub fn extend(self, number: SequenceNumber) -> Self {
        let delta = i64::from(number.since(self.wire()));
        Self(self.0.saturating_add_signed(delta))
    }

    /// The sixteen bits that stand in a packet.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low sixteen bits are what is asked for")]
    pub const fn wire(self) -> SequenceNumber {
        SequenceNumber(self.0 as u16)
    }
}

/// Ticks a second of an RTP timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClockRate(pub u32);

impl ClockRate {
    /// 8 kHz: G.711, and by history G.722.
    pub const HZ_8000: Self = Self(8_000);

    /// 48 kHz: Opus (RFC 7587 §4.1).
    pub const HZ_48000: Self = Self(48_000);

    /// Ticks in `duration`, rounded down.
    #[must_use]
    pub const fn ticks(self, duration: Duration) -> u64 {
        (duration.as_nanos() * self.0 as u128 / 1_000_000_000) as u64
    }

    /// How long `ticks` last; nothing on a clock that stands.
    #[must_use]
    pub const fn duration(self, ticks: u64) -> Duration {
        match (ticks as u128 * 1_000_000_000).checked_div(self.0 as u128) {
            Some(nanos) => Duration::from_nanos(nanos as u64),
            None => Duration::ZERO,
        }
    }
}

/// Samples a second of linear audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SampleRate(u32);

impl SampleRate {
    /// 8 kHz: narrow-band telephony.
    pub const HZ_8000: Self = Self(8_000);
    /// 12 kHz: between the two, in Opus only.
    pub const HZ_12000: Self = Self(12_000);
    /// 16 kHz: wide band.
    pub const HZ_16000: Self = Self(16_000);
    /// 24 kHz: what most speech models speak.
    pub const HZ_24000: Self = Self(24_000);
    /// 48 kHz: full band.
    pub const HZ_48000: Self = Self(48_000);

    /// A rate from 8 to 48 kHz that makes whole samples of 10 ms; `None` otherwise.
    #[must_use]
    pub const fn new(hz: u32) -> Option<Self> {
        if hz >= 8_000 && hz <= 48_000 && hz.is_multiple_of(100) { Some(Self(hz)) } else { None }
    }

    /// Samples a second.
    #[must_use]
    pub const fn hz(self) -> u32 {
        self.0
    }

    /// Samples in `duration`, rounded down.
    #[must_use]
    pub const fn samples(self, duration: Duration) -> u64 {
        (duration.as_nanos() * self.0 as u128 / 1_000_000_000) as u64
    }

    /// How long `samples` last.
    #[must_use]
    pub const fn duration(self, samples: u64) -> Duration {
        Duration::from_nanos((samples as u128 * 1_000_000_000 / self.0 as u128) as u64)
    }

    /// Whole milliseconds in `samples`, rounded down.
    #[must_use]
    pub const fn millis(self, samples: u64) -> u64 {
        (samples as u128 * 1_000 / self.0 as u128) as u64
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_measure_across_the_wrap() {
        assert_eq!(RtpTimestamp(5).since(RtpTimestamp(u32::MAX - 4)), 10);
        assert_eq!(RtpTimestamp(u32::MAX - 4).since(RtpTimestamp(5)), -10);
    }

    #[test]
    fn a_sequence_number_extends_to_the_nearest_in_both_directions() {
        let newest = ExtendedSequenceNumber(65_535);
        assert_eq!(newest.extend(SequenceNumber(1)), ExtendedSequenceNumber(65_537));
        assert_eq!(ExtendedSequenceNumber(65_537).extend(SequenceNumber(65_534)), ExtendedSequenceNumber(65_534));
    }

    #[test]
    fn a_sample_rate_without_whole_samples_in_ten_milliseconds_is_refused() {
        assert_eq!(SampleRate::new(11_025), None);
        assert_eq!(SampleRate::new(0), None);
        assert_eq!(SampleRate::new(24_000), Some(SampleRate::HZ_24000));
    }
}
