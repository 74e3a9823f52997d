//! The far end's clock against ours: what a timestamp is in time.

use std::time::{Duration, Instant};

use crate::units::{ClockRate, RtpTimestamp};

/// Timestamps without their wrap, and times in microseconds since the first packet.
#[derive(Debug)]
pub(super) struct FarClock {
    rate: i64,
    origin: Option<Instant>,
    /// The timestamp that came last, and its ticks since the origin.
    last: (i64, RtpTimestamp),
    last_arrival: Option<(i64, i64)>,
}

impl FarClock {
    pub(super) fn new(rate: ClockRate) -> Self {
        Self { rate: i64::from(rate.0), origin: None, last: (0, RtpTimestamp(0)), last_arrival: None }
    }

    /// The next stream has another clock.
    pub(super) fn set_rate(&mut self, rate: ClockRate) {
        self.rate = i64::from(rate.0);
    }

    /// Another stream begins with `timestamp`, or the clock has jumped there.
    pub(super) fn begin(&mut self, now: Instant, timestamp: RtpTimestamp) {
        self.origin.get_or_insert(now);
        self.last = (self.ticks(self.micros(now)), timestamp);
        self.last_arrival = None;
    }

    /// Takes note of a packet; returns when it came, and its transit: that less its timestamp.
    pub(super) fn arrived(&mut self, now: Instant, timestamp: RtpTimestamp) -> (i64, i64) {
        let (at, ticks) = (self.micros(now), self.extend(timestamp));
        self.last = (ticks, timestamp);
        let arrival = (at, at - self.time(ticks));
        self.last_arrival = Some(arrival);
        arrival
    }

    /// Whether a timestamp is too far from its predecessors to be of the same clock.
    pub(super) fn has_jumped(&self, now: Instant, timestamp: RtpTimestamp) -> bool {
        let transit = self.micros(now) - self.time(self.extend(timestamp));
        self.last_arrival.is_some_and(|(_, before)| (transit - before).abs() > JUMP)
    }

    /// When the last packet came, and its transit.
    pub(super) const fn last_arrival(&self) -> Option<(i64, i64)> {
        self.last_arrival
    }

    /// Ticks since the origin, of the timestamp nearest to the last.
    pub(super) const fn extend(&self, timestamp: RtpTimestamp) -> i64 {
        self.last.0 + timestamp.since(self.last.1) as i64
    }

    /// The time that `ticks` stand for.
    pub(super) const fn time(&self, ticks: i64) -> i64 {
        ticks * 1_000_000 / self.rate
    }

    /// The ticks in a time.
    pub(super) const fn ticks(&self, micros: i64) -> i64 {
        micros * self.rate / 1_000_000
    }

    /// Our time.
    pub(super) fn micros(&self, now: Instant) -> i64 {
        self.origin.map_or(0, |origin| now.saturating_duration_since(origin).as_micros() as i64)
    }
}

/// A timestamp that differs by more from real time is another clock's.
const JUMP: i64 = Duration::from_secs(2).as_micros() as i64;
