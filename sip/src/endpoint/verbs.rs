//! What an application does with a call. What does not fit its state is ignored: the events tell what became of it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::event::{InviteId, OfferId};
use super::referral::OutgoingRefer;
use crate::header::{Causes, Replaces, StatusCode, Uri};
use crate::key_press::{KeyPress, KeyStyle};

impl Endpoint {
    /// Tells the caller that it rings (180); repeated each minute.
    pub fn ring(&mut self, now: Instant, id: InviteId) {
        self.step(id, |invite, stack| invite.ring(now, stack));
    }

    /// Lets the caller hear before the answer (183). To a caller that takes reliable responses (RFC 3262) `sdp` is the answer, or our
    /// offer where the caller made none and then `OfferAccepted` brings the answer; to any other it is a foretaste of `answer`'s.
    pub fn progress(&mut self, now: Instant, id: InviteId, sdp: Bytes) {
        self.step(id, |invite, stack| invite.progress(now, sdp, stack));
    }

    /// Answers (200, repeated until its ACK). `contact` is where the far end reaches us during the call. `sdp` goes only where it is
    /// still owed: as the answer, or as our offer, whose answer `Confirmed` brings.
    pub fn answer(&mut self, now: Instant, id: InviteId, contact: &Uri, sdp: Bytes) {
        self.step(id, |invite, stack| invite.answer(now, contact, sdp, stack));
        if let Some(replaced) = self.replacing.remove(&id) {
            self.step(replaced, |invite, stack| invite.give_way(now, id, stack));
        }
    }

    /// Refuses with a status from 300 up; a lower one becomes 500.
    pub fn reject(&mut self, now: Instant, id: InviteId, status: StatusCode, retry_after: Option<Duration>) {
        self.step(id, |invite, stack| invite.reject(now, status, retry_after, stack));
    }

    /// Ends the call: BYE once it is up (as callee after the ACK, RFC 3261 §15), CANCEL before the answer as caller (once a provisional
    /// response has come, §9.1; a 200 that crosses it is acknowledged and ended by BYE), 480 before the answer as callee.
    pub fn hang_up(&mut self, now: Instant, id: InviteId) {
        self.hang_up_because(now, id, Causes::default());
    }

    /// As [`Self::hang_up`], and says why (RFC 3326).
    pub fn hang_up_because(&mut self, now: Instant, id: InviteId, causes: Causes) {
        self.step(id, |invite, stack| invite.hang_up(now, causes, stack));
    }

    /// Offers anew: by re-INVITE once the call is up, by UPDATE before where the far end takes it. `OfferAccepted` or `OfferRefused`
    /// follows; or, when another offer is open or crosses this one, `OfferDue`, and this one is forgotten.
    pub fn offer(&mut self, now: Instant, id: InviteId, sdp: Bytes) {
        self.step(id, |invite, stack| invite.offer(now, &sdp, stack));
    }

    /// Takes the far end's new offer with this answer (or makes one, if it asked for it).
    pub fn accept_offer(&mut self, now: Instant, id: InviteId, offer: OfferId, sdp: Bytes) {
        self.step(id, |invite, stack| invite.accept_offer(now, offer, &sdp, stack));
    }

    /// Refuses the far end's new offer, 488 as a rule; the call goes on as it was. A status below 300 becomes 488. An offer that came
    /// with a response cannot be refused: it is acknowledged without an answer, and `hang_up` is due.
    pub fn reject_offer(&mut self, now: Instant, id: InviteId, offer: OfferId, status: StatusCode) {
        self.step(id, |invite, stack| invite.reject_offer(now, offer, status, stack));
    }

    /// Presses a key by INFO.
    pub fn press_key(&mut self, now: Instant, id: InviteId, press: KeyPress, style: KeyStyle) {
        self.step(id, |invite, stack| invite.press_key(now, press, style, stack));
    }

    /// Asks the far end to call somebody (blind transfer). `ReferProgress` and `ReferEnded` follow; ending this call is up to us.
    pub fn refer(&mut self, now: Instant, id: InviteId, refer: &OutgoingRefer) {
        self.step(id, |invite, stack| invite.refer(now, refer, None, stack));
    }

    /// Connects the far ends of two calls (attended transfer, RFC 5589 §7): that of `id` is asked to take our place in `other`.
    /// False when `other` is not up. `refer.target` is replaced by where the far end of `other` is.
    pub fn refer_to_call(&mut self, now: Instant, id: InviteId, other: InviteId, refer: &OutgoingRefer) -> bool {
        let named = self.invites.get(&other).and_then(|other| other.named_for_transfer());
        let Some((target, replaces)) = named.and_then(|(target, replaces)| Some((Uri::parse(target).ok()?, replaces))) else {
            return false;
        };
        self.refer_replacing(now, id, &OutgoingRefer { target, ..refer.clone() }, &replaces);
        true
    }

    /// As [`Self::refer`], in the place of a call that is not ours to look up.
    pub fn refer_replacing(&mut self, now: Instant, id: InviteId, refer: &OutgoingRefer, replaces: &Replaces) {
        self.step(id, |invite, stack| invite.refer(now, refer, Some(replaces), stack));
    }

    /// Takes up a wish of the far end (202); what comes of it is told by [`Self::refer_progress`].
    pub fn accept_refer(&mut self, now: Instant, id: InviteId) {
        self.step(id, |invite, stack| invite.accept_refer(now, stack));
    }

    /// Refuses it; a status below 300 becomes 603.
    pub fn reject_refer(&mut self, now: Instant, id: InviteId, status: StatusCode) {
        self.step(id, |invite, stack| invite.reject_refer(now, status, stack));
    }

    /// Tells who asked how far the call is (NOTIFY); a status from 200 up is the last.
    pub fn refer_progress(&mut self, now: Instant, id: InviteId, status: StatusCode) {
        self.step(id, |invite, stack| invite.refer_progress(now, status, stack));
    }
}
