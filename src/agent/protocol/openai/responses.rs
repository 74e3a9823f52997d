//! The provider's responses: which one runs, which were interrupted, and when the next may be asked for.
//!
//! One response writes to the conversation at a time; asking for another meanwhile is an error
//! (`conversation_already_has_active_response`). So a wish waits for `response.done`.

use std::collections::VecDeque;

use super::super::known_tools::is_keepable;

/// Which response runs and which were interrupted.
#[derive(Default)]
pub(super) struct Responses {
    active: Option<Box<str>>,
    /// We asked for one and it has not begun yet.
    requested: bool,
    /// One is to be asked for as soon as none runs.
    wanted: bool,
    /// The last one failed and was asked for again.
    retried: bool,
    interrupted: VecDeque<Box<str>>,
}

impl Responses {
    /// A response is wanted; whether to ask for it now.
    pub(super) const fn want(&mut self) -> bool {
        if self.active.is_some() || self.requested {
            self.wanted = true;
            return false;
        }
        self.requested = true;
        true
    }

    /// A response began. One whose name is too long to be kept is not waited for.
    pub(super) fn begin(&mut self, id: &str) {
        self.requested = false;
        self.active = is_keepable(id).then(|| id.into());
    }

    /// A response ended; whether to ask for the next now.
    pub(super) fn end(&mut self, id: &str) -> bool {
        if self.active.as_deref() == Some(id) {
            self.active = None;
        }
        self.active.is_none() && std::mem::take(&mut self.wanted) && self.want()
    }

    /// A response failed by the provider's own doing: it is asked for once more, unless what comes of it is late or another is wanted anyway.
    pub(super) fn retry(&mut self, id: &str) {
        if !self.is_interrupted(id) && !std::mem::replace(&mut self.retried, true) {
            self.wanted = true;
        }
    }

    /// A response was whole: the next may fail once again.
    pub(super) const fn succeed(&mut self) {
        self.retried = false;
    }

    /// Our request for one failed; `busy` when because another ran.
    pub(super) const fn fail_request(&mut self, busy: bool) {
        self.requested = false;
        self.wanted |= busy;
    }

    /// Forgets a wish: the caller speaks, and what he says asks for a response of its own.
    pub(super) const fn withdraw(&mut self) {
        self.wanted = false;
    }

    /// The running response was interrupted; its name when there is one.
    pub(super) fn interrupt(&mut self) -> Option<&str> {
        let id = self.active.clone()?;
        self.mark_interrupted(&id);
        self.active.as_deref()
    }

    /// A response was interrupted, by whomever.
    pub(super) fn mark_interrupted(&mut self, id: &str) {
        if self.is_interrupted(id) || !is_keepable(id) {
            return;
        }
        if self.interrupted.len() == MAX_INTERRUPTED {
            self.interrupted.pop_front();
        }
        self.interrupted.push_back(id.into());
    }

    /// Whether what comes of this response is late.
    pub(super) fn is_interrupted(&self, id: &str) -> bool {
        self.interrupted.iter().any(|interrupted| &**interrupted == id)
    }
}

/// Late messages follow within a second or two.
const MAX_INTERRUPTED: usize = 16;
