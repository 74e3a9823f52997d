//! Keys that were told, by the time on the stream's clock that they took.

use std::collections::VecDeque;

use crate::dtmf::Digit;
use crate::units::{RtpTimestamp, Ssrc};

/// A key with its span.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) ssrc: Ssrc,
    pub(super) digit: Digit,
    /// Where it began.
    pub(super) start: RtpTimestamp,
    /// Where the newest segment of it began.
    pub(super) segment: RtpTimestamp,
    /// How far it is known to last.
    pub(super) reached: RtpTimestamp,
    /// Its end was told.
    pub(super) over: bool,
}

impl Known {
    /// Whether `report` is of this key: from within its span, or a segment that continues it.
    ///
    /// A marker denies the latter: it stands at beginnings only.
    pub(super) fn is_told_by(&self, report: &Self, marker: bool) -> bool {
        if (self.ssrc, self.digit) != (report.ssrc, report.digit) {
            return false;
        }
        let from = report.start;
        let within = from == self.start || from.since(self.start) > 0 && from.since(self.reached) < 0;
        // Where the report of a full segment was lost, the next begins a full duration on nevertheless.
        let continues = !self.over && !marker && (from == self.reached || from == self.segment.advance(SEGMENT));
        within || continues
    }
}

/// The keys that are over, newest last; the oldest is forgotten for a new one.
#[derive(Debug)]
pub(super) struct Past(VecDeque<Known>);

impl Default for Past {
    fn default() -> Self {
        Self(VecDeque::with_capacity(BOUND))
    }
}

impl Past {
    pub(super) fn keep(&mut self, key: Known) {
        if self.0.len() == BOUND {
            self.0.pop_front();
        }
        self.0.push_back(key);
    }

    /// Whether `report` is of a key that is over.
    ///
    /// More of a key that was given up is noted, so that its further segments are known too.
    pub(super) fn knows(&mut self, report: &Known, marker: bool) -> bool {
        let Some(key) = self.0.iter_mut().rev().find(|key| key.is_told_by(report, marker)) else { return false };
        if !key.over {
            key.over = report.over;
            if report.reached.since(key.reached) > 0 {
                (key.segment, key.reached) = (report.segment, report.reached);
            }
        }
        true
    }

    pub(super) fn last(&self) -> Option<Known> {
        self.0.back().copied()
    }
}

/// Far more keys than packets of several are under way at a time.
const BOUND: usize = 16;
/// The longest segment, in ticks (RFC 4733 §2.5.1.3).
const SEGMENT: u32 = u16::MAX as u32;
