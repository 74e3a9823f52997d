//! Which sample that was sent stands beside which that came.
//!
//! Both lines are counted in samples, so that the jitter of arrival does not move one against the other. They are tied
//! together where a frame came earliest relative to what had been sent: nothing can echo before it was sent, so an echo
//! is never ahead of its cause. A clock that drifts moves the tie; it follows the earliest arrivals of the last seconds,
//! in steps.

use std::time::Duration;

use crate::units::SampleRate;

/// Ties the line that comes to the line that is sent.
#[derive(Debug)]
pub struct Alignment {
    sent: i64,
    received: i64,
    /// Where the line that comes stood when the first sample was sent.
    origin: Option<i64>,
    /// By how much the line that is sent is ahead.
    lead: i64,
    /// The smallest lead that was seen in this window and in the one before.
    least: [i64; 2],
    /// Samples that are left of the window.
    left: i64,
    window: i64,
    step: i64,
}

impl Alignment {
    /// Nothing was sent or came.
    #[must_use]
    pub const fn new(rate: SampleRate) -> Self {
        let (window, step) = (rate.samples(WINDOW) as i64, rate.samples(STEP) as i64);
        Self { sent: 0, received: 0, origin: None, lead: 0, least: [i64::MAX; 2], left: window, window, step }
    }

    /// So many samples were sent.
    pub fn sent(&mut self, samples: usize) {
        self.origin.get_or_insert(self.received);
        self.sent += samples as i64;
    }

    /// So many samples came. Returns where the first of them stands on the line that is sent, counted from its first
    /// sample; `None` while nothing was sent, negative before.
    pub fn received(&mut self, samples: usize) -> Option<i64> {
        let first = self.received;
        self.received += samples as i64;
        let origin = self.origin?;
        let lead = self.sent + origin - self.received;
        if self.least == [i64::MAX; 2] {
            self.lead = lead;
        }
        let [current, before] = &mut self.least;
        *current = lead.min(*current);
        let least = lead.min(*current).min(*before);
        if (least - self.lead).abs() >= self.step {
            self.lead = least;
        }
        self.left -= samples as i64;
        if self.left <= 0 {
            (*before, *current) = (*current, lead);
            self.left = self.window;
        }
        Some(first + self.lead - origin)
    }
}

/// Half of how long the earliest arrival is remembered.
const WINDOW: Duration = Duration::from_secs(4);
/// Less than this the tie does not move: it is within what the delay estimate tells apart.
const STEP: Duration = Duration::from_millis(8);

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: usize = 160;

    fn aligned() -> Alignment {
        Alignment::new(SampleRate::HZ_8000)
    }

    #[test]
    fn nothing_stands_beside_what_comes_before_anything_is_sent() {
        let mut alignment = aligned();
        assert_eq!(alignment.received(PACKET), None);
        alignment.sent(PACKET);
        assert_eq!(alignment.received(PACKET), Some(0));
    }

    #[test]
    fn a_packet_that_comes_late_stands_where_it_would_have_stood_in_time() {
        let mut alignment = aligned();
        let mut place = 0;
        for n in 0..200_i64 {
            alignment.sent(PACKET);
            // Every third comes with its successor.
            if n % 3 == 1 {
                continue;
            }
            for _ in 0..if n % 3 == 2 { 2 } else { 1 } {
                assert_eq!(alignment.received(PACKET), Some(place));
                place += PACKET as i64;
            }
        }
    }

    #[test]
    fn a_clock_that_drifts_is_followed_in_both_directions() {
        for drift in [-1_i64, 1] {
            let mut alignment = aligned();
            let mut furthest = 0;
            for n in 0..30_000_i64 {
                alignment.sent(PACKET);
                // 300 ppm: one sample in 3 300, twenty packets of 160 and a bit.
                let samples = if n % 21 == 0 { PACKET as i64 + drift } else { PACKET as i64 };
                let place = alignment.received(samples as usize);
                let newest = place.map(|place| place + samples);
                furthest = newest.map_or(furthest, |newest| (newest - (n + 1) * PACKET as i64).abs().max(furthest));
            }
            // It may trail by a step and by what drifts within the two windows: 8 ms and 3 ms.
            assert!(furthest <= 64 + 24, "{furthest} samples with a drift of {drift}");
        }
    }
}
