//! The report block of sender and receiver reports (RFC 3550 §6.4.1).

use super::compound::Word;
use crate::units::Ssrc;

/// How one stream arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReportBlock {
    /// Of whom it speaks.
    pub(super) ssrc: Ssrc,
    /// In units of 1/256, since the last report.
    pub(super) fraction_lost: u8,
    /// From the beginning; 24 bits with a sign on the wire, to which it is clamped.
    pub(super) lost: i32,
    /// The low 32 bits of the extended sequence number.
    pub(super) highest: u32,
    /// In ticks.
    pub(super) jitter: u32,
    /// LSR: the middle of the last sender report's NTP timestamp; nought when there was none.
    pub(super) last_sender_report: u32,
    /// DLSR: since then, in units of 2⁻¹⁶ s.
    pub(super) delay: u32,
}

impl ReportBlock {
    /// The first `count` blocks of a report's rest; `None` when there are fewer. What follows is a profile's own.
    pub(super) fn all(count: usize, words: &[Word]) -> Option<&[[Word; WORDS]]> {
        words.as_chunks().0.get(..count)
    }

    pub(super) fn read(words: &[Word; WORDS]) -> Self {
        let [ssrc, loss, highest, jitter, last_sender_report, delay] = words.map(u32::from_be_bytes);
        let [fraction_lost, ..] = loss.to_be_bytes();
        let lost = (loss << 8).cast_signed() >> 8;
        Self { ssrc: Ssrc(ssrc), fraction_lost, lost, highest, jitter, last_sender_report, delay }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let lost = self.lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0xff_ffff;
        let loss = u32::from(self.fraction_lost) << 24 | lost;
        for word in [self.ssrc.0, loss, self.highest, self.jitter, self.last_sender_report, self.delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

pub(super) const WORDS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn back(lost: i32) -> i32 {
        let mut out = Vec::new();
        let ssrc = Ssrc(1);
        ReportBlock { ssrc, fraction_lost: 255, lost, highest: 2, jitter: 3, last_sender_report: 4, delay: 5 }.write(&mut out);
        let read = ReportBlock::read(&ReportBlock::all(1, out.as_chunks().0).unwrap()[0]);
        assert_eq!(read.fraction_lost, 255);
        read.lost
    }

    #[test]
    fn the_sum_of_loss_keeps_its_sign_and_is_clamped_to_24_bits() {
        for (lost, expected) in [(0, 0), (-1, -1), (5, 5), (0x7f_ffff, 0x7f_ffff), (0x80_0000, 0x7f_ffff), (i32::MIN, -0x80_0000)] {
            assert_eq!(back(lost), expected);
        }
    }
}
