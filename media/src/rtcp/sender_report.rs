//! The sender report (RFC 3550 §6.4.1).

use super::compound::{SENDER_REPORT, Word, append};
use super::report_block::{ReportBlock, WORDS};
use crate::units::{RtpTimestamp, Ssrc};

/// One sender's report, as a view.
#[derive(Clone, Copy, Debug)]
pub(super) struct SenderReport<'a> {
    pub(super) ssrc: Ssrc,
    pub(super) sender: SenderInformation,
    blocks: &'a [[Word; WORDS]],
}

/// What a sender says of its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SenderInformation {
    /// The moment of the report, in units of 2⁻³² s.
    pub(super) ntp: u64,
    /// The same moment on the stream's clock.
    pub(super) rtp: RtpTimestamp,
    /// Packets since the stream began.
    pub(super) packets: u32,
    /// Payload octets since the stream began.
    pub(super) octets: u32,
}

impl<'a> SenderReport<'a> {
    pub(super) fn read(count: usize, body: &'a [Word]) -> Option<Self> {
        let (head, rest) = body.split_first_chunk::<6>()?;
        let [ssrc, high, low, rtp, packets, octets] = head.map(u32::from_be_bytes);
        let ntp = u64::from(high) << 32 | u64::from(low);
        let sender = SenderInformation { ntp, rtp: RtpTimestamp(rtp), packets, octets };
        Some(Self { ssrc: Ssrc(ssrc), sender, blocks: ReportBlock::all(count, rest)? })
    }

    pub(super) fn blocks(self) -> impl Iterator<Item = ReportBlock> {
        self.blocks.iter().map(ReportBlock::read)
    }
}

/// Appends a report with at most 31 blocks.
pub(super) fn write(out: &mut Vec<u8>, ssrc: Ssrc, sender: &SenderInformation, blocks: &[ReportBlock]) {
    append(out, SENDER_REPORT, blocks.len() as u8, |out| {
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(&sender.ntp.to_be_bytes());
        for word in [sender.rtp.0, sender.packets, sender.octets] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        blocks.iter().for_each(|block| block.write(out));
    });
}
