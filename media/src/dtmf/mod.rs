//! Keys of a telephone as named events in RTP (RFC 4733).
//!
//! Left out for now: receiving them, tones in the audio (Q.23), and events that outlast the 16 bits of a duration.

mod sender;

pub use sender::{DialError, Sender};

/// A key: 0 to 9, `*`, `#`, A to D.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digit(u8);

impl Digit {
    /// `None` for a character that no key has.
    #[must_use]
    pub fn new(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().zip(0..).find_map(|(known, event)| (*known == key).then_some(Self(event)))
    }

    /// Its event code (RFC 4733 §3.2, table 3).
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }
}

/// In the order of their event codes.
const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_event_code_of_the_table() {
        let codes = ['0', '9', '*', '#', 'A', 'd'].map(|key| Digit::new(key).map(Digit::event));
        assert_eq!(codes, [0, 9, 10, 11, 12, 15].map(Some));
        assert_eq!(Digit::new('E'), None);
    }
}
