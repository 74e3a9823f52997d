//! Which message belongs to which call, and how much of it is kept: pure, so that its bounds can be proved.
//!
//! A call is known by its Call-IDs: one, and one more for each trunk that it was tried by. A message comes before its call does: those of
//! INVITEs wait among strays until the call is known, a bounded number of them. What exceeds the bounds of a call is left out of its
//! middle: how it began and how it ended is what somebody will look for.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use sip::glance::Glance;

use crate::domain::ids::{CallId, OrgId};
use crate::domain::ladder::{Ladder, LadderMessage};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages of one call.
    pub messages: usize,
    /// Bytes of one call's messages.
    pub bytes: usize,
    /// Calls at one time.
    pub calls: usize,
}

/// The ladders of the calls that run, and of those whose ladders are being written.
#[derive(Debug)]
pub struct Book {
    bounds: Bounds,
    pages: HashMap<CallId, Page>,
    /// The calls of a Call-ID: two when a call comes back to us.
    names: HashMap<Box<str>, Vec<CallId>>,
    strays: VecDeque<Stray>,
    stray_bytes: usize,
    /// Calls that are over, each with the time until which more of it may come.
    over: VecDeque<(Instant, CallId)>,
}

#[derive(Debug)]
struct Page {
    org: OrgId,
    names: Vec<Box<str>>,
    messages: VecDeque<LadderMessage>,
    bytes: usize,
    /// How many of the first messages stay whatever comes.
    firm: usize,
    left_out: u64,
}

#[derive(Debug)]
struct Stray {
    name: Box<str>,
    message: LadderMessage,
}

impl Book {
    /// An empty one.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let (pages, names) = (HashMap::new(), HashMap::new());
        Self { bounds, pages, names, strays: VecDeque::new(), stray_bytes: 0, over: VecDeque::new() }
    }

    /// Whether [`Self::put`] would keep such a message.
    #[must_use]
    pub fn wants(&self, glance: &Glance<'_>) -> bool {
        !glance.call_id.is_empty() && (glance.is_of_invite() || self.names.contains_key(glance.call_id))
    }

    /// Puts down a message.
    pub fn put(&mut self, name: &str, message: LadderMessage) {
        let bounds = self.bounds;
        let Some(calls) = self.names.get(name) else { return self.stray(name, message) };
        for call in calls {
            if let Some(page) = self.pages.get_mut(call) {
                page.put(bounds, message.clone());
            }
        }
    }

    /// A call has begun, or goes on, under this Call-ID; false when there are too many.
    pub fn begin(&mut self, call: &CallId, org: &OrgId, name: &str) -> bool {
        if !self.pages.contains_key(call) && self.pages.len() >= self.bounds.calls {
            return false;
        }
        let bounds = self.bounds;
        let past = self.past(name);
        let page = self.pages.entry(call.clone()).or_insert_with(|| Page::new(org.clone()));
        if page.names.len() >= NAMES || page.names.iter().any(|known| **known == *name) {
            return true;
        }
        page.names.push(name.into());
        past.into_iter().for_each(|message| page.put(bounds, message));
        let calls = self.names.entry(name.into()).or_default();
        if calls.len() < CALLS_OF_NAME {
            calls.push(call.clone());
        }
        true
    }

    /// A call is over; what still comes of it for a little while belongs to it.
    pub fn end(&mut self, now: Instant, call: &CallId) {
        if self.pages.contains_key(call) {
            self.over.push_back((now + LINGER, call.clone()));
        }
    }

    /// When [`Self::take`] has something.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.over.front().map(|(at, _)| *at)
    }

    /// A ladder that is complete. It is still read here until [`Self::forget`].
    pub fn take(&mut self, now: Instant) -> Option<Ladder> {
        let (_, call) = self.over.pop_front_if(|(at, _)| *at <= now)?;
        self.close(&call)
    }

    /// The ladder of a call that runs, as it is to be written now: at a stop, when no end is awaited.
    pub fn take_running(&mut self) -> Option<Ladder> {
        self.over.clear();
        let call = self.pages.iter().find(|(_, page)| !page.names.is_empty()).map(|(call, _)| call.clone())?;
        self.close(&call)
    }

    /// A ladder is written, or will never be.
    pub fn forget(&mut self, call: &CallId) {
        self.pages.remove(call);
    }

    /// The ladder of a call so far, and whether more may come.
    #[must_use]
    pub fn read(&self, org: &OrgId, call: &CallId) -> Option<(Ladder, bool)> {
        let page = self.pages.get(call).filter(|page| page.org == *org)?;
        let running = !page.names.is_empty() && self.over.iter().all(|(_, over)| over != call);
        page.ladder(call).map(|ladder| (ladder, running))
    }

    /// No more messages belong to it.
    fn close(&mut self, call: &CallId) -> Option<Ladder> {
        let page = self.pages.get_mut(call)?;
        for name in page.names.drain(..) {
            if let Some(calls) = self.names.get_mut(&name) {
                calls.retain(|other| other != call);
                if calls.is_empty() {
                    self.names.remove(&name);
                }
            }
        }
        let ladder = page.ladder(call);
        if ladder.is_none() {
            self.pages.remove(call);
        }
        ladder
    }

    /// What has gone by under a Call-ID: with the other call that has it when a call comes back to us, else as strays.
    fn past(&mut self, name: &str) -> Vec<LadderMessage> {
        if let Some(other) = self.names.get(name).and_then(|calls| calls.first()).and_then(|call| self.pages.get(call)) {
            let same = |message: &&LadderMessage| Glance::at(message.octets.expose()).call_id == name;
            return other.messages.iter().filter(same).cloned().collect();
        }
        let (ours, others): (VecDeque<Stray>, VecDeque<Stray>) =
            std::mem::take(&mut self.strays).into_iter().partition(|stray| *stray.name == *name);
        self.strays = others;
        self.stray_bytes -= ours.iter().map(|stray| stray.message.octets.expose().len()).sum::<usize>();
        ours.into_iter().map(|stray| stray.message).collect()
    }

    fn stray(&mut self, name: &str, message: LadderMessage) {
        self.stray_bytes += message.octets.expose().len();
        self.strays.push_back(Stray { name: name.into(), message });
        while self.strays.len() > STRAYS || self.stray_bytes > STRAY_BYTES {
            let Some(oldest) = self.strays.pop_front() else { return };
            self.stray_bytes -= oldest.message.octets.expose().len();
        }
    }
}

impl Page {
    const fn new(org: OrgId) -> Self {
        Self { org, names: Vec::new(), messages: VecDeque::new(), bytes: 0, firm: 0, left_out: 0 }
    }

    fn put(&mut self, bounds: Bounds, message: LadderMessage) {
        let length = message.octets.expose().len();
        // Three quarters are for the beginning, one is for the end.
        let early = self.firm == self.messages.len();
        if early && self.messages.len() < bounds.messages / 4 * 3 && self.bytes + length <= bounds.bytes / 4 * 3 {
            self.firm += 1;
        }
        self.bytes += length;
        self.messages.push_back(message);
        while self.messages.len() > bounds.messages || self.bytes > bounds.bytes {
            let Some(oldest) = self.messages.remove(self.firm) else { return };
            self.bytes -= oldest.octets.expose().len();
            self.left_out += 1;
        }
    }

    fn ladder(&self, call: &CallId) -> Option<Ladder> {
        let started_at = self.messages.front()?.at;
        let (messages, left_out) = (self.messages.iter().cloned().collect(), self.left_out);
        Some(Ladder { id: call.clone(), org_id: self.org.clone(), started_at, messages, left_out })
    }
}

/// How long after the end of a call its copies and their answers are still put down.
const LINGER: Duration = Duration::from_secs(2);
/// Call-IDs of one call.
const NAMES: usize = 8;
/// Calls of one Call-ID.
const CALLS_OF_NAME: usize = 4;
/// Messages that may belong to a call to come; the oldest make room.
const STRAYS: usize = 256;
/// Their bytes.
const STRAY_BYTES: usize = 262_144;

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::ladder::{LadderTransport, Way};
    use crate::domain::redacted::Redacted;

    const BOUNDS: Bounds = Bounds { messages: 8, bytes: 16_384, calls: 2 };

    fn message(text: &str) -> LadderMessage {
        LadderMessage {
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            way: Way::Received,
            transport: LadderTransport::Udp,
            local: Redacted::new("192.0.2.1:5060".parse().unwrap()),
            remote: Redacted::new("192.0.2.9:5060".parse().unwrap()),
            octets: Redacted::new(text.as_bytes().to_vec()),
        }
    }

    fn texts(ladder: &Ladder) -> Vec<String> {
        ladder.messages.iter().map(|message| String::from_utf8(message.octets.expose().clone()).unwrap()).collect()
    }

    #[test]
    fn what_came_before_the_call_was_known_belongs_to_it_and_to_no_other() {
        let (mut book, org, now) = (Book::new(BOUNDS), OrgId::default_org(), Instant::now());
        let (one, other) = (CallId::random(), CallId::random());
        for (name, text) in [("a", "invite a"), ("b", "invite b"), ("a", "trying a")] {
            book.put(name, message(text));
        }
        assert!(book.begin(&one, &org, "a") && book.begin(&other, &org, "b"));
        book.put("a", message("ringing a"));
        let (ladder, running) = book.read(&org, &one).unwrap();
        assert_eq!((texts(&ladder), running), (vec!["invite a".into(), "trying a".into(), "ringing a".into()], true));
        assert_eq!(book.read(&"org_other".parse().unwrap(), &one), None, "another organisation's looks like none");
        book.end(now, &one);
        assert_eq!((book.take(now), book.due()), (None, Some(now + LINGER)), "copies may still come");
        book.put("a", message("bye a, again"));
        assert_eq!(texts(&book.take(now + LINGER).unwrap()).last().unwrap(), "bye a, again");
        assert!(!book.read(&org, &one).unwrap().1, "it is read until it is written");
        book.put("a", message("too late"));
        book.forget(&one);
        assert_eq!(book.read(&org, &one), None);
        assert!(!book.wants(&Glance { call_id: "a", method: "BYE" }) && book.wants(&Glance { call_id: "b", method: "BYE" }));
    }

    #[test]
    fn the_middle_is_left_out_and_the_number_of_calls_is_bounded() {
        let (mut book, org) = (Book::new(BOUNDS), OrgId::default_org());
        let call = CallId::random();
        assert!(book.begin(&call, &org, "a") && book.begin(&CallId::random(), &org, "b"));
        assert!(!book.begin(&CallId::random(), &org, "c"), "two at one time");
        (0..12).for_each(|n| book.put("a", message(&n.to_string())));
        let (ladder, _) = book.read(&org, &call).unwrap();
        assert_eq!((texts(&ladder), ladder.left_out), (["0", "1", "2", "3", "4", "5", "10", "11"].map(String::from).to_vec(), 4));
        (0..9).for_each(|_| book.put("b", message(&"x".repeat(4_000))));
        let bytes: usize = book.pages.values().map(|page| page.bytes).sum();
        assert!(bytes <= 2 * BOUNDS.bytes, "{bytes}");
    }

    #[test]
    fn a_call_that_is_tried_elsewhere_or_comes_back_to_us_is_whole() {
        let (mut book, org) = (Book::new(BOUNDS), OrgId::default_org());
        let (out, back) = (CallId::random(), CallId::random());
        assert!(book.begin(&out, &org, "first") && book.begin(&out, &org, "second"));
        let of = |name: &str, text: &str| message(&format!("{text}\r\nCall-ID: {name}\r\n\r\n"));
        let first_lines = |ladder: &Ladder| texts(ladder).iter().map(|text| text.lines().next().unwrap().to_owned()).collect::<Vec<_>>();
        book.put("first", of("first", "503"));
        book.put("second", of("second", "invite"));
        assert!(book.begin(&back, &org, "second"));
        book.put("second", of("second", "200"));
        assert_eq!(first_lines(&book.read(&org, &out).unwrap().0), ["503", "invite", "200"]);
        assert_eq!(first_lines(&book.read(&org, &back).unwrap().0), ["invite", "200"]);
        let left: Vec<_> = std::iter::from_fn(|| book.take_running()).collect();
        assert_eq!((left.len(), book.names.len()), (2, 0));
    }

    #[test]
    fn strangers_leave_no_more_than_the_strays() {
        let mut book = Book::new(BOUNDS);
        (0..5_000).for_each(|n| book.put(&n.to_string(), message(&"x".repeat(2_000))));
        assert!(book.strays.len() <= STRAYS && book.stray_bytes <= STRAY_BYTES);
        assert_eq!((book.pages.len(), book.names.len()), (0, 0));
    }
}
