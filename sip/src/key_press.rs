//! A key pressed, told by INFO: `application/dtmf-relay` and `application/dtmf`, as the field writes them. No RFC defines either; RFC
//! 6086 §2 calls this legacy usage and lets it be.
//!
//! Left out on purpose: info packages (RFC 6086 §4), since none for keys was ever registered; keys within the audio are RFC 4733's.

use std::fmt;
use std::time::Duration;

use crate::header::parse_number;

/// A key of a telephone and how long it was held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyPress {
    key: u8,
    /// How long; `None` when that was not said.
    pub duration: Option<Duration>,
}

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStyle {
    /// `application/dtmf-relay`: `Signal=` and `Duration=` lines.
    Relay,
    /// `application/dtmf`: the key alone.
    Plain,
}

impl KeyStyle {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Relay => "application/dtmf-relay",
            Self::Plain => "application/dtmf",
        }
    }
}

impl KeyPress {
    /// `0`–`9`, `*`, `#`, `A`–`D` in either case; `None` for anything else.
    pub fn new(key: char, duration: Option<Duration>) -> Option<Self> {
        let key = u8::try_from(key.to_ascii_uppercase()).ok()?;
        matches!(key, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D').then_some(Self { key, duration })
    }

    /// The key, in upper case.
    pub fn key(self) -> char {
        char::from(self.key)
    }

    pub(crate) fn parse(style: KeyStyle, body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        match style {
            KeyStyle::Plain => Self::new(key_of(text.trim())?, None),
            KeyStyle::Relay => {
                let value = |name: &str| {
                    text.lines()
                        .filter_map(|line| line.split_once(['=', ':']))
                        .find(|(candidate, _)| candidate.trim().eq_ignore_ascii_case(name))
                        .map(|(_, value)| value.trim())
                };
                let duration = value("Duration").and_then(|text| parse_number(text, MAX_DURATION_MS));
                Self::new(key_of(value("Signal")?)?, duration.map(|milliseconds| Duration::from_millis(milliseconds.into())))
            }
        }
    }

    pub(crate) fn write(self, style: KeyStyle) -> String {
        match style {
            KeyStyle::Plain => self.key().to_string(),
            KeyStyle::Relay => {
                let duration = self.duration.unwrap_or(USUAL_DURATION).as_millis().min(u128::from(MAX_DURATION_MS));
                format!("Signal={}\r\nDuration={duration}\r\n", self.key())
            }
        }
    }
}

/// The key itself, or the number of its event (RFC 4733 §3.2), as some write it.
fn key_of(text: &str) -> Option<char> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(key), None) => Some(key),
        _ => match parse_number(text, 15)? {
            10 => Some('*'),
            11 => Some('#'),
            number @ 12..=15 => char::from_digit(number - 2, 16),
            _ => None,
        },
    }
}

/// Keys are PINs: they do not print.
impl fmt::Debug for KeyPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPress")
    }
}

/// Nobody holds a key longer than a minute.
const MAX_DURATION_MS: u32 = 60_000;

/// When nobody says otherwise.
const USUAL_DURATION: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_both_styles() {
        let press = KeyPress::parse(KeyStyle::Relay, b"Signal= 5\r\nDuration= 160\r\n").unwrap();
        assert_eq!((press.key(), press.duration), ('5', Some(Duration::from_millis(160))));
        let keys = [(KeyStyle::Plain, "#"), (KeyStyle::Plain, "11\r\n"), (KeyStyle::Relay, "Duration=1\nsignal=#")];
        assert!(keys.iter().all(|(style, text)| KeyPress::parse(*style, text.as_bytes()).map(KeyPress::key) == Some('#')));
        assert_eq!(KeyPress::parse(KeyStyle::Plain, b"12").map(KeyPress::key), Some('A'));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "x", "Signal=", "Signal=55", "16", "Signal=!"] {
            assert!(
                KeyPress::parse(KeyStyle::Relay, text.as_bytes()).is_none() && KeyPress::parse(KeyStyle::Plain, text.as_bytes()).is_none()
            );
        }
    }

    #[test]
    fn a_key_is_written_as_it_is_read_and_never_printed() {
        let press = KeyPress::new('d', Some(Duration::from_millis(250))).unwrap();
        assert_eq!(KeyPress::parse(KeyStyle::Relay, press.write(KeyStyle::Relay).as_bytes()), Some(press));
        assert_eq!(KeyPress::parse(KeyStyle::Plain, press.write(KeyStyle::Plain).as_bytes()).map(KeyPress::key), Some('D'));
        assert_eq!(format!("{press:?}"), "KeyPress");
    }
}
