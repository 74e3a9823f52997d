//! What the application wants of a call. What does not fit its state is ignored.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Invite, State};
use crate::endpoint::{Event, InviteId, OfferId, OutgoingRefer, Stack};
use crate::header::{Causes, Replaces, StatusCode, Uri};
use crate::key_press::{KeyPress, KeyStyle};

impl Invite {
    pub(crate) fn ring(&mut self, now: Instant, stack: &mut Stack) {
        if let State::Invited(invited) = &mut self.state {
            invited.ring(now, &self.local_tag, stack);
        }
    }

    pub(crate) fn progress(&mut self, now: Instant, sdp: Bytes, stack: &mut Stack) {
        if let State::Invited(invited) = &mut self.state {
            invited.progress(now, &self.local_tag, sdp, stack);
        }
    }

    pub(crate) fn answer(&mut self, now: Instant, contact: &Uri, sdp: Bytes, stack: &mut Stack) {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Invited(invited) => match invited.answer(now, &self.local_tag, contact, sdp, stack) {
                Ok(established) => State::Established(Box::new(established)),
                Err(waiting) => State::Invited(waiting),
            },
            other => other,
        };
    }

    pub(crate) fn reject(&mut self, now: Instant, status: StatusCode, retry_after: Option<Duration>, stack: &mut Stack) {
        if let State::Invited(invited) = &mut self.state {
            let status = if status.code() < 300 { StatusCode::SERVER_INTERNAL_ERROR } else { status };
            invited.refuse(now, &self.local_tag, status, retry_after, stack);
            self.end(now, None, stack);
        }
    }

    pub(crate) fn hang_up(&mut self, now: Instant, causes: Causes, stack: &mut Stack) {
        match &mut self.state {
            State::Invited(_) => self.reject(now, StatusCode::TEMPORARILY_UNAVAILABLE, None, stack),
            State::Calling(calling) => calling.hang_up(now, causes, self.outbound.as_deref(), stack),
            State::Established(established) => {
                if established.may_close(causes) {
                    self.close(now, causes, stack);
                }
            }
            State::Closing(_) | State::Over => {}
        }
    }

    /// Another call takes the place of this one.
    pub(crate) fn give_way(&mut self, now: Instant, by: InviteId, stack: &mut Stack) {
        if matches!(self.state, State::Established(_) | State::Calling(_)) {
            stack.event(Event::Replaced { id: self.id, by });
            self.hang_up(now, Causes::default(), stack);
        }
    }

    pub(crate) fn offer(&mut self, now: Instant, sdp: &[u8], stack: &mut Stack) {
        let up = match &self.state {
            State::Established(established) => {
                if !established.is_confirmed() {
                    return self.offer_later();
                }
                true
            }
            _ => false,
        };
        // A call that several branches ring for has nobody to offer to yet.
        if let Some(usage) = self.usages().next() {
            usage.offer(now, sdp, up, stack);
        }
    }

    pub(crate) fn accept_offer(&mut self, now: Instant, offer: OfferId, sdp: &[u8], stack: &mut Stack) {
        if let State::Established(established) = &mut self.state {
            if established.usage.waits_for(offer) {
                established.accept_offer(now, sdp, self.outbound.as_deref_mut(), stack);
            }
        } else if let Some(usage) = self.usages().find(|usage| usage.waits_for(offer)) {
            usage.accept_offer(now, sdp, stack);
        }
    }

    pub(crate) fn reject_offer(&mut self, now: Instant, offer: OfferId, status: StatusCode, stack: &mut Stack) {
        let status = if status.code() < 300 { StatusCode::NOT_ACCEPTABLE_HERE } else { status };
        if let State::Established(established) = &mut self.state {
            if established.usage.waits_for(offer) {
                established.refuse_offer(now, status, self.outbound.as_deref_mut(), stack);
            }
        } else if let Some(usage) = self.usages().find(|usage| usage.waits_for(offer)) {
            usage.refuse_offer(now, status, stack);
        }
    }

    pub(crate) fn press_key(&mut self, now: Instant, press: KeyPress, style: KeyStyle, stack: &mut Stack) {
        if let State::Established(established) = &mut self.state {
            established.usage.press_key(now, press, style, stack);
        }
    }

    pub(crate) fn refer(&mut self, now: Instant, refer: &OutgoingRefer, replaces: Option<&Replaces>, stack: &mut Stack) {
        if let State::Established(established) = &mut self.state {
            established.usage.refer(now, refer, replaces, stack);
        }
    }

    pub(crate) fn accept_refer(&mut self, now: Instant, stack: &mut Stack) {
        for usage in self.usages() {
            usage.accept_refer(now, stack);
        }
    }

    pub(crate) fn reject_refer(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) {
        let status = if status.code() < 300 { StatusCode::DECLINE } else { status };
        for usage in self.usages() {
            usage.reject_refer(now, status, stack);
        }
    }

    pub(crate) fn refer_progress(&mut self, now: Instant, status: StatusCode, stack: &mut Stack) {
        for usage in self.usages() {
            usage.refer_progress(now, status, stack);
        }
    }

    fn offer_later(&mut self) {
        for usage in self.usages() {
            usage.want_offer();
        }
    }
}
