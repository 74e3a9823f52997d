//! Marks between a bot's audio: its names for them, and ours.

use std::collections::VecDeque;

use media::egress::MarkId;

/// The marks that have not come back yet, in the order in which they were set.
#[derive(Default)]
pub(super) struct Marks {
    waiting: VecDeque<(MarkId, Box<str>)>,
    /// No room for them among those that wait: set late, when one has come back.
    late: VecDeque<Box<str>>,
}

/// What becomes of a mark.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// It is to be asked for now, by this number.
    Now(MarkId),
    /// Others have to come back before.
    Later,
    /// There are too many.
    Refused,
}

impl Marks {
    /// Sets a mark of this name; `number` is the one that it gets.
    pub(super) fn set(&mut self, name: &str, number: MarkId) -> Setting {
        let name = name.chars().take(MAX_NAME_LEN).collect();
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back((number, name));
            return Setting::Now(number);
        }
        if self.late.len() == MAX_LATE {
            return Setting::Refused;
        }
        self.late.push_back(name);
        Setting::Later
    }

    /// A mark came back: its name. `None` for a number that is not of this stream.
    pub(super) fn reached(&mut self, mark: MarkId) -> Option<Box<str>> {
        let place = self.waiting.iter().position(|(number, _)| *number == mark)?;
        self.waiting.remove(place).map(|(_, name)| name)
    }

    /// The next of those that had no room.
    pub(super) fn take_late(&mut self) -> Option<Box<str>> {
        if self.waiting.len() < MAX_WAITING { self.late.pop_front() } else { None }
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.late.is_empty()
    }
}

/// As many as the playout queue keeps.
const MAX_WAITING: usize = 128;
/// A mark behind each 20 ms of half a minute.
const MAX_LATE: usize = 1_500;
const MAX_NAME_LEN: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_in_order_also_those_that_had_no_room_at_first() {
        let mut marks = Marks::default();
        let mut numbers = 0..;
        let mut next = || MarkId(numbers.next().unwrap());
        let mut set = VecDeque::new();
        for n in 0..200 {
            if let Setting::Now(mark) = marks.set(&n.to_string(), next()) {
                set.push_back(mark);
            }
        }
        assert_eq!(set.len(), MAX_WAITING);
        let mut back = Vec::new();
        while let Some(mark) = set.pop_front() {
            back.push(marks.reached(mark).unwrap().parse::<u32>().unwrap());
            if let Some(name) = marks.take_late() {
                let Setting::Now(mark) = marks.set(&name, next()) else { panic!("there is room") };
                set.push_back(mark);
            }
        }
        assert_eq!(back, (0..200).collect::<Vec<_>>());
        assert!(marks.is_empty() && marks.reached(MarkId(3)).is_none());
    }
}
