//! Words that come in pieces, until they are whole.

/// What one side has said in this turn so far.
#[derive(Default)]
pub(super) struct Words {
    text: String,
}

impl Words {
    /// Puts a piece behind the others; beyond the bound it is left out.
    pub(super) fn add(&mut self, piece: &str) {
        if self.text.len() + piece.len() <= MAX_LEN_BYTES {
            self.text.push_str(piece);
        }
    }

    /// The whole of it, once.
    pub(super) fn take(&mut self) -> Option<String> {
        let text = std::mem::take(&mut self.text);
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }
}

/// More than an hour of speech.
const MAX_LEN_BYTES: usize = 64 * 1024;
