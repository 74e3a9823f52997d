//! Concealment of lost audio by repeating what came last, fading.
//!
//! A gap is covered by the last 20 ms, repeated, falling in a straight line to silence at 60 ms. Left out on purpose:
//! the pitch search and overlap of ITU-T G.711 appendix I. A listening model loses nothing by a seam.

use std::time::Duration;

use crate::codec::fade;
use crate::codec::g711::Law;
use crate::units::SampleRate;

/// Remembers the end of what was heard and continues it.
#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    law: Law,
    /// The newest 20 ms, as payload bytes: kept encoded, so that a clean stream is never decoded for their sake.
    history: Vec<u8>,
    /// Where in the history the next repeated sample stands.
    cursor: usize,
    /// Samples concealed since the last one heard.
    concealed: usize,
}

impl Concealer {
    /// One that has heard nothing yet, and conceals with silence until it has.
    pub(crate) fn new(law: Law) -> Self {
        let length = SampleRate::HZ_8000.samples(HISTORY) as usize;
        Self { law, history: vec![law.silence(); length], cursor: 0, concealed: 0 }
    }

    /// Takes note of audio that went on.
    pub(crate) fn heard(&mut self, payload: &[u8]) {
        let length = self.history.len();
        let newest = payload.get(payload.len().saturating_sub(length)..).unwrap_or(payload);
        self.history.rotate_left(newest.len());
        for (kept, &byte) in self.history.iter_mut().rev().zip(newest.iter().rev()) {
            *kept = byte;
        }
        (self.cursor, self.concealed) = (0, 0);
    }

    /// Takes note of silence that went on, so that nothing from before it is repeated.
    pub(crate) fn silenced(&mut self) {
        self.history.fill(self.law.silence());
        (self.cursor, self.concealed) = (0, 0);
    }

    /// Appends `samples` bytes of concealment to `out`; 60 ms after the last audio heard it is silence.
    pub(crate) fn conceal(&mut self, samples: usize, out: &mut Vec<u8>) {
        let length = SampleRate::HZ_8000.samples(AUDIBLE) as usize;
        for _ in 0..samples {
            let byte = match self.history.get(self.cursor) {
                Some(&byte) if self.concealed < length => self.law.encode(fade::fade_out(self.law.decode(byte), self.concealed, length)),
                _ => self.law.silence(),
            };
            out.push(byte);
            self.cursor = if self.cursor + 1 < self.history.len() { self.cursor + 1 } else { 0 };
            self.concealed += 1;
        }
    }
}

/// How much is repeated: one packet's worth, and at least one period of any voice.
const HISTORY: Duration = Duration::from_millis(20);
/// How long a repetition is bearable.
const AUDIBLE: Duration = Duration::from_millis(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{g711, rms_dbfs};

    fn tone() -> Vec<u8> {
        (0..160).map(|n| g711::encode_ulaw((8_000.0 * (f64::from(n) * std::f64::consts::TAU / 20.0).sin()) as i16)).collect()
    }

    fn concealed(concealer: &mut Concealer, samples: usize) -> Vec<i16> {
        let mut out = Vec::new();
        concealer.conceal(samples, &mut out);
        out.into_iter().map(g711::decode_ulaw).collect()
    }

    #[test]
    fn a_gap_repeats_what_came_last_and_falls_to_silence_after_sixty_milliseconds() {
        let mut concealer = Concealer::new(Law::Mu);
        concealer.heard(&tone());
        let gap = concealed(&mut concealer, 640);
        let level = |from: usize| rms_dbfs(&gap[from..from + 160]);
        assert!(level(0) > -20.0 && level(0) > level(160) && level(160) > level(320));
        assert!(gap[480..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn a_long_gap_may_be_concealed_in_steps() {
        let mut whole = Concealer::new(Law::Mu);
        whole.heard(&tone());
        let mut stepped = whole.clone();
        let mut parts = concealed(&mut stepped, 70);
        parts.extend(concealed(&mut stepped, 330));
        assert_eq!(parts, concealed(&mut whole, 400));
    }

    #[test]
    fn the_history_spans_short_packets_and_takes_the_end_of_long_ones() {
        let speech: Vec<u8> = tone().into_iter().cycle().take(480).collect();
        let mut short = Concealer::new(Law::Mu);
        speech.chunks(80).for_each(|packet| short.heard(packet));
        let mut long = Concealer::new(Law::Mu);
        long.heard(&speech);
        assert_eq!(short.history, long.history);
        assert_eq!(short.history, &speech[320..]);
    }

    #[test]
    fn before_anything_was_heard_concealment_is_silence() {
        assert!(concealed(&mut Concealer::new(Law::Mu), 160).iter().all(|&sample| sample == 0));
    }
}
