//! Tool calls as they were told to the call: each once, and by which name, since some providers want that back with the answer.

use std::collections::VecDeque;

/// The latest tool calls.
#[derive(Default)]
pub(super) struct KnownTools {
    calls: VecDeque<(String, String)>,
}

impl KnownTools {
    /// Notes a call; false when it is known already.
    pub(super) fn note(&mut self, call_id: &str, name: &str) -> bool {
        if self.name_of(call_id).is_some() {
            return false;
        }
        if self.calls.len() == MAX_KNOWN {
            self.calls.pop_front();
        }
        self.calls.push_back((call_id.to_owned(), name.to_owned()));
        true
    }

    /// The tool of a call.
    pub(super) fn name_of(&self, call_id: &str) -> Option<&str> {
        self.calls.iter().find(|(id, _)| id == call_id).map(|(_, name)| &**name)
    }
}

/// An answer to an older call than this many ago comes too late to be worth anything.
const MAX_KNOWN: usize = 256;
