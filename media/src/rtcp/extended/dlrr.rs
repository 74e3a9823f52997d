//! Delay since the Last Receiver Report (RFC 3611 §4.5): the answer to a receiver's reference time.

use super::write_head;
use crate::rtcp::compound::Word;
use crate::units::Ssrc;

/// What one receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rtcp) struct DelayBlock {
    /// The receiver.
    pub(in crate::rtcp) ssrc: Ssrc,
    /// LRR: the middle of the NTP timestamp that it told last.
    pub(in crate::rtcp) last_receiver_report: u32,
    /// DLRR: since then, in units of 2⁻¹⁶ s.
    pub(in crate::rtcp) delay: u32,
}

/// What each receiver is told, as a view.
#[derive(Clone, Copy, Debug)]
pub(in crate::rtcp) struct Delays<'a>(&'a [[Word; 3]]);

impl<'a> Delays<'a> {
    /// A rest that makes no sub-block is passed over.
    pub(super) fn read(body: &'a [Word]) -> Self {
        Self(body.as_chunks().0)
    }

    pub(in crate::rtcp) fn delays(self) -> impl Iterator<Item = DelayBlock> {
        self.0.iter().map(|words| {
            let [ssrc, last_receiver_report, delay] = words.map(u32::from_be_bytes);
            DelayBlock { ssrc: Ssrc(ssrc), last_receiver_report, delay }
        })
    }
}

/// Appends what each receiver is told; they are few.
pub(in crate::rtcp) fn write(out: &mut Vec<u8>, delays: &[DelayBlock]) {
    write_head(out, BLOCK_TYPE, 0, delays.len() as u16 * 3);
    for delay in delays {
        for word in [delay.ssrc.0, delay.last_receiver_report, delay.delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

pub(super) const BLOCK_TYPE: u8 = 5;
