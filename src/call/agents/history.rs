//! What both sides have said, for an agent that was not there.
//!
//! Of what the agent said only what the caller heard is told on: the words of an utterance that was cut, or that broke off with its
//! connection, end where its sound did, reckoned by its length where the provider gives no times. Words run ahead of their sound: one
//! whose end has not come is at least as long as it takes to say them. Bounded: the oldest gives way.

use std::collections::VecDeque;
use std::time::Duration;

use media::frame::ItemId;

use crate::agent::model::Said;
use crate::call::timed_words::TimedWords;
use crate::domain::call_record::Speaker;
use crate::domain::redacted::Redacted;

/// The latest that was said.
#[derive(Debug, Default)]
pub(super) struct History {
    said: VecDeque<Entry>,
    /// When the words of the latest utterance are said, where the provider tells it.
    timed: Option<(ItemId, TimedWords)>,
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
    /// All of it came.
    ended: bool,
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

    /// All of an utterance came.
    pub(super) fn ended(&mut self, item: ItemId) {
        if let Some(entry) = self.said.iter_mut().rev().find(|entry| entry.item == Some(item)) {
            entry.ended = true;
        }
    }

    /// When characters of an utterance are over, from its first sample on.
    pub(super) fn timed(&mut self, item: ItemId, text: &str, ends_ms: &[u64]) {
        match &mut self.timed {
            Some((of, words)) if *of == item => words.add(text, ends_ms),
            other => other.insert((item, TimedWords::default())).1.add(text, ends_ms),
        }
    }

    /// Playing of an utterance was cut so far into it.
    pub(super) fn cut(&mut self, item: ItemId, played_ms: u64) {
        let timed = self.timed.as_ref().filter(|(of, _)| *of == item).and_then(|(_, words)| words.until(played_ms));
        if let Some(entry) = self.said.iter_mut().rev().find(|entry| entry.item == Some(item)) {
            entry.cut_at(Duration::from_millis(played_ms), timed);
        }
    }

    /// The connection is lost, while `coming` was being sent: no more of it comes than has come, nor of words that ran ahead of all sound.
    pub(super) fn break_off(&mut self, coming: Option<ItemId>) {
        let ahead = self.said.iter().rev().find(|entry| entry.speaker == Speaker::Agent).filter(|entry| entry.received.is_zero());
        let silent = ahead.and_then(|entry| entry.item);
        for item in [coming, silent].into_iter().flatten() {
            let open = self.said.iter().rev().find(|entry| entry.item == Some(item)).filter(|entry| !entry.ended && entry.cut.is_none());
            if let Some(received_ms) = open.map(|entry| u64::try_from(entry.received.as_millis()).unwrap_or(u64::MAX)) {
                self.cut(item, received_ms);
            }
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
        Self { speaker, text: String::new(), partial: true, item, received: Duration::ZERO, ended: false, cut: None }
    }

    /// It was heard up to here, and with that these words where it is known when each is said.
    fn cut_at(&mut self, at: Duration, timed: Option<String>) {
        self.cut = Some(at);
        if let Some(heard) = timed {
            self.cut = heard.is_empty().then_some(Duration::ZERO);
            (self.text, self.partial) = (heard, false);
        }
    }

    /// The words that were heard, up to a whole one.
    fn heard(&self) -> String {
        let words = Duration::from_secs_f64(self.text.chars().count() as f64 / CHARACTERS_PER_SECOND);
        let length = if self.ended { self.received } else { self.received.max(words) };
        // What is told in whole milliseconds is rounded down.
        let Some(cut) = self.cut.filter(|cut| *cut + Duration::from_millis(1) < length) else { return self.text.trim().to_owned() };
        let kept = (self.text.len() as f64 * cut.as_secs_f64() / length.as_secs_f64()) as usize;
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
/// Of a voice that takes its time: a word that is said twice is better than one that nobody says.
const CHARACTERS_PER_SECOND: f64 = 13.0;

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
    fn of_an_utterance_that_broke_off_the_words_end_with_the_sound_that_came() {
        let words = "Your appointment is on Monday at nine, and please bring your insurance card along with you.";
        for (received_ms, heard) in [(0, None), (2_000, Some("Your appointment is on")), (60_000, Some(words))] {
            let mut history = History::default();
            history.agent_said(Some(ItemId(1)), words, true);
            history.received(ItemId(1), Duration::from_millis(received_ms));
            history.break_off(Some(ItemId(1)));
            assert_eq!(texts(&history).first().map(String::as_str), heard);
            history.ended(ItemId(1));
            history.agent_said(Some(ItemId(2)), words, true);
            history.received(ItemId(2), Duration::from_secs(2));
            history.ended(ItemId(2));
            history.break_off(None);
            assert_eq!(texts(&history).last().map(String::as_str), Some(words), "all of it came, and is played");
        }
    }

    #[test]
    fn words_of_which_the_times_are_known_end_at_theirs() {
        let mut history = History::default();
        history.timed(ItemId(1), "one two", &[100, 200, 300, 400, 500, 600, 700]);
        history.timed(ItemId(1), " three", &[800, 900, 1_000, 1_100, 1_200, 1_300]);
        history.received(ItemId(1), Duration::from_secs(1));
        history.agent_said(Some(ItemId(1)), "one two three", true);
        history.break_off(Some(ItemId(1)));
        assert_eq!(texts(&history), ["one two"]);
        history.cut(ItemId(1), 350);
        assert_eq!(texts(&history), ["one"], "the caller spoke while the rest of it was played");
        history.cut(ItemId(1), 100);
        assert_eq!(texts(&history), [""; 0]);
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
