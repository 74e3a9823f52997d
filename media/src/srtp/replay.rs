//! Which packets came already (RFC 3711 §3.3.2): the newest index, and which of the 127 before it were seen.

/// The window; of authentic packets only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplayWindow {
    newest: u64,
    /// Bit n: the packet n before the newest came.
    seen: u128,
}

impl ReplayWindow {
    /// A window whose first packet this is.
    pub(super) const fn new(index: u64) -> Self {
        Self { newest: index, seen: 1 }
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether the packet may be new: it was not seen, and is not too old to tell.
    pub(super) const fn may_take(&self, index: u64) -> bool {
        match self.newest.checked_sub(index) {
            None => true,
            Some(age) if age < WINDOW_LEN_PACKETS => self.seen >> age & 1 == 0,
            Some(_) => false,
        }
    }

    /// The packet is authentic.
    pub(super) const fn take(&mut self, index: u64) {
        match index.checked_sub(self.newest) {
            None => {
                let age = self.newest - index;
                if age < WINDOW_LEN_PACKETS {
                    self.seen |= 1 << age;
                }
            }
            Some(step) => {
                self.seen = if step < WINDOW_LEN_PACKETS { self.seen << step } else { 0 } | 1;
                self.newest = index;
            }
        }
    }
}

/// RFC 3711 asks for 64 at least; these are two and a half seconds of 20 ms packets.
const WINDOW_LEN_PACKETS: u64 = 128;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_is_taken_once_and_one_too_old_never() {
        let mut window = ReplayWindow::new(1_000);
        assert!(!window.may_take(1_000));
        for index in [999, 873, 1_001, 5_000] {
            assert!(window.may_take(index), "{index}");
            window.take(index);
            assert!(!window.may_take(index), "{index}");
        }
        assert!(window.may_take(4_873) && !window.may_take(4_872) && !window.may_take(1_001));
    }

    proptest! {
        #[test]
        fn whatever_the_order_no_index_is_taken_twice_and_none_within_the_window_is_refused(
            start in 0u64..1 << 40, steps in proptest::collection::vec(-140i64..200, 1..400),
        ) {
            let (mut window, mut taken, mut at) = (ReplayWindow::new(start), HashSet::from([start]), start);
            for step in steps {
                at = at.saturating_add_signed(step);
                let recent = window.newest().saturating_sub(at) < WINDOW_LEN_PACKETS;
                let free = window.may_take(at);
                prop_assert_eq!(free, recent && !taken.contains(&at));
                if free {
                    window.take(at);
                    taken.insert(at);
                }
            }
        }
    }
}
