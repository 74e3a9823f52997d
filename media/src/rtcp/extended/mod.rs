//! Extended reports (RFC 3611): the packet and the walk over its blocks.
//!
//! Read and written are the four blocks that concern a call: receiver reference time, delay since it, statistics
//! summary and VoIP metrics. Left out on purpose: the run-length and receipt-time blocks (§4.1 to §4.3), which serve
//! inference over multicast trees.

pub(super) mod dlrr;
pub(super) mod receiver_reference_time;
pub(super) mod statistics_summary;
pub(super) mod voip_metrics;

use super::compound::{EXTENDED_REPORT, Word, append};
use crate::units::Ssrc;

pub(super) use dlrr::DelayBlock;
pub(super) use statistics_summary::StatisticsSummary;
pub(super) use voip_metrics::VoipMetrics;

/// An extended report, as a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extended<'a> {
    /// Who reports.
    pub(super) ssrc: Ssrc,
    blocks: &'a [Word],
}

/// A block that concerns us.
#[derive(Clone, Copy, Debug)]
pub(super) enum Block<'a> {
    /// The reporter's clock, in units of 2⁻³² s.
    ReceiverReferenceTime(u64),
    /// What has passed since each receiver told its clock.
    DelaySinceReceiverReport(dlrr::Delays<'a>),
    StatisticsSummary(StatisticsSummary),
    VoipMetrics(VoipMetrics),
}

impl<'a> Extended<'a> {
    /// `None` when a block claims more than the packet holds.
    pub(super) fn read(body: &'a [Word]) -> Option<Self> {
        let (ssrc, blocks) = body.split_first()?;
        let mut rest = blocks;
        while !rest.is_empty() {
            (_, _, rest) = split(rest)?;
        }
        Some(Self { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), blocks })
    }

    /// The blocks; one of an unknown type, or of a known type and another length than its own, is passed over.
    pub(super) fn blocks(self) -> impl Iterator<Item = Block<'a>> {
        let mut rest = self.blocks;
        let raw = std::iter::from_fn(move || {
            let (head, body, behind) = split(rest)?;
            rest = behind;
            Some((head, body))
        });
        raw.filter_map(|([block_type, specific, ..], body)| match block_type {
            receiver_reference_time::BLOCK_TYPE => receiver_reference_time::read(body).map(Block::ReceiverReferenceTime),
            dlrr::BLOCK_TYPE => Some(Block::DelaySinceReceiverReport(dlrr::Delays::read(body))),
            statistics_summary::BLOCK_TYPE => StatisticsSummary::read(specific, body).map(Block::StatisticsSummary),
            voip_metrics::BLOCK_TYPE => VoipMetrics::read(body).map(Block::VoipMetrics),
            _ => None,
        })
    }
}

/// Appends an extended report; the blocks write themselves.
pub(super) fn write(out: &mut Vec<u8>, ssrc: Ssrc, blocks: impl FnOnce(&mut Vec<u8>)) {
    append(out, EXTENDED_REPORT, 0, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        blocks(out);
    });
}

/// Appends the header of a block of so many words behind it.
fn write_head(out: &mut Vec<u8>, block_type: u8, specific: u8, words: u16) {
    let [high, low] = words.to_be_bytes();
    out.extend_from_slice(&[block_type, specific, high, low]);
}

/// Head, body, and what follows.
fn split(words: &[Word]) -> Option<(Word, &[Word], &[Word])> {
    let (head, rest) = words.split_first()?;
    let [_, _, high, low] = *head;
    let (body, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    Some((*head, body, behind))
}

#[cfg(test)]
mod tests;
