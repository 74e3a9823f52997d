//! Words with the times at which they are said: how far somebody got who stopped listening.

use std::fmt;

/// The characters of an utterance, each with its end in milliseconds from the first sample. Bounded: what is beyond is not kept.
#[derive(Clone, Default)]
pub(super) struct TimedWords {
    text: String,
    /// Where in the text a character ends, and when.
    ends: Vec<(usize, u64)>,
}

/// Words are nobody's to print.
impl fmt::Debug for TimedWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedWords").field("characters", &self.ends.len()).finish_non_exhaustive()
    }
}

impl TimedWords {
    /// Adds characters, one time each; what has none is passed over.
    pub(super) fn add(&mut self, text: &str, ends_ms: &[u64]) {
        for (character, end_ms) in text.chars().zip(ends_ms) {
            if self.text.len() >= MAX_LEN {
                return;
            }
            self.text.push(character);
            self.ends.push((self.text.len(), *end_ms));
        }
    }

    /// The whole words that are over by then; none where no times are known.
    pub(super) fn until(&self, played_ms: u64) -> Option<String> {
        if self.ends.is_empty() {
            return None;
        }
        let end = self.ends.iter().take_while(|(_, end_ms)| *end_ms <= played_ms).last().map_or(0, |(end, _)| *end);
        let (heard, rest) = self.text.split_at_checked(end)?;
        // A word that goes on was not heard whole.
        let is_cut = rest.starts_with(|next: char| !next.is_whitespace()) && heard.ends_with(|last: char| !last.is_whitespace());
        let whole =
            if is_cut { heard.rfind(char::is_whitespace).map_or("", |space| heard.get(..space).unwrap_or_default()) } else { heard };
        Some(whole.trim_end().to_owned())
    }
}

const MAX_LEN: usize = 16 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> TimedWords {
        let mut words = TimedWords::default();
        words.add("Grüß ", &[100, 200, 300, 400, 500]);
        words.add("Gott, Ana", &[600, 700, 800, 900, 1_000, 1_100, 1_200, 1_300, 1_400]);
        words
    }

    #[test]
    fn only_whole_words_were_heard() {
        let heard = |played_ms| words().until(played_ms).unwrap();
        assert_eq!(
            [heard(0), heard(399), heard(400), heard(999), heard(1_000), heard(1_399), heard(9_999)],
            ["", "", "Grüß", "Grüß", "Grüß Gott,", "Grüß Gott,", "Grüß Gott, Ana"]
        );
        assert_eq!(TimedWords::default().until(1_000), None);
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut words = TimedWords::default();
        for _ in 0..10_000 {
            words.add("abcdefgh", &[1; 8]);
        }
        assert!(words.text.len() <= MAX_LEN && words.ends.len() <= MAX_LEN);
        words.add("x", &[]);
    }
}
