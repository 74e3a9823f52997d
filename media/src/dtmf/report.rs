//! The four octets that report an event (RFC 4733 §2.3).

/// One report of an event; a payload is a row of them (§2.5.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The event's code.
    pub(super) code: u8,
    /// The event has ended with this report.
    pub(super) end: bool,
    /// Power in dBm0 with its sign dropped, 0 to 63; of tones only.
    pub(super) volume: u8,
    /// How long the event, or this segment of it, has lasted; in ticks.
    pub(super) duration: u16,
}

impl Report {
    /// Reads one. The reserved bit is ignored, as the RFC has it.
    pub(super) const fn read([code, flags, high, low]: [u8; 4]) -> Self {
        Self { code, end: flags & END != 0, volume: flags & VOLUME, duration: u16::from_be_bytes([high, low]) }
    }

    pub(super) const fn write(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, if self.end { END } else { 0 } | self.volume & VOLUME, high, low]
    }
}

const END: u8 = 0x80;
const VOLUME: u8 = 0x3f;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_it_was_written() {
        let report = Report { code: 11, end: true, volume: 10, duration: 1_280 };
        assert_eq!(report.write(), [11, 0x8a, 5, 0]);
        assert_eq!(Report::read(report.write()), report);
    }

    #[test]
    fn the_reserved_bit_is_ignored() {
        assert_eq!(Report::read([1, 0x40 | 10, 0, 160]), Report { code: 1, end: false, volume: 10, duration: 160 });
    }
}
