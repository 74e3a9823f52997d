//! What a connection of the simulated agent knows of the caller: the words it was told of, and those it heard.

use crate::words::{SILENCE, WORD_SAMPLES, written};

/// The ear and the memory of one connection.
pub(crate) struct Mind {
    /// What it was told that was said before.
    pub(crate) told: Vec<String>,
    /// Samples of each word, in all and in the present turn.
    heard: [u64; 256],
    turn: [u64; 256],
    position: u64,
    /// Samples of speech in a row before it is taken for that, and where the last of them was.
    loud: u64,
    last_loud: u64,
    speaking: bool,
}

/// What it notices.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Noticed {
    Started { ms: u64 },
    Stopped { ms: u64, words: Vec<u8> },
}

impl Default for Mind {
    fn default() -> Self {
        Self { told: Vec::new(), heard: [0; 256], turn: [0; 256], position: 0, loud: 0, last_loud: 0, speaking: false }
    }
}

impl Mind {
    pub(crate) fn hear(&mut self, octets: &[u8]) -> Vec<Noticed> {
        let mut noticed = Vec::new();
        for &octet in octets {
            self.position += 1;
            if octet == SILENCE {
                self.loud = 0;
                if self.speaking && self.position - self.last_loud >= STOP {
                    self.speaking = false;
                    let turn = std::mem::replace(&mut self.turn, [0; 256]);
                    let words = (0..=254).filter(|word| turn[usize::from(*word)] == WORD_SAMPLES).collect();
                    noticed.push(Noticed::Stopped { ms: self.last_loud / 8, words });
                }
                continue;
            }
            (self.loud, self.last_loud) = (self.loud + 1, self.position);
            self.heard[usize::from(octet)] += 1;
            self.turn[usize::from(octet)] += 1;
            if !self.speaking && self.loud >= START {
                self.speaking = true;
                noticed.push(Noticed::Started { ms: (self.position - self.loud) / 8 });
            }
        }
        noticed
    }

    /// How often it knows a word: as text, and as sound, the latter in samples.
    pub(crate) fn knows(&self, word: u8) -> (usize, u64) {
        let text = written(word);
        let told = self.told.iter().flat_map(|said| said.split(' ')).filter(|said| *said == text).count();
        (told, self.heard[usize::from(word)])
    }
}

/// Samples of speech until it begins, and of silence until it ends.
const START: u64 = 800;
const STOP: u64 = 4_000;
