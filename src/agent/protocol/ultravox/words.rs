//! Words of one utterance as they come: all so far, or more of them.

use media::frame::ItemId;

/// The words of the utterance that one side is saying.
#[derive(Debug, Default)]
pub(super) struct Words {
    ordinal: Option<i64>,
    text: String,
    /// The agent's utterance that they belong to.
    pub(super) item: Option<ItemId>,
}

impl Words {
    /// What comes belongs to this utterance; those of another before it are forgotten.
    pub(super) fn turn_to(&mut self, ordinal: i64) {
        if self.ordinal != Some(ordinal) {
            *self = Self { ordinal: Some(ordinal), ..Self::default() };
        }
    }

    /// Adds what came; what of it is new.
    pub(super) fn add(&mut self, text: Option<&str>, delta: Option<&str>) -> String {
        let mut new = String::new();
        if let Some(text) = text {
            // A recogniser may change its mind; what it said before cannot be unsaid, and the whole comes at the end.
            text.strip_prefix(&*self.text).unwrap_or_default().clone_into(&mut new);
            text.clone_into(&mut self.text);
        }
        if let Some(delta) = delta {
            new.push_str(delta);
            self.text.push_str(delta);
        }
        if self.text.len() > MAX_LEN_BYTES {
            let mut end = MAX_LEN_BYTES;
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
            self.text.truncate(end);
        }
        new
    }

    /// All of them; the utterance is over.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Nobody says as much in one breath.
const MAX_LEN_BYTES: usize = 64 * 1024;
