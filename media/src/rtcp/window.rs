//! What became of the newest packets of a stream: which came, which came twice, which were not played.
//!
//! A packet's fate is decided when 64 newer ones were due. Until then a late one still fills its place, so that
//! reordering is no loss to the count of bursts.

use super::bursts::Bursts;

/// The newest 64 places, and the sums of all before them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Bit n is set when the packet n before the highest has come.
    came: u64,
    /// Bit n is set when it was not played.
    discarded: u64,
    /// Places in use, at most 64.
    places: u32,
    bursts: Bursts,
}

impl Window {
    /// The stream's first packet has come.
    pub(super) fn new() -> Self {
        Self { came: 1, discarded: 0, places: 1, bursts: Bursts::default() }
    }

    /// A packet has come so many places ahead of the highest; those between are missing so far.
    pub(super) fn advance(&mut self, ahead: u32) {
        for _ in 0..ahead {
            if self.places == u64::BITS {
                self.bursts.packet(Self::is_played(self.came, self.discarded, u64::BITS - 1));
            } else {
                self.places += 1;
            }
            (self.came, self.discarded) = (self.came << 1, self.discarded << 1);
        }
        self.came |= 1;
    }

    /// A packet has come that stands so many places behind the highest; says whether it had come before.
    pub(super) fn arrived(&mut self, behind: u32) -> bool {
        let bit = self.bit(behind);
        let before = self.came & bit != 0;
        self.came |= bit;
        before
    }

    /// The packet so many places behind the highest was not played.
    pub(super) fn discard(&mut self, behind: u32) {
        self.discarded |= self.bit(behind);
    }

    /// Bursts and gaps as if nothing more came.
    pub(super) fn settled(&self) -> Bursts {
        let mut bursts = self.bursts;
        for behind in (0..self.places).rev() {
            bursts.packet(Self::is_played(self.came, self.discarded, behind));
        }
        bursts
    }

    const fn is_played(came: u64, discarded: u64, behind: u32) -> bool {
        (came & !discarded) >> behind & 1 == 1
    }

    /// No bit for a place that is out of the window.
    const fn bit(&self, behind: u32) -> u64 {
        if behind < self.places { 1 << behind } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_out_of_order_is_no_loss_and_one_that_came_twice_is_told() {
        let mut window = Window::new();
        window.advance(3);
        assert!(!window.arrived(1) && window.arrived(1) && window.arrived(0));
        assert_eq!(window.settled().gap_density(), 0.25);
        assert!(!window.arrived(2));
        assert_eq!(window.settled().gap_density(), 0.0);
        assert!(!window.arrived(4), "before the first");
    }

    #[test]
    fn a_packet_that_was_not_played_counts_as_a_loss() {
        let mut window = Window::new();
        window.advance(1);
        window.discard(0);
        assert_eq!(window.settled().gap_density(), 0.5);
    }

    #[test]
    fn places_that_leave_the_window_keep_their_order() {
        let mut window = Window::new();
        window.advance(3);
        window.advance(1);
        window.advance(3);
        (0..1_000).for_each(|_| window.advance(1));
        let bursts = window.settled();
        assert_eq!((bursts.burst_packets(), bursts.burst_density(), bursts.gap_packets()), (6.0, 4.0 / 6.0, 501.0));
    }
}
