//! How much faster the far end's clock runs than ours, from arrivals and timestamps alone.
//!
//! The transit of a packet, its arrival less its timestamp, is a floor that the two clocks tilt and delays that lie on top
//! of it. So the line that lies under all transits and nearest to them tilts as the clocks do (Moon, Skelly, Towsley 1999):
//! the edge of their lower convex hull under the middle of the time. Jitter, bursts and losses only raise or thin out what
//! lies above the line. Of each two seconds the lowest transit is kept, of about two minutes in all.
//!
//! A route that changes lifts or lowers the floor by a step, which is no tilt: two-second spans that lie off the line
//! wait until it is clear whether the floor has moved. Then the line begins anew, and the old tilt is told until the new
//! one is known as well.
//!
//! Left out on purpose: the NTP times of sender reports. They tell the far end's wall clock against its sampling clock,
//! and it is its sampling clock against ours that fills or empties a queue.

use std::time::{Duration, Instant};

use crate::units::{ClockRate, RtpTimestamp};

/// The estimator of one stream. Its memory is fixed at its birth.
#[derive(Debug)]
pub struct SkewEstimator {
    rate: ClockRate,
    /// The first arrival, from which time is counted.
    origin: Option<Instant>,
    /// The last timestamp, and its ticks since the first.
    last: Option<(RtpTimestamp, i64)>,
    /// The lowest transit of the span that is running, and the span's number.
    lowest: Option<(i64, Transit)>,
    /// The lowest transits of the spans that count, oldest first.
    floor: Vec<Transit>,
    /// Spans off the line, that may be the beginning of another floor.
    strays: Vec<Transit>,
    /// Corners of the hull, while it is built.
    hull: Vec<Transit>,
    line: Option<Line>,
    /// The last tilt known well, in parts in a million.
    known: Option<f64>,
}

/// A packet: when it came and how long it took but for a constant, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Transit {
    at: f64,
    delay: f64,
}

/// The floor as it is estimated.
#[derive(Clone, Copy, Debug)]
struct Line {
    through: Transit,
    /// Microseconds a microsecond.
    slope: f64,
    /// How far above the line the lowest transits of spans lie on average, in microseconds.
    scatter: f64,
}

impl SkewEstimator {
    /// An estimator for timestamps of this clock.
    #[must_use]
    pub fn new(rate: ClockRate) -> Self {
        Self {
            rate,
            origin: None,
            last: None,
            lowest: None,
            floor: Vec::with_capacity(SPANS),
            strays: Vec::with_capacity(STRAYS),
            hull: Vec::with_capacity(SPANS),
            line: None,
            known: None,
        }
    }

    /// Takes note of a packet, in whatever order they come.
    pub fn arrived(&mut self, now: Instant, timestamp: RtpTimestamp) {
        if self.rate.0 == 0 {
            return;
        }
        let at = micros(now.saturating_duration_since(*self.origin.get_or_insert(now)));
        let ticks = self.last.map_or(0, |(last, ticks)| ticks + i64::from(timestamp.since(last)));
        self.last = Some((timestamp, ticks));
        let transit = Transit { at, delay: at - ticks as f64 * 1e6 / f64::from(self.rate.0) };
        let span = (at / SPAN) as i64;
        match &mut self.lowest {
            Some((running, lowest)) if *running == span => {
                if transit.delay < lowest.delay {
                    *lowest = transit;
                }
            }
            _ => {
                let ended = self.lowest.replace((span, transit));
                if let Some((_, lowest)) = ended {
                    self.end_span(lowest);
                }
            }
        }
    }

    /// How much faster the far clock runs than ours, in parts in a million; `None` in the first 20 s.
    #[must_use]
    pub const fn skew_ppm(&self) -> Option<f64> {
        self.known
    }

    /// Another stream begins, with another clock: nothing is known of it.
    pub fn restart(&mut self) {
        (self.origin, self.last, self.lowest, self.line, self.known) = (None, None, None, None, None);
        self.floor.clear();
        self.strays.clear();
    }

    fn end_span(&mut self, lowest: Transit) {
        if let Some(line) = self.line.filter(|line| !line.is_near(lowest)) {
            self.take_stray(lowest, &line);
        } else {
            self.strays.clear();
            self.add(lowest);
        }
        self.fit();
    }

    /// A span off the line: once several in a row lie off it on the same side, the floor has moved.
    fn take_stray(&mut self, lowest: Transit, line: &Line) {
        let above = line.height(lowest) > 0.0;
        if self.strays.first().is_some_and(|first| (line.height(*first) > 0.0) != above) {
            self.strays.clear();
        }
        self.strays.push(lowest);
        if self.strays.len() == STRAYS {
            // In the span of the step itself a few packets came the old way, and the lowest of them is on neither floor.
            let (newest, near) = (line.height(lowest), line.near());
            self.strays.retain(|stray| (line.height(*stray) - newest).abs() <= near);
            self.floor.clear();
            self.floor.append(&mut self.strays);
            self.line = None;
        }
    }

    /// Keeps the newest spans.
    fn add(&mut self, lowest: Transit) {
        if self.floor.len() == SPANS {
            self.floor.remove(0);
        }
        self.floor.push(lowest);
    }

    /// Lays the line under the floor once there is enough of it.
    fn fit(&mut self) {
        let (Some(first), Some(last)) = (self.floor.first(), self.floor.last()) else { return };
        let length = last.at - first.at;
        if self.floor.len() < FEWEST {
            return;
        }
        let Some(line) = self.lower_edge() else { return };
        self.line = Some(line);
        // Before the floor has been followed for long, what was known of another floor of the same clocks is better.
        let enough = if self.known.is_some() { WELL_KNOWN } else { KNOWN };
        let skew_ppm = -line.slope * 1e6;
        if length >= enough && skew_ppm.abs() <= MOST_PPM {
            self.known = Some(skew_ppm);
        }
    }

    /// The edge of the lower convex hull under the middle of the time.
    fn lower_edge(&mut self) -> Option<Line> {
        self.hull.clear();
        for &transit in &self.floor {
            while let [.., before, last] = self.hull[..]
                && is_right_turn(before, last, transit)
            {
                self.hull.pop();
            }
            self.hull.push(transit);
        }
        let count = self.floor.len() as f64;
        let middle = self.floor.iter().map(|transit| transit.at).sum::<f64>() / count;
        let edge = self.hull.array_windows().find(|[_, end]| end.at >= middle)?;
        let [start, end] = *edge;
        let slope = (end.delay - start.delay) / (end.at - start.at);
        let mut line = Line { through: start, slope, scatter: 0.0 };
        line.scatter = self.floor.iter().map(|transit| line.height(*transit)).sum::<f64>() / count;
        Some(line)
    }
}

impl Line {
    fn height(&self, transit: Transit) -> f64 {
        transit.delay - (self.through.delay + self.slope * (transit.at - self.through.at))
    }

    /// Whether the lowest transit of a span is one that this floor may well have.
    fn is_near(&self, transit: Transit) -> bool {
        self.height(transit).abs() <= self.near()
    }

    fn near(&self) -> f64 {
        NEAR + 5.0 * self.scatter
    }
}

/// Whether the path over `middle` does not bend upwards there, so that it is no corner of a lower hull.
fn is_right_turn(start: Transit, middle: Transit, end: Transit) -> bool {
    let (dx, dy) = (middle.at - start.at, middle.delay - start.delay);
    dx * (end.delay - start.delay) <= dy * (end.at - start.at)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Two seconds, of which the lowest transit is kept; microseconds.
const SPAN: f64 = 2e6;
/// Spans that are kept: 128 s.
const SPANS: usize = 64;
/// Spans in a row off the line that are another floor: 8 s.
const STRAYS: usize = 4;
/// Spans under which a line is laid.
const FEWEST: usize = 6;
/// A span this near to the line lies on it, whatever the scatter; microseconds.
const NEAR: f64 = 1_000.0;
/// How long a floor must have been followed for a first estimate; microseconds.
const KNOWN: f64 = 18e6;
/// How long another floor must have been followed before what was known is given up for it; microseconds.
const WELL_KNOWN: f64 = 40e6;
/// No crystal is off by more: what says so is no skew.
const MOST_PPM: f64 = 2_000.0;

#[cfg(test)]
mod tests;
