//! Tool calls as they were told to the call: each once, and by which name, since some providers want that back with the answer.

use std::collections::VecDeque;

use super::Outputs;
use crate::agent::model::AgentEvent;
use crate::domain::redacted::Redacted;

/// The latest tool calls.
#[derive(Default)]
pub(super) struct KnownTools {
    calls: VecDeque<(String, String)>,
}

impl KnownTools {
    /// Hands a call on, once for each name of one; one that is beyond all measure is told of and no more.
    pub(super) fn tell(&mut self, call_id: &str, name: &str, arguments: &str, out: &mut Outputs<'_>) {
        if !fits(call_id, name, arguments) {
            return out.events.push(AgentEvent::ToolCallUnfit);
        }
        if self.note(call_id, name) {
            let (call_id, name, arguments) = (call_id.to_owned(), name.to_owned(), Redacted::new(arguments.to_owned()));
            out.events.push(AgentEvent::ToolCall { call_id, name, arguments });
        }
    }

    /// The tool of a call.
    pub(super) fn name_of(&self, call_id: &str) -> Option<&str> {
        self.calls.iter().find(|(id, _)| id == call_id).map(|(_, name)| &**name)
    }

    /// Notes a call; false when it is known already.
    fn note(&mut self, call_id: &str, name: &str) -> bool {
        if self.name_of(call_id).is_some() {
            return false;
        }
        if self.calls.len() == MAX_KNOWN {
            self.calls.pop_front();
        }
        self.calls.push_back((call_id.to_owned(), name.to_owned()));
        true
    }
}

/// Whether a tool call is one that can be kept: a message may be larger than a call shall ever cost.
pub(super) const fn fits(call_id: &str, name: &str, arguments: &str) -> bool {
    !call_id.is_empty() && is_keepable(call_id) && is_keepable(name) && arguments.len() <= MAX_ARGUMENTS_LEN_BYTES
}

/// Whether a name that a provider gave is one that can be kept.
pub(super) const fn is_keepable(id: &str) -> bool {
    id.len() <= MAX_ID_LEN_BYTES
}

/// An answer to an older call than this many ago comes too late to be worth anything.
const MAX_KNOWN: usize = 256;
/// Identifiers of providers are 40 bytes at most.
const MAX_ID_LEN_BYTES: usize = 128;
/// What a model writes for a tool is a few hundred bytes.
const MAX_ARGUMENTS_LEN_BYTES: usize = 16 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_all_measure_is_not_kept() {
        assert!(fits("call_1", "book", &"x".repeat(MAX_ARGUMENTS_LEN_BYTES)));
        assert!(!fits("", "book", "{}"));
        assert!(!fits(&"x".repeat(129), "book", "{}"));
        assert!(!fits("call_1", &"x".repeat(129), "{}"));
        assert!(!fits("call_1", "book", &"x".repeat(MAX_ARGUMENTS_LEN_BYTES + 1)));
    }
}
