//! What a payload type stands for (RFC 8866 §6.6, §6.15).

use std::fmt;

use crate::units::{ClockRate, PayloadType};

/// `a=rtpmap`: a payload type, its encoding and clock rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The payload type.
    pub payload_type: PayloadType,
    /// The encoding's name, compared without case.
    pub name: String,
    /// Ticks a second of its timestamps; never nought.
    pub clock_rate: ClockRate,
    /// Channels; never nought.
    pub channels: u8,
}

impl RtpMap {
    /// `None` when a part is missing, not a number, or nought.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (payload_type, encoding) = value.trim().split_once(' ')?;
        let payload_type = PayloadType::new(payload_type.parse().ok()?)?;
        let mut parts = encoding.trim().split('/');
        let name = parts.next().filter(|name| !name.is_empty() && !name.contains(' '))?.to_owned();
        let clock_rate = ClockRate(parts.next()?.trim().parse().ok().filter(|rate| *rate > 0)?);
        let channels = parts.next().map_or(Some(1), |channels| channels.trim().parse().ok().filter(|channels| *channels > 0))?;
        Some(Self { payload_type, name, clock_rate, channels })
    }

    /// Whether it is this encoding, in one channel.
    #[must_use]
    pub fn is(&self, name: &str, clock_rate: ClockRate) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.clock_rate == clock_rate && self.channels == 1
    }
}

impl fmt::Display for RtpMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.payload_type.get(), self.name, self.clock_rate.0)?;
        if self.channels == 1 { Ok(()) } else { write!(f, "/{}", self.channels) }
    }
}

/// `a=fmtp`: parameters of a payload type, whose form its encoding defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fmtp {
    /// The payload type.
    pub payload_type: PayloadType,
    /// Its parameters as they stand.
    pub parameters: String,
}

impl Fmtp {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (payload_type, parameters) = value.trim().split_once(' ')?;
        let payload_type = PayloadType::new(payload_type.parse().ok()?)?;
        Some(Self { payload_type, parameters: parameters.trim().to_owned() })
    }
}

impl fmt::Display for Fmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.payload_type.get(), self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_rate_or_channels_of_nought_are_refused() {
        for value in
            ["0 PCMU/0", "96 L16/8000/0", "96 L16/8000/256", "96 L16/4294967296", "96 L16", "96 /8000", "128 PCMU/8000", "x PCMU/8000", ""]
        {
            assert_eq!(RtpMap::parse(value), None, "{value}");
        }
    }

    #[test]
    fn many_channels_are_read_and_are_not_the_encoding_in_one() {
        let map = RtpMap::parse("96 PCMU/8000/255").unwrap();
        assert_eq!(map.channels, 255);
        assert!(!map.is("PCMU", ClockRate::HZ_8000));
        assert!(RtpMap::parse("0 pcmu/8000/1").unwrap().is("PCMU", ClockRate::HZ_8000));
    }
}
