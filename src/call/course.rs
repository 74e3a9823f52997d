//! How the line fares over a call: a figure every few seconds, so that it can be drawn.
//!
//! Bounded: when there is no room for more, every two become one, and the next are taken half as often. So a call of any
//! length has 180 to 360 of them.

use std::time::{Duration, Instant};

use crate::domain::media_statistics::{MediaSample, MediaStatistics};

/// The figures of one call so far.
#[derive(Debug)]
pub(super) struct Course {
    samples: Vec<MediaSample>,
    every: Duration,
    due: Option<Instant>,
    /// Received and lost up to the last sample.
    counted: (u64, u64),
}

impl Course {
    pub(super) const fn new() -> Self {
        Self { samples: Vec::new(), every: FIRST_EVERY, due: None, counted: (0, 0) }
    }

    /// Whether it is time for the next.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
    }

    /// Takes the next, `at_ms` into the call.
    pub(super) fn take(&mut self, now: Instant, at_ms: u64, media: &MediaStatistics) {
        if self.samples.len() == LIMIT {
            self.samples = self.samples.chunks(2).map(merged).collect();
            self.every *= 2;
        }
        let total = (media.packets_received, media.packets_lost);
        self.samples.push(MediaSample {
            at_ms,
            received: total.0.saturating_sub(self.counted.0),
            // What was taken for lost may come after all.
            lost: total.1.saturating_sub(self.counted.1),
            jitter_ms: media.jitter_ms,
            round_trip_ms: media.round_trip_ms,
        });
        self.counted = total;
        self.due = Some(now + self.every);
    }

    pub(super) fn samples(&self) -> &[MediaSample] {
        &self.samples
    }
}

fn merged(pair: &[MediaSample]) -> MediaSample {
    let mut whole = MediaSample::default();
    for sample in pair {
        whole.at_ms = sample.at_ms;
        whole.received += sample.received;
        whole.lost += sample.lost;
        whole.jitter_ms = whole.jitter_ms.max(sample.jitter_ms);
        whole.round_trip_ms = sample.round_trip_ms.or(whole.round_trip_ms);
    }
    whole
}

/// Between two samples, at first.
const FIRST_EVERY: Duration = Duration::from_secs(5);

/// Samples kept; the first are taken every 5 s, so they last for half an hour.
const LIMIT: usize = 360;

#[cfg(test)]
mod tests {
    use super::*;

    fn media(received: u64, lost: u64, jitter_ms: f64) -> MediaStatistics {
        MediaStatistics { packets_received: received, packets_lost: lost, jitter_ms, ..MediaStatistics::default() }
    }

    #[test]
    fn each_sample_counts_what_came_since_the_one_before() {
        let (mut course, start) = (Course::new(), Instant::now());
        assert!(course.is_due(start));
        course.take(start, 0, &media(0, 0, 0.0));
        assert!(!course.is_due(start + Duration::from_secs(4)) && course.is_due(start + Duration::from_secs(5)));
        course.take(start + Duration::from_secs(5), 5_000, &media(245, 5, 2.5));
        // Four of the five came late.
        course.take(start + Duration::from_secs(10), 10_000, &media(499, 1, 1.0));
        let counted: Vec<_> = course.samples().iter().map(|sample| (sample.received, sample.lost)).collect();
        assert_eq!(counted, [(0, 0), (245, 5), (254, 0)]);
    }

    #[test]
    fn a_long_call_keeps_no_more_samples_and_loses_no_packet_of_the_sum() {
        let (mut course, mut now) = (Course::new(), Instant::now());
        let (mut received, mut seconds) = (0, 0);
        while seconds < 12 * 3_600 {
            if course.is_due(now) {
                course.take(now, seconds * 1_000, &media(received, received / 100, 3.0));
            }
            (now, seconds, received) = (now + Duration::from_secs(1), seconds + 1, received + 50);
        }
        assert!((LIMIT / 2..=LIMIT).contains(&course.samples().len()), "{}", course.samples().len());
        assert_eq!(course.samples().iter().map(|sample| sample.received).sum::<u64>(), course.counted.0);
        assert!(course.samples().is_sorted_by_key(|sample| sample.at_ms));
    }
}
