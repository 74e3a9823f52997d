//! What a caller hears of us before the answer, where its trunk wants ringing from us: early media (RFC 3960 §3).
//!
//! The tone of ITU-T E.180 as most of Europe has it: 425 Hz, a second of each five. It goes through the leg as an item of its own, 0, that no
//! agent has; a little at a time, so that hardly anything is left over when the call is answered. Left out on purpose: other
//! countries' tones, and early media of the agent, who speaks with whoever has been answered.

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use media::codec::g711::{encode_alaw, encode_ulaw};
use media::frame::{AudioChunk, AudioFormat, ItemId};

use crate::leg::plan::PlannedLeg;

/// The ringing of one call.
#[derive(Debug)]
pub(super) struct Ringing {
    format: AudioFormat,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody wants it, or it is over.
    Silent,
    /// Once the call rings.
    Wanted,
    /// So many samples have gone, and when the next are due.
    Heard { samples: u64, next: Instant },
}

impl Ringing {
    /// In the format of the leg.
    pub(super) const fn new(wanted: bool, format: AudioFormat) -> Self {
        Self { format, state: if wanted { State::Wanted } else { State::Silent } }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.state == State::Wanted
    }

    /// Begins; the line is open.
    pub(super) fn begin(&mut self, now: Instant, leg: &mut PlannedLeg) {
        self.state = State::Heard { samples: 0, next: now + PIECE };
        // One piece ahead of what is due.
        self.play(now, leg);
        self.play(now, leg);
    }

    /// Ends; whether the line is open because of it.
    pub(super) fn end(&mut self, now: Instant, leg: &mut PlannedLeg) -> bool {
        let was_heard = matches!(self.state, State::Heard { .. });
        self.state = State::Silent;
        if was_heard {
            leg.flush(now, media::egress::FlushScope::UpTo(RING));
            leg.end(now, RING);
        }
        was_heard
    }

    /// Plays on.
    pub(super) fn handle_timeout(&mut self, now: Instant, leg: &mut PlannedLeg) {
        if let State::Heard { samples, next } = self.state
            && next <= now
        {
            self.state = State::Heard { samples, next: next + PIECE };
            self.play(now, leg);
        }
    }

    /// One piece more.
    fn play(&mut self, now: Instant, leg: &mut PlannedLeg) {
        let State::Heard { samples, next } = self.state else { return };
        let rate = u64::from(self.format.rate().hz());
        let count = rate * PIECE.as_millis() as u64 / 1_000;
        let mut bytes = Vec::with_capacity(count as usize * self.format.sample_len_bytes());
        for at in samples..samples + count {
            let sample = sample(at, rate);
            match self.format {
                AudioFormat::Ulaw8k => bytes.push(encode_ulaw(sample)),
                AudioFormat::Alaw8k => bytes.push(encode_alaw(sample)),
                AudioFormat::S16 { .. } => bytes.extend_from_slice(&sample.to_le_bytes()),
            }
        }
        leg.push(now, RING, AudioChunk { format: self.format, bytes: &bytes });
        self.state = State::Heard { samples: samples + count, next };
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Heard { next, .. } => Some(next),
            State::Silent | State::Wanted => None,
        }
    }
}

/// One sample of the tone, its edges over 10 ms.
fn sample(at: u64, rate: u64) -> i16 {
    let within = (at % (rate * CYCLE_S)) as f64 / rate as f64;
    if within >= TONE_S {
        return 0;
    }
    let edge = (within / EDGE_S).min((TONE_S - within) / EDGE_S).min(1.0);
    (LEVEL * edge * (TAU * HZ * within).sin()) as i16
}

/// Agents number theirs from 1.
pub(super) const RING: ItemId = ItemId(0);

const HZ: f64 = 425.0;
const TONE_S: f64 = 1.0;
const EDGE_S: f64 = 0.01;
const CYCLE_S: u64 = 5;
/// Of a sine, about −20 dBm0.
const LEVEL: f64 = 3_200.0;
const PIECE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_each_five_sounds_and_begins_and_ends_softly() {
        let loud = |from: u64, to: u64| (from..to).map(|at| sample(at, 8_000).unsigned_abs()).max().unwrap();
        assert!(loud(4_000, 4_100) > 3_000 && loud(44_000, 44_100) > 3_000);
        assert_eq!((loud(8_000, 40_000), sample(0, 8_000)), (0, 0));
        assert!(loud(0, 8) < 400 && loud(7_992, 8_000) < 400);
    }
}
