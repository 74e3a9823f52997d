//! What we offer within a call: whether the far end is to be on hold, and whether it has agreed to that (RFC 3264 §8.4).
//!
//! Pure, and told of everything by the call's state machine. One offer is under way at a time; what is wanted meanwhile
//! goes with the next. A refusal is not asked about again until somebody wants something anew. Left out on purpose: when
//! an offer may go, after glare (RFC 3261 §14.1) or beside one of the far end, which signalling decides and tells.

/// Our wish for the line, and what has become of it.
#[derive(Debug, Default)]
pub(super) struct OwnOffers {
    /// We want the far end on hold.
    wanted: bool,
    /// It has agreed to be.
    agreed: bool,
    /// What the offer under way asks for.
    asked: Option<bool>,
    /// It did not agree, and nobody has wanted anything since.
    refused: bool,
}

impl OwnOffers {
    /// Somebody wants the far end on hold, or off it.
    pub(super) const fn want(&mut self, held: bool) {
        self.wanted = held;
        self.refused = false;
    }

    /// Whether the far end is to be on hold by an offer that is to go now, if one is; it counts as under way then.
    pub(super) fn take_wish(&mut self) -> Option<bool> {
        let due = self.asked.is_none() && self.wanted != self.agreed && !self.refused;
        if due {
            self.asked = Some(self.wanted);
        }
        due.then_some(self.wanted)
    }

    /// The far end answered.
    pub(super) const fn handle_answer(&mut self) {
        // An offer that the far end asked for says what is wanted, too.
        self.agreed = match self.asked.take() {
            Some(asked) => asked,
            None => self.wanted,
        };
    }

    /// The far end refused; true when that is what is still wanted, and not only a refresh of what stood.
    pub(super) fn handle_refusal(&mut self) -> bool {
        let Some(asked) = self.asked.take() else { return false };
        let of_wish = asked == self.wanted && asked != self.agreed;
        self.refused |= of_wish;
        of_wish
    }

    /// An offer of ours did not go, or the session wants one: what is wanted now goes, or what stands where that was refused, since the
    /// session must not end with a second refusal. Whether the far end is to be on hold by it.
    pub(super) const fn handle_due(&mut self) -> bool {
        let held = if self.refused { self.agreed } else { self.wanted };
        self.asked = Some(held);
        held
    }

    /// The call goes on with another far end, which was offered or answered what is wanted. What was under way is nobody's any more.
    pub(super) const fn on_another_line(&self) -> Self {
        Self { wanted: self.wanted, agreed: self.wanted, asked: None, refused: false }
    }

    /// A new offer of the far end was answered with what we want.
    pub(super) const fn handle_theirs(&mut self) {
        self.agreed = self.wanted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_goes_once_and_not_again_once_it_was_agreed_to() {
        let mut offers = OwnOffers::default();
        assert_eq!(offers.take_wish(), None, "nobody wants anything");
        offers.want(true);
        assert_eq!((offers.take_wish(), offers.take_wish()), (Some(true), None));
        offers.handle_answer();
        offers.want(true);
        assert_eq!(offers.take_wish(), None);
    }

    #[test]
    fn what_is_wanted_meanwhile_goes_behind_the_answer() {
        let mut offers = OwnOffers::default();
        offers.want(true);
        assert_eq!(offers.take_wish(), Some(true));
        offers.want(false);
        assert_eq!(offers.take_wish(), None, "one at a time");
        offers.handle_answer();
        assert_eq!(offers.take_wish(), Some(false));
        offers.handle_answer();
        assert_eq!(offers.take_wish(), None);
    }

    #[test]
    fn a_refusal_is_told_once_and_tried_again_only_when_somebody_wants_it() {
        let mut offers = OwnOffers::default();
        offers.want(true);
        assert_eq!(offers.take_wish(), Some(true));
        assert!(offers.handle_refusal());
        assert_eq!(offers.take_wish(), None);
        offers.want(true);
        assert_eq!(offers.take_wish(), Some(true));
        offers.want(false);
        assert!(!offers.handle_refusal(), "it is not wanted any more");
        assert_eq!(offers.take_wish(), None);
    }

    #[test]
    fn an_offer_of_the_far_end_that_we_answered_settles_what_we_want() {
        let mut offers = OwnOffers::default();
        offers.want(true);
        assert_eq!(offers.take_wish(), Some(true));
        assert!(offers.handle_due());
        offers.handle_answer();
        offers.want(false);
        offers.handle_theirs();
        assert_eq!(offers.take_wish(), None);
    }

    #[test]
    fn a_refresh_asks_for_what_stands_where_what_is_wanted_was_refused() {
        let mut offers = OwnOffers::default();
        offers.want(true);
        assert_eq!(offers.take_wish(), Some(true));
        assert!(offers.handle_refusal());
        assert!(!offers.handle_due());
        assert!(!offers.handle_refusal(), "what stands is no wish");
        assert!(!offers.handle_due());
        offers.handle_answer();
        assert_eq!(offers.take_wish(), None);
    }
}
