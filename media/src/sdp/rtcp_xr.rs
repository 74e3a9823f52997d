//! `a=rtcp-xr` (RFC 3611 §5): which extended reports a describer wants to be sent.

use std::fmt;

/// The line as it stands: formats, separated by single spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpXr {
    formats: String,
}

/// The report blocks that this product knows (RFC 3611 §4.4 to §4.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct XrBlocks {
    /// Receiver reference time, answered by DLRR: the round trip of who only receives (`rcvr-rtt`).
    pub receiver_round_trip: bool,
    /// Statistics summary (`stat-summary`).
    pub statistics_summary: bool,
    /// VoIP metrics (`voip-metrics`).
    pub voip_metrics: bool,
}

impl RtcpXr {
    /// What we ask for.
    pub(super) fn ours() -> Self {
        Self { formats: "rcvr-rtt=all stat-summary=loss,dup,jitt voip-metrics".to_owned() }
    }

    pub(super) fn parse(value: &str) -> Self {
        Self { formats: value.split_ascii_whitespace().collect::<Vec<_>>().join(" ") }
    }

    /// Those of its blocks that this product knows.
    #[must_use]
    pub fn blocks(&self) -> XrBlocks {
        let asks = |name: &str| {
            self.formats.split(' ').any(|format| format.split('=').next().is_some_and(|named| named.eq_ignore_ascii_case(name)))
        };
        XrBlocks { receiver_round_trip: asks("rcvr-rtt"), statistics_summary: asks("stat-summary"), voip_metrics: asks("voip-metrics") }
    }
}

impl fmt::Display for RtcpXr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.formats)
    }
}
