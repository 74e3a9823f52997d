//! Tool calls: each handed on once, and none of an interrupted response.
//!
//! Arguments are complete before their response is; an interrupted response emits them too. So a call waits for
//! `response.done` and is handed on only when that says `completed`.

use std::collections::VecDeque;

use super::super::known_tools::{fits, is_keepable};
use super::incoming::ToolArguments;
use crate::agent::model::AgentEvent;
use crate::domain::redacted::Redacted;

/// Calls that wait for the end of their response, and the names of those handed on.
#[derive(Default)]
pub(super) struct Tools {
    waiting: VecDeque<Waiting>,
    seen: VecDeque<String>,
}

struct Waiting {
    response_id: String,
    call_id: String,
    name: String,
    arguments: String,
}

impl Tools {
    /// Keeps a call until its response ends; false when there is no room for it, or it is beyond all measure. One that is known already
    /// stays one.
    pub(super) fn hold(&mut self, call: ToolArguments<'_>) -> bool {
        if !fits(&call.call_id, &call.name, &call.arguments) || !is_keepable(&call.response_id) {
            return false;
        }
        let known = self.seen.iter().any(|seen| *seen == call.call_id) || self.waiting.iter().any(|held| held.call_id == call.call_id);
        if known {
            return true;
        }
        if self.waiting.len() == MAX_WAITING {
            return false;
        }
        self.waiting.push_back(Waiting {
            response_id: call.response_id.into_owned(),
            call_id: call.call_id.into_owned(),
            name: call.name.into_owned(),
            arguments: call.arguments.into_owned(),
        });
        true
    }

    /// The response ended: hands its calls to `each` when `completed`, forgets them otherwise.
    pub(super) fn release(&mut self, response_id: &str, completed: bool, mut each: impl FnMut(AgentEvent<'static>)) {
        for _ in 0..self.waiting.len() {
            let Some(held) = self.waiting.pop_front() else { break };
            if held.response_id != response_id {
                self.waiting.push_back(held);
                continue;
            }
            if self.seen.len() == MAX_SEEN {
                self.seen.pop_front();
            }
            self.seen.push_back(held.call_id.clone());
            if completed {
                each(AgentEvent::ToolCall { call_id: held.call_id, name: held.name, arguments: Redacted::new(held.arguments) });
            }
        }
    }
}

const MAX_WAITING: usize = 32;
const MAX_SEEN: usize = 256;
