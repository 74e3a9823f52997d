//! Keys of a telephone: as named events in RTP (RFC 4733) and as tones in the audio (ITU-T Q.23, Q.24), both ways.
//!
//! | | out | in |
//! | --- | --- | --- |
//! | telephone-events | [`Sender`] | [`Receiver`] |
//! | tones | [`Generator`] | [`Detector`] |
//!
//! Both ways in speak [`DigitEvent`]; a [`Merger`] tells once what comes both ways, and a [`Mask`] says which audio is to
//! be silenced so that nobody hears the keys. Left out on purpose: events other than keys and the hook flash, tones by description (RFC 4733 §4), redundancy by
//! RFC 2198 (the repeated reports of an event are redundancy enough: see `media/tests/dtmf_loss.rs`), and keys in SIP
//! INFO.

mod cadence;
mod detector;
mod event;
mod generator;
mod mask;
mod merger;
mod receiver;
mod report;
mod sender;
mod tones;

pub use cadence::Cadence;
pub use detector::{Detector, ToneEvent};
pub use event::{DigitEvent, Edge, Source};
pub use generator::{Generator, Levels};
pub use mask::Mask;
pub use merger::Merger;
pub use receiver::{Receiver, ReceiverOutput, ReceiverStats};
pub use sender::{DialError, Sender};

use std::fmt;

/// A key: 0 to 9, `*`, `#`, A to D, and the hook flash, written `!`.
///
/// It is not shown by `Debug`: keys are PINs and the numbers of cards.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(u8);

impl Digit {
    /// The hook flash: on hook for a moment. It has no tone.
    pub const FLASH: Self = Self(16);

    /// `None` for a character that no key has.
    #[must_use]
    pub fn new(key: char) -> Option<Self> {
        let key = key.to_ascii_uppercase();
        KEYS.iter().zip(0..).find_map(|(known, event)| (*known == key).then_some(Self(event)))
    }

    /// The key of an event code; `None` when the event is no key.
    #[must_use]
    pub const fn from_event(code: u8) -> Option<Self> {
        if code <= Self::FLASH.0 { Some(Self(code)) } else { None }
    }

    /// Its event code (RFC 4733 §3.2, table 3).
    #[must_use]
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The character on it.
    #[must_use]
    pub fn key(self) -> char {
        // No digit is made with a code beyond the table.
        KEYS.get(usize::from(self.0)).copied().unwrap_or('!')
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit(•)")
    }
}

/// In the order of their event codes.
const KEYS: [char; 17] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D', '!'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_event_code_of_the_table() {
        let codes = ['0', '9', '*', '#', 'A', 'd', '!'].map(|key| Digit::new(key).map(Digit::event));
        assert_eq!(codes, [0, 9, 10, 11, 12, 15, 16].map(Some));
        assert_eq!(Digit::new('E'), None);
    }

    #[test]
    fn a_key_comes_back_from_its_event_code_and_no_other_event_is_a_key() {
        let keys: String = (0..=255).filter_map(Digit::from_event).map(Digit::key).collect();
        assert_eq!(keys, "0123456789*#ABCD!");
    }

    #[test]
    fn a_key_is_not_shown() {
        assert!(!format!("{:?}", Digit::new('7')).contains('7'));
    }
}
