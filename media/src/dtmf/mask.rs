//! Keeping keys out of what an agent hears and what is recorded: which audio is to be silenced.
//!
//! A key masks the line from 20 ms before its beginning to 20 ms behind its end, on the clock of the far side's packets.
//! Who holds audio back, for order or for playout, asks by timestamp and gets that exactly, also for packets that come
//! out long after the key's last report. Who passes audio on at once asks by time.
//!
//! What has gone on before a key was known cannot be called back. For telephone-events that is nothing where the far
//! side puts them in the place of the audio, as RFC 4733 has it; a gateway that hears the tones itself first lets
//! through what it takes to hear them, less than the 40 ms that make a key. For tones, ask
//! [`Detector::is_suspect`](super::Detector::is_suspect) of each block before passing it on: that cuts a key after
//! 20 ms at the most, too little to be read again. The detector itself must hear the line before it is silenced.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dtmf::{DigitEvent, Edge, Source};
use crate::units::{ClockRate, RtpTimestamp};

/// The spans of a line that hold keys.
#[derive(Debug)]
pub struct Mask {
    /// 20 ms, in ticks.
    margin: u32,
    spans: VecDeque<Span>,
    /// By [`Source`]: when the line is free of keys again.
    held: [Held; 2],
}

/// One key's time on the line.
#[derive(Clone, Copy, Debug)]
struct Span {
    source: Source,
    from: RtpTimestamp,
    /// `None` while the key is down.
    to: Option<RtpTimestamp>,
}

/// What the keys of one source do to the line.
#[derive(Clone, Copy, Debug, Default)]
enum Held {
    #[default]
    Free,
    Down,
    /// Let go, and free from then on.
    Until(Instant),
}

impl Mask {
    /// A mask without a key; `clock_rate` is that of the events' timestamps.
    #[must_use]
    pub fn new(clock_rate: ClockRate) -> Self {
        let margin = u32::try_from(clock_rate.ticks(MARGIN)).unwrap_or(u32::MAX);
        Self { margin, spans: VecDeque::with_capacity(SPANS), held: [Held::Free; 2] }
    }

    /// Takes in a key's edge; one that signalling brought hides nothing, as it is not in the audio.
    pub fn handle(&mut self, event: &DigitEvent) {
        if event.source == Source::Signalled {
            return;
        }
        let held = match event.edge {
            Edge::Began => {
                if self.spans.len() == SPANS {
                    self.spans.pop_front();
                }
                self.spans.push_back(Span { source: event.source, from: event.timestamp, to: None });
                Held::Down
            }
            Edge::Ended { .. } => {
                let open = self.spans.iter_mut().rev().find(|span| span.source == event.source && span.to.is_none());
                if let Some(span) = open {
                    span.to = Some(event.timestamp);
                }
                Held::Until(event.at + WAITING)
            }
        };
        let [rfc4733, in_band] = &mut self.held;
        match event.source {
            Source::Rfc4733 => *rfc4733 = held,
            Source::InBand => *in_band = held,
            Source::Signalled => {}
        }
    }

    /// Whether a packet of so many ticks has any part of a key in it.
    #[must_use]
    pub fn covers(&self, timestamp: RtpTimestamp, ticks: u32) -> bool {
        let end = timestamp.advance(ticks);
        self.spans.iter().any(|span| {
            let begins_before_its_end = span.to.is_none_or(|to| timestamp.since(to.advance(self.margin)) < 0);
            let ends_behind_its_beginning = end.advance(self.margin).since(span.from) > 0;
            begins_before_its_end && ends_behind_its_beginning
        })
    }

    /// Whether audio that passes now may have a key in it: while one is down, and 100 ms longer, in which packets of
    /// its time may still come out of their order.
    #[must_use]
    pub fn is_muted(&self, now: Instant) -> bool {
        self.held.iter().any(|held| match held {
            Held::Free => false,
            Held::Down => true,
            Held::Until(free) => now < *free,
        })
    }

    /// When [`Self::is_muted`] turns false, once the last key has been let go.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let free = |held: &Held| if let Held::Until(free) = held { Some(*free) } else { None };
        if self.held.iter().any(|held| matches!(held, Held::Down)) { None } else { self.held.iter().filter_map(free).max() }
    }
}

/// On either side of a key: what leaks from a gateway that hears the tones a little later than they sound.
const MARGIN: Duration = Duration::from_millis(20);
/// Longer than packets of a key's time wait for others.
const WAITING: Duration = Duration::from_millis(100);
/// More keys than fit into the audio that anybody holds back.
const SPANS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtmf::Digit;

    const MS: Duration = Duration::from_millis(1);

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn start() -> Instant {
        Instant::now()
    }

    fn event(edge: Edge, source: Source, at: Instant, timestamp: u32) -> DigitEvent {
        DigitEvent { digit: Digit::new('5').unwrap(), edge, source, at, timestamp: RtpTimestamp(timestamp) }
    }

    const ENDED: Edge = Edge::Ended { duration: Duration::ZERO };

    /// Which packets of 20 ms are covered, of those from timestamp nought on.
    fn covered(mask: &Mask, packets: u32) -> Vec<u32> {
        (0..packets).filter(|n| mask.covers(RtpTimestamp(n * 160), 160)).collect()
    }

    #[test]
    fn packets_of_a_keys_time_are_covered_and_one_on_either_side() {
        let (mut mask, now) = (Mask::new(ClockRate::HZ_8000), start());
        mask.handle(&event(Edge::Began, Source::Rfc4733, now, 1_600));
        assert_eq!(covered(&mask, 20), (9..20).collect::<Vec<_>>(), "to no end while it is down");
        mask.handle(&event(ENDED, Source::Rfc4733, now, 2_400));
        assert_eq!(covered(&mask, 100), (9..16).collect::<Vec<_>>());
    }

    #[test]
    fn a_key_covers_its_time_whenever_its_packets_come_and_across_the_wrap() {
        let (mut mask, now) = (Mask::new(ClockRate::HZ_8000), start());
        mask.handle(&event(Edge::Began, Source::InBand, now, u32::MAX - 319));
        mask.handle(&event(ENDED, Source::InBand, now, 480));
        let first = RtpTimestamp(u32::MAX - 1_599);
        let hit: Vec<u32> = (0..20).filter(|n| mask.covers(first.advance(n * 160), 160)).collect();
        assert_eq!(hit, (7..14).collect::<Vec<_>>());
    }

    #[test]
    fn whoever_has_no_timestamps_is_muted_from_the_press_to_100_ms_after_the_release() {
        let (mut mask, now) = (Mask::new(ClockRate::HZ_8000), start());
        assert!(!mask.is_muted(now));
        mask.handle(&event(Edge::Began, Source::Rfc4733, now, 0));
        assert!(mask.is_muted(now) && mask.is_muted(now + 10_000 * MS));
        assert_eq!(mask.poll_timeout(), None);
        mask.handle(&event(ENDED, Source::Rfc4733, now + 200 * MS, 1_600));
        assert!(mask.is_muted(now + 299 * MS) && !mask.is_muted(now + 300 * MS));
        assert_eq!(mask.poll_timeout(), Some(now + 300 * MS));
    }

    #[test]
    fn a_key_that_comes_both_ways_masks_until_both_have_ended() {
        let (mut mask, now) = (Mask::new(ClockRate::HZ_8000), start());
        mask.handle(&event(Edge::Began, Source::Rfc4733, now, 1_600));
        mask.handle(&event(Edge::Began, Source::InBand, now + 10 * MS, 1_600));
        mask.handle(&event(ENDED, Source::Rfc4733, now + 50 * MS, 2_400));
        assert!(mask.is_muted(now + 1_000 * MS));
        assert!(mask.covers(RtpTimestamp(3_200), 160));
        mask.handle(&event(ENDED, Source::InBand, now + 60 * MS, 2_560));
        assert!(!mask.is_muted(now + 1_000 * MS));
        assert_eq!(covered(&mask, 100), (9..17).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_key_is_forgotten_for_a_new_one() {
        let (mut mask, now) = (Mask::new(ClockRate::HZ_8000), start());
        for n in 0..100 {
            mask.handle(&event(Edge::Began, Source::Rfc4733, now, n * 1_600));
            mask.handle(&event(ENDED, Source::Rfc4733, now, n * 1_600 + 800));
        }
        assert_eq!(mask.spans.len(), SPANS);
        assert!(!mask.covers(RtpTimestamp(0), 160) && mask.covers(RtpTimestamp(99 * 1_600), 160));
    }
}
