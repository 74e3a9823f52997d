//! Stage 6: keys that sound in the audio, heard before anything is silenced, and silenced from their first sounds on.
//!
//! The detector hears the line as it is: what came, what was made up for what did not, and silence. What it suspects goes
//! on as silence, long before the key is certain, so that what gets through is too short to be read again. Left out on
//! purpose: what a key means, and joining it with telephone-events (`dtmf::Merger`).

use std::collections::VecDeque;

use crate::dtmf::{Detector, ToneEvent};
use crate::ingress::Ingress;
use crate::units::{ClockRate, RtpTimestamp, SampleRate};

impl Ingress {
    /// Whether the line is listened to for keys as tones, and whether nobody shall hear those.
    pub fn set_tones(&mut self, wanted: bool, hidden: bool) {
        self.delivery.set_tones(wanted, hidden);
    }

    /// The line is listened to for keys no longer: one that sounds ends.
    pub fn close_tones(&mut self) {
        self.delivery.close_tones();
    }

    /// A key that began to sound or fell silent, and the timestamp of that; to be asked after every packet and timeout.
    pub fn poll_tone(&mut self) -> Option<(ToneEvent, RtpTimestamp)> {
        self.delivery.poll_tone()
    }

    /// Whether the newest audio was silenced for what may be a key in it.
    #[must_use]
    pub fn hides_tone(&self) -> bool {
        self.delivery.hides_tone()
    }
}

/// Listens to the line for keys.
#[derive(Debug)]
pub(super) struct Tones {
    rate: SampleRate,
    detector: Detector,
    hidden: bool,
    /// Samples that the detector has heard.
    heard: u64,
    /// What the sample of that number stands at on the far clock.
    anchor: (u64, RtpTimestamp, ClockRate),
    edges: Vec<ToneEvent>,
    waiting: VecDeque<(ToneEvent, RtpTimestamp)>,
}

impl Tones {
    pub(super) fn new(rate: SampleRate, hidden: bool) -> Self {
        Self {
            rate,
            detector: Detector::new(rate),
            hidden,
            heard: 0,
            anchor: (0, RtpTimestamp(0), ClockRate::HZ_8000),
            edges: Vec::new(),
            waiting: VecDeque::with_capacity(4),
        }
    }

    pub(super) const fn hide(&mut self, hidden: bool) {
        self.hidden = hidden;
    }

    /// The line is listened to no longer: a key that sounds ends.
    pub(super) fn close(&mut self) {
        self.detector.close(&mut self.edges);
        self.tell();
    }

    /// The line goes on at another rate: a key that sounds ends.
    pub(super) fn set_rate(&mut self, rate: SampleRate) {
        if rate != self.rate {
            self.close();
            let (_, timestamp, clock) = self.anchor;
            (self.rate, self.detector, self.heard, self.anchor) = (rate, Detector::new(rate), 0, (0, timestamp, clock));
        }
    }

    /// Hears what comes next; whether it shall not go on.
    pub(super) fn hear(&mut self, samples: &[i16]) -> bool {
        self.detector.push(samples, &mut self.edges);
        self.heard += samples.len() as u64;
        self.tell();
        self.hides()
    }

    /// What was heard last ended at this timestamp.
    pub(super) const fn note_end(&mut self, timestamp: RtpTimestamp, clock: ClockRate) {
        self.anchor = (self.heard, timestamp, clock);
    }

    pub(super) fn poll(&mut self) -> Option<(ToneEvent, RtpTimestamp)> {
        self.waiting.pop_front()
    }

    /// Whether what was heard last is kept from others.
    pub(super) const fn hides(&self) -> bool {
        self.hidden && self.detector.is_suspect()
    }

    fn tell(&mut self) {
        let (at, timestamp, clock) = self.anchor;
        for edge in self.edges.drain(..) {
            let samples = i128::from(edge.position) - i128::from(at);
            let ticks = samples * i128::from(clock.0) / i128::from(self.rate.hz());
            if self.waiting.len() == BOUND {
                self.waiting.pop_front();
            }
            self.waiting.push_back((edge, RtpTimestamp(timestamp.0.wrapping_add(ticks as u32))));
        }
    }
}

/// Edges that wait to be fetched: more than a second of keys has.
const BOUND: usize = 32;
