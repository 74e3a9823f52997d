//! What both sides have said, for an agent that was not there.
//!
//! Of what the agent said only what the caller heard is told on: the words of an utterance that was cut end where its sound did,
//! reckoned by its length where the provider gives no times. Bounded: the oldest gives way.

use std::collections::VecDeque;
use std::time::Duration;

use media::frame::ItemId;

use crate::agent::model::Said;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The latest that was said.
#[derive(Debug, Default)]
pub(super) struct History {
    said: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    speaker: Speaker,
    text: String,
    /// More of the same is to come: pieces are put behind it, and the whole takes its place.
    partial: bool,
    /// Of the agent's: which utterance, and how much of it came.
    item: Option<ItemId>,
    received: Duration,
    /// Where it was cut.
    cut: Option<Duration>,
}

impl History {
    /// The caller said something; words that come late stand before the utterance that answered them.
    pub(super) fn caller_said(&mut self, text: &str, before: Option<ItemId>) {
        let answer = before.and_then(|item| self.said.iter().rposition(|entry| entry.item == Some(item)));
        let entry = Entry { text: beginning(text, MAX_LEN_BYTES).to_owned(), partial: false, ..Entry::new(Speaker::Caller, None) };
        self.insert(answer.unwrap_or(self.said.len()), entry);
    }

    /// The agent says something: a piece of it, or the whole.
    pub(super) fn agent_said(&mut self, item: Option<ItemId>, text: &str, whole: bool) {
        let Some(entry) = self.of(item) else { return };
        if entry.partial && !whole {
            entry.text.push_str(beginning(text, MAX_LEN_BYTES - entry.text.len()));
        } else if entry.partial || entry.text.is_empty() {
            beginning(text, MAX_LEN_BYTES).clone_into(&mut entry.text);
        }
        entry.partial &= !whole;
        self.forget();
    }

    /// The provider says what the agent really said of its last utterance.
    pub(super) fn corrected(&mut self, text: &str) {
        if let Some(entry) = self.said.iter_mut().rev().find(|entry| entry.speaker == Speaker::Agent) {
            // The provider has reckoned in where it was cut.
            (entry.text, entry.cut) = (beginning(text, MAX_LEN_BYTES).to_owned(), None);
            self.forget();
        }
    }

    /// So much of an utterance came.
    pub(super) fn received(&mut self, item: ItemId, length: Duration) {
        if let Some(entry) = self.of(Some(item)) {
            entry.received += length;
        }
    }

    /// Playing of an utterance was cut so far into it.
    pub(super) fn cut(&mut self, item: ItemId, played_ms: u64) {
        if let Some(entry) = self.said.iter_mut().rev().find(|entry| entry.item == Some(item)) {
            entry.cut = Some(Duration::from_millis(played_ms));
        }
    }

    /// What was said and heard, in order.
    pub(super) fn told(&self) -> Vec<Said> {
        let heard = self.said.iter().map(|entry| (entry.speaker, entry.heard()));
        heard.filter(|(_, text)| !text.is_empty()).map(|(speaker, text)| Said { speaker, text: Redacted::new(text) }).collect()
    }

    /// The agent's words that belong to `item`; its last, where it has none.
    fn of(&mut self, item: Option<ItemId>) -> Option<&mut Entry> {
        let open = |entry: &Entry| entry.speaker == Speaker::Agent && entry.partial;
        let known = match item {
            Some(_) => self.said.iter().rposition(|entry| entry.item == item),
            None => self.said.back().is_some_and(open).then(|| self.said.len() - 1),
        };
        if known.is_none() {
            self.insert(self.said.len(), Entry::new(Speaker::Agent, item));
        }
        let place = known.or(self.said.len().checked_sub(1))?;
        self.said.get_mut(place)
    }

    fn insert(&mut self, place: usize, entry: Entry) {
        self.said.insert(place, entry);
        self.forget();
    }

    /// Lets the oldest go, until the rest is within its bounds.
    fn forget(&mut self) {
        let mut length: usize = self.said.iter().map(|entry| entry.text.len()).sum();
        while self.said.len() > MAX_ENTRIES || (length > MAX_LEN_BYTES && self.said.len() > 1) {
            let Some(oldest) = self.said.pop_front() else { return };
            length -= oldest.text.len();
        }
    }
}

impl Entry {
    const fn new(speaker: Speaker, item: Option<ItemId>) -> Self {
        Self { speaker, text: String::new(), partial: true, item, received: Duration::ZERO, cut: None }
    }

    /// The words that were heard, up to a whole one.
    fn heard(&self) -> String {
        // What is told in whole milliseconds is rounded down.
        let Some(cut) = self.cut.filter(|cut| *cut + Duration::from_millis(1) < self.received) else { return self.text.trim().to_owned() };
        let kept = (self.text.len() as f64 * cut.as_secs_f64() / self.received.as_secs_f64()) as usize;
        let kept = self.text.get(..self.text.floor_char_boundary(kept)).unwrap_or_default();
        kept.rfind(char::is_whitespace).and_then(|end| kept.get(..end)).unwrap_or_default().trim().to_owned()
    }
}

/// As much of the text as fits into so many bytes.
fn beginning(text: &str, len_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(len_bytes)).unwrap_or_default()
}

/// Turns that an agent is told of; the beginning of a long call is of little use to it.
const MAX_ENTRIES: usize = 64;
/// Of all texts, and so of each.
const MAX_LEN_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(history: &History) -> Vec<String> {
        history.told().into_iter().map(|said| said.text.into_inner()).collect()
    }

    #[test]
    fn pieces_of_words_are_put_together_and_the_whole_takes_their_place() {
        let mut history = History::default();
        history.agent_said(Some(ItemId(1)), "Good mor", false);
        history.agent_said(Some(ItemId(1)), "ning.", false);
        assert_eq!(texts(&history), ["Good morning."]);
        history.agent_said(Some(ItemId(1)), "Good morning!", true);
        history.caller_said("Hello.", None);
        assert_eq!(texts(&history), ["Good morning!", "Hello."]);
    }

    #[test]
    fn an_utterance_that_was_cut_ends_with_the_last_whole_word_that_was_heard() {
        let mut history = History::default();
        history.received(ItemId(1), Duration::from_secs(1));
        history.agent_said(Some(ItemId(1)), "one two three four", true);
        history.received(ItemId(1), Duration::from_secs(1));
        history.cut(ItemId(1), 1_000);
        assert_eq!(texts(&history), ["one two"]);
        history.cut(ItemId(1), 0);
        assert_eq!(texts(&history), [""; 0]);
        history.corrected("one two thr");
        assert_eq!(texts(&history), ["one two thr"]);
    }

    #[test]
    fn an_utterance_that_was_heard_whole_keeps_its_words() {
        let mut history = History::default();
        history.received(ItemId(1), Duration::from_secs(1));
        history.agent_said(Some(ItemId(1)), "one two", true);
        history.cut(ItemId(1), 1_000);
        assert_eq!(texts(&history), ["one two"]);
    }

    #[test]
    fn words_that_come_after_their_answer_stand_before_it() {
        let mut history = History::default();
        history.received(ItemId(1), Duration::from_secs(1));
        history.agent_said(Some(ItemId(1)), "Fine, thank you.", true);
        history.caller_said("How are you?", Some(ItemId(1)));
        assert_eq!(texts(&history), ["How are you?", "Fine, thank you."]);
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut history = History::default();
        (0..100).for_each(|n| history.caller_said(&n.to_string(), None));
        assert_eq!((texts(&history).len(), texts(&history)[0].as_str()), (64, "36"));
        history.caller_said(&"x".repeat(16 * 1024), None);
        assert_eq!(texts(&history).len(), 1);
    }

    #[test]
    fn an_utterance_without_end_has_one() {
        let mut history = History::default();
        history.caller_said("Hello?", None);
        (0..10_000).for_each(|_| history.agent_said(Some(ItemId(1)), "aü ", false));
        let kept: usize = history.said.iter().map(|entry| entry.text.len()).sum();
        assert!((MAX_LEN_BYTES - 3..=MAX_LEN_BYTES).contains(&kept), "{kept}");
        assert_eq!(history.said.len(), 1, "it leaves no room for what was said before");
        history.agent_said(Some(ItemId(1)), &"x".repeat(4 * MAX_LEN_BYTES), true);
        history.corrected(&"y".repeat(4 * MAX_LEN_BYTES));
        history.caller_said(&"z".repeat(4 * MAX_LEN_BYTES), Some(ItemId(1)));
        assert!(history.said.iter().map(|entry| entry.text.len()).sum::<usize>() <= MAX_LEN_BYTES);
    }
}
