//! The receiver report (RFC 3550 §6.4.2).

use super::compound::{RECEIVER_REPORT, Word, append};
use super::report_block::{ReportBlock, WORDS};
use crate::units::Ssrc;

/// The report of one who sends nothing, as a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiverReport<'a> {
    pub(super) ssrc: Ssrc,
    blocks: &'a [[Word; WORDS]],
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn read(count: usize, body: &'a [Word]) -> Option<Self> {
        let (ssrc, rest) = body.split_first()?;
        Some(Self { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), blocks: ReportBlock::all(count, rest)? })
    }

    pub(super) fn blocks(self) -> impl Iterator<Item = ReportBlock> {
        self.blocks.iter().map(ReportBlock::read)
    }
}

/// Appends a report with at most 31 blocks.
pub(super) fn write(out: &mut Vec<u8>, ssrc: Ssrc, blocks: &[ReportBlock]) {
    append(out, RECEIVER_REPORT, blocks.len() as u8, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        blocks.iter().for_each(|block| block.write(out));
    });
}
