//! Statistics Summary (RFC 3611 §4.6): loss, duplicates and jitter of a span of sequence numbers.
//!
//! Left out on purpose: time to live and hop limit, which a plain datagram socket does not tell.

use super::write_head;
use crate::rtcp::compound::Word;
use crate::units::{SequenceNumber, Ssrc};

/// How one stream arrived between two sequence numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rtcp) struct StatisticsSummary {
    pub(in crate::rtcp) ssrc: Ssrc,
    /// The first sequence number of the span.
    pub(in crate::rtcp) begin: SequenceNumber,
    /// The one behind its last.
    pub(in crate::rtcp) end: SequenceNumber,
    pub(in crate::rtcp) lost: Option<u32>,
    pub(in crate::rtcp) duplicates: Option<u32>,
    pub(in crate::rtcp) jitter: Option<JitterSummary>,
}

/// How far the transits of two packets in a row differed, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::rtcp) struct JitterSummary {
    pub(in crate::rtcp) min: u32,
    pub(in crate::rtcp) max: u32,
    pub(in crate::rtcp) mean: u32,
    pub(in crate::rtcp) deviation: u32,
}

impl StatisticsSummary {
    pub(super) fn read(flags: u8, body: &[Word]) -> Option<Self> {
        let [ssrc, [a, b, c, d], lost, duplicates, min, max, mean, deviation, _hops] = body else { return None };
        let [ssrc, lost, duplicates, min, max, mean, deviation] =
            [ssrc, lost, duplicates, min, max, mean, deviation].map(|word| u32::from_be_bytes(*word));
        let told = |flag| flags & flag != 0;
        Some(Self {
            ssrc: Ssrc(ssrc),
            begin: SequenceNumber(u16::from_be_bytes([*a, *b])),
            end: SequenceNumber(u16::from_be_bytes([*c, *d])),
            lost: told(LOST).then_some(lost),
            duplicates: told(DUPLICATES).then_some(duplicates),
            jitter: told(JITTER).then_some(JitterSummary { min, max, mean, deviation }),
        })
    }

    pub(in crate::rtcp) fn write(&self, out: &mut Vec<u8>) {
        let flag = |told: bool, flag| if told { flag } else { 0 };
        let flags = flag(self.lost.is_some(), LOST) | flag(self.duplicates.is_some(), DUPLICATES) | flag(self.jitter.is_some(), JITTER);
        write_head(out, BLOCK_TYPE, flags, 9);
        out.extend_from_slice(&self.ssrc.0.to_be_bytes());
        out.extend_from_slice(&self.begin.0.to_be_bytes());
        out.extend_from_slice(&self.end.0.to_be_bytes());
        let jitter = self.jitter.unwrap_or_default();
        let hops = 0;
        for word in [self.lost.unwrap_or(0), self.duplicates.unwrap_or(0), jitter.min, jitter.max, jitter.mean, jitter.deviation, hops] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

pub(super) const BLOCK_TYPE: u8 = 6;
const LOST: u8 = 0x80;
const DUPLICATES: u8 = 0x40;
const JITTER: u8 = 0x20;
