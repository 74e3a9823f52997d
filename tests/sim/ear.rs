//! Which of the agent's words stand in RTP packets, told by the sound alone.
//!
//! Each utterance of the simulated agent is a level of its own, a μ-law octet that comfort noise never reaches; two
//! utterances in a row have opposite signs, so that the fade at the end of one is never taken for the next. What comes
//! up from noise belongs to the utterance at whose level it arrives.

use std::collections::BTreeMap;

use media::codec::g711::decode_ulaw;

/// The octet of the utterance of this number, counted from nought.
pub(crate) const fn voice(number: u8) -> u8 {
    let sign = if number.is_multiple_of(2) { 0x80 } else { 0x00 };
    sign + 4 * ((number / 2) % 16)
}

/// Utterances that can be told apart.
pub(crate) const VOICES: u8 = 32;

/// Counts the samples of each utterance in a stream, fades included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ear {
    counts: BTreeMap<u8, u64>,
    current: Option<u8>,
    /// The last octet and how loud it was.
    last: u8,
    level: u32,
    /// Samples since there was noise, and those of them that were counted for somebody, while they may be a fade.
    onset: u64,
    counted: u64,
}

impl Ear {
    pub(crate) fn hear(&mut self, payload: &[u8]) {
        for &octet in payload {
            let level = u32::from(decode_ulaw(octet).unsigned_abs());
            let same_sign = (self.last ^ octet) & SIGN == 0;
            let goes_on = self.current.is_some_and(|voice| voice == octet || same_sign && level > NOISE && level <= self.level);
            let comes_up = (1..=FADE).contains(&self.onset) && same_sign && level > self.level;
            if comes_up && !goes_on {
                // All since the noise belongs to whoever this turns out to be.
                if let Some(voice) = self.current {
                    *self.counts.entry(voice).or_default() -= self.counted;
                }
                self.current = is_voice(octet).then_some(octet);
                self.counted = self.onset;
                if let Some(voice) = self.current {
                    *self.counts.entry(voice).or_default() += self.onset;
                }
            } else if !goes_on {
                self.current = is_voice(octet).then_some(octet);
                (self.onset, self.counted) = (0, 0);
            }
            self.onset = if level > NOISE { self.onset + 1 } else { 0 };
            (self.last, self.level) = (octet, level);
            if let Some(voice) = self.current {
                *self.counts.entry(voice).or_default() += 1;
                self.counted += 1;
            } else {
                self.counted = 0;
            }
        }
    }

    /// Samples heard of an utterance.
    pub(crate) fn samples(&self, voice: u8) -> u64 {
        self.counts.get(&voice).copied().unwrap_or_default()
    }

    /// Utterances of which something was heard.
    pub(crate) fn voices(&self) -> impl Iterator<Item = u8> + '_ {
        self.counts.iter().filter(|(_, count)| **count > 0).map(|(voice, _)| *voice)
    }
}

const fn is_voice(octet: u8) -> bool {
    octet & !SIGN < 64 && octet.is_multiple_of(4)
}

const SIGN: u8 = 0x80;

/// Samples of a fade.
const FADE: u64 = 40;

/// Above the loudest comfort noise, below the last sample of the quietest fade.
const NOISE: u32 = 30;
