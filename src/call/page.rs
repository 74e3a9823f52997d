//! What a call and its page say to each other beside the audio: one JSON object a message, by the data channel `auricle`.
//!
//! The page is told what was said, whose turn it is and how much of the agent's audio has left for it; it may press keys and
//! hang up. Nothing waits for a page that does not take it: what does not fit is not told. docs/webrtc.md is the contract.

use std::collections::VecDeque;
use std::time::Duration;

use media::dtmf::Digit;
use media::egress::{EgressEvent, ItemPosition};
use serde::{Deserialize, Serialize};

use crate::agent::model::{AgentEvent, SpeechEdge, TranscriptKind};
use crate::domain::call_record::Speaker;
use crate::domain::ids::CallId;

/// A page's channel, and what waits to be said by it.
#[derive(Debug, Default)]
pub(super) struct Page {
    open: bool,
    waiting: VecDeque<String>,
}

/// What a page wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageWish {
    /// Keys, one after the other.
    Keys(Vec<Digit>),
    /// The end of the call.
    HangUp,
}

/// What is told to a page.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum News<'a> {
    Hello { version: u32, call: &'a str },
    Transcript { speaker: Speaker, text: &'a str, r#final: bool },
    Turn { state: Turn },
    Playout { item: u32, state: Playout, played_ms: u64 },
    Error { message: &'a str },
}

/// Whose turn it is, as far as the agent, or the gateway in its place, has said it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    CallerSpeaks,
    CallerDone,
    AgentSpeaks,
    AgentDone,
    AgentInterrupted,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Playout {
    Started,
    Finished,
    Cut,
}

/// What a page says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Word {
    Dtmf { digits: String },
    Hangup {},
}

impl Page {
    /// The page has opened the channel.
    pub(super) fn open(&mut self, call: &CallId) {
        self.open = true;
        self.tell(&News::Hello { version: VERSION, call: call.as_str() });
    }

    /// The channel is gone.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// The agent has news.
    pub(super) fn heed_agent(&mut self, event: &AgentEvent<'_>) {
        match event {
            AgentEvent::Transcript { speaker, kind, text, .. } => {
                let done = *kind == TranscriptKind::Final;
                self.tell(&News::Transcript { speaker: *speaker, text: text.expose(), r#final: done });
            }
            AgentEvent::UserSpeech { edge: SpeechEdge::Started, .. } => self.tell(&News::Turn { state: Turn::CallerSpeaks }),
            AgentEvent::UserSpeech { edge: SpeechEdge::Stopped, .. } => self.tell(&News::Turn { state: Turn::CallerDone }),
            _ => {}
        }
    }

    /// Something became of the agent's audio.
    pub(super) fn heed_playout(&mut self, event: &EgressEvent) {
        let (position, playout, turn) = match event {
            EgressEvent::ItemStarted(position) => (position, Playout::Started, Turn::AgentSpeaks),
            EgressEvent::ItemFinished(position) => (position, Playout::Finished, Turn::AgentDone),
            EgressEvent::ItemFlushed(position) => (position, Playout::Cut, Turn::AgentInterrupted),
            EgressEvent::MarkReached { .. } | EgressEvent::Underrun(_) | EgressEvent::QueueFull { .. } => return,
        };
        let ItemPosition { item, played_ms, .. } = position;
        self.tell(&News::Playout { item: item.0, state: playout, played_ms: *played_ms });
        self.tell(&News::Turn { state: turn });
    }

    /// The page says something: what it wants, if that is anything.
    pub(super) fn take(&mut self, text: &str) -> Option<PageWish> {
        match serde_json::from_str(text) {
            Ok(Word::Hangup {}) => Some(PageWish::HangUp),
            Ok(Word::Dtmf { digits }) => {
                let keys: Option<Vec<Digit>> = digits.chars().map(Digit::new).collect();
                let keys = keys.filter(|keys| (1..=MOST_KEYS).contains(&keys.len()));
                if keys.is_none() {
                    self.tell(&News::Error { message: "digits: 1 to 32 of 0-9, *, #, A-D" });
                }
                keys.map(PageWish::Keys)
            }
            Err(_) => {
                self.tell(&News::Error { message: "not a message of this protocol" });
                None
            }
        }
    }

    /// What is to be said next.
    pub(super) fn poll(&mut self) -> Option<String> {
        self.waiting.pop_front()
    }

    fn tell(&mut self, news: &News<'_>) {
        if self.open
            && self.waiting.len() < WAITING
            && let Ok(text) = serde_json::to_string(news)
        {
            self.waiting.push_back(text);
        }
    }
}

/// How long each key that a page presses is held, as the agent is told.
pub(super) const KEY_HELD: Duration = Duration::from_millis(100);
/// Of this protocol.
const VERSION: u32 = 1;
/// Messages that wait until the call is drained; a page is told no more at once.
const WAITING: usize = 32;
/// Keys of one message.
const MOST_KEYS: usize = 32;

#[cfg(test)]
mod tests {
    use media::frame::ItemId;

    use super::*;

    fn told(page: &mut Page) -> Vec<String> {
        std::iter::from_fn(|| page.poll()).collect()
    }

    #[test]
    fn nothing_is_told_before_the_page_listens_and_the_first_word_is_a_greeting() {
        let (mut page, call) = (Page::default(), CallId::random());
        page.heed_playout(&EgressEvent::Underrun(ItemId(1)));
        page.tell(&News::Error { message: "early" });
        page.open(&call);
        assert_eq!(told(&mut page), [format!(r#"{{"type":"hello","version":1,"call":"{call}"}}"#)]);
    }

    #[test]
    fn a_page_presses_keys_and_hangs_up_and_is_told_what_is_no_message() {
        let (mut page, call) = (Page::default(), CallId::random());
        page.open(&call);
        told(&mut page);
        assert_eq!(page.take(r#"{"type":"hangup"}"#), Some(PageWish::HangUp));
        let Some(PageWish::Keys(keys)) = page.take(r#"{"type":"dtmf","digits":"12#"}"#) else { panic!("keys") };
        assert_eq!(keys.iter().map(|digit| digit.key()).collect::<String>(), "12#");
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"type":"dtmf"}"#,
            r#"{"type":"dtmf","digits":""}"#,
            r#"{"type":"dtmf","digits":"x"}"#,
            r#"{"type":"transfer"}"#,
        ] {
            assert_eq!(page.take(wrong), None, "{wrong}");
            assert_eq!(told(&mut page).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn more_than_fits_is_not_told() {
        let mut page = Page { open: true, waiting: VecDeque::new() };
        for _ in 0..1_000 {
            page.tell(&News::Turn { state: Turn::CallerSpeaks });
        }
        assert_eq!(told(&mut page).len(), WAITING);
    }
}
