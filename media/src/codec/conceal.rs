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
    history: History,
    audible: usize,
    /// Where in the history the next repeated sample stands.
    cursor: usize,
    /// Samples concealed since the last one heard.
    concealed: usize,
}

/// The newest 20 ms.
#[derive(Clone, Debug)]
enum History {
    /// As payload bytes: a clean stream is never decoded for their sake.
    Encoded(Law, Vec<u8>),
    Linear(Vec<i16>),
}

impl Concealer {
    /// One that has heard nothing yet, and conceals with silence until it has. With a law it hears payloads.
    pub(crate) fn new(law: Option<Law>, rate: SampleRate) -> Self {
        let length = rate.samples(HISTORY) as usize;
        let history = law.map_or_else(|| History::Linear(vec![0; length]), |law| History::Encoded(law, vec![law.silence(); length]));
        Self { history, audible: rate.samples(AUDIBLE) as usize, cursor: 0, concealed: 0 }
    }

    /// Takes note of a payload that went on.
    pub(crate) fn heard_payload(&mut self, payload: &[u8]) {
        if let History::Encoded(_, history) = &mut self.history {
            remember(history, payload);
        }
        (self.cursor, self.concealed) = (0, 0);
    }

    /// Takes note of audio that went on.
    pub(crate) fn heard(&mut self, samples: &[i16]) {
        if let History::Linear(history) = &mut self.history {
            remember(history, samples);
        }
        (self.cursor, self.concealed) = (0, 0);
    }

    /// Takes note of silence that went on, so that nothing from before it is repeated.
    pub(crate) fn silenced(&mut self) {
        match &mut self.history {
            History::Encoded(law, history) => history.fill(law.silence()),
            History::Linear(history) => history.fill(0),
        }
        (self.cursor, self.concealed) = (0, 0);
    }

    /// Appends `samples` of concealment to `out`; 60 ms after the last audio heard it is silence.
    pub(crate) fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        for _ in 0..samples {
            let (heard, length) = match &self.history {
                History::Encoded(law, history) => (history.get(self.cursor).map_or(0, |&byte| law.decode(byte)), history.len()),
                History::Linear(history) => (history.get(self.cursor).copied().unwrap_or(0), history.len()),
            };
            out.push(if self.concealed < self.audible { fade::fade_out(heard, self.concealed, self.audible) } else { 0 });
            self.cursor = if self.cursor + 1 < length { self.cursor + 1 } else { 0 };
            self.concealed += 1;
        }
    }
}

/// Moves the newest into the end of `history`.
fn remember<T: Copy>(history: &mut [T], newest: &[T]) {
    let newest = newest.get(newest.len().saturating_sub(history.len())..).unwrap_or(newest);
    history.rotate_left(newest.len());
    for (kept, &new) in history.iter_mut().rev().zip(newest.iter().rev()) {
        *kept = new;
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

    fn concealer() -> Concealer {
        Concealer::new(Some(Law::Mu), SampleRate::HZ_8000)
    }

    fn tone() -> Vec<u8> {
        (0..160).map(|n| g711::encode_ulaw((8_000.0 * (f64::from(n) * std::f64::consts::TAU / 20.0).sin()) as i16)).collect()
    }

    fn concealed(concealer: &mut Concealer, samples: usize) -> Vec<i16> {
        let mut out = Vec::new();
        concealer.conceal(samples, &mut out);
        out
    }

    #[test]
    fn a_gap_repeats_what_came_last_and_falls_to_silence_after_sixty_milliseconds() {
        let mut concealer = concealer();
        concealer.heard_payload(&tone());
        let gap = concealed(&mut concealer, 640);
        let level = |from: usize| rms_dbfs(&gap[from..from + 160]);
        assert!(level(0) > -20.0 && level(0) > level(160) && level(160) > level(320));
        assert!(gap[480..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn a_long_gap_may_be_concealed_in_steps() {
        let mut whole = concealer();
        whole.heard_payload(&tone());
        let mut stepped = whole.clone();
        let mut parts = concealed(&mut stepped, 70);
        parts.extend(concealed(&mut stepped, 330));
        assert_eq!(parts, concealed(&mut whole, 400));
    }

    #[test]
    fn before_anything_was_heard_concealment_is_silence() {
        assert!(concealed(&mut concealer(), 160).iter().all(|&sample| sample == 0));
    }
}
