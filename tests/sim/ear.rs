//! Which of the agent's words stand in RTP packets, told by the sound alone.
//!
//! Each utterance of the simulated agent is a level of its own, a μ-law octet that comfort noise never reaches; two
//! utterances in a row have opposite signs, so that the fade at the end of one is never taken for the next.

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
    level: u32,
}

impl Ear {
    pub(crate) fn hear(&mut self, payload: &[u8]) {
        for &octet in payload {
            let sample = decode_ulaw(octet);
            let level = u32::from(sample.unsigned_abs());
            let fading = |voice: u8| (voice ^ octet) & SIGN == 0 && level > NOISE && level <= self.level;
            self.current = match self.current {
                Some(voice) if voice == octet || fading(voice) => Some(voice),
                _ => is_voice(octet).then_some(octet),
            };
            self.level = level;
            if let Some(voice) = self.current {
                *self.counts.entry(voice).or_default() += 1;
            }
        }
    }

    /// Samples heard of an utterance.
    pub(crate) fn samples(&self, voice: u8) -> u64 {
        self.counts.get(&voice).copied().unwrap_or_default()
    }

    /// Utterances of which something was heard.
    pub(crate) fn voices(&self) -> impl Iterator<Item = u8> + '_ {
        self.counts.keys().copied()
    }
}

const fn is_voice(octet: u8) -> bool {
    octet & !SIGN < 64 && octet.is_multiple_of(4)
}

const SIGN: u8 = 0x80;

/// Above the loudest comfort noise, below the last sample of the quietest fade.
const NOISE: u32 = 30;
