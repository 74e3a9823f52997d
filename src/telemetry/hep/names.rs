//! Under which Call-ID of SIP a call is known: what the collector puts together by.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::CallId;

/// Call-IDs by call. Control threads alone look at it: no media thread waits for its lock.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    names: HashMap<CallId, Arc<str>>,
    /// Calls that are over, the oldest first.
    over: VecDeque<CallId>,
}

impl Names {
    /// A call is known by this Call-ID from now on: the last one, where it is tried by several trunks.
    pub(super) fn begin(&self, call: &CallId, name: &str) {
        self.known().names.insert(call.clone(), name.into());
    }

    /// A call is over; it is remembered until so many others are.
    pub(super) fn end(&self, call: &CallId) {
        let mut known = self.known();
        if known.names.contains_key(call) {
            known.over.push_back(call.clone());
        }
        if known.over.len() > REMEMBERED
            && let Some(oldest) = known.over.pop_front()
        {
            known.names.remove(&oldest);
        }
    }

    pub(super) fn of(&self, call: &CallId) -> Option<Arc<str>> {
        self.known().names.get(call).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls that are over and still remembered: reports of theirs may wait in the queue.
const REMEMBERED: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_last_name_and_forgotten_once_many_others_are_over() {
        let names = Names::default();
        let call = CallId::random();
        assert_eq!(names.of(&call), None);
        ["first", "second"].iter().for_each(|name| names.begin(&call, name));
        names.end(&call);
        assert_eq!(names.of(&call).as_deref(), Some("second"));
        for _ in 0..REMEMBERED {
            let other = CallId::random();
            names.begin(&other, "other");
            names.end(&other);
        }
        assert_eq!((names.of(&call), names.known().names.len()), (None, REMEMBERED));
        names.end(&CallId::random());
        assert_eq!(names.known().over.len(), REMEMBERED);
    }
}
