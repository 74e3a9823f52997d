//! What the two sides of a call agree on anew: offers of either within it (RFC 3264 §8), hold, and another far end.

use std::time::Instant;

use bytes::Bytes;
use media::sdp::{Direction, Keys, SessionDescription, TransportPolicy};

use super::{Agreement, LegError, LineTerms, PlannedLeg};

impl PlannedLeg {
    /// Takes a new offer within the call: our answer to it. `None` when the call must go on as it was.
    pub fn take_reoffer(&mut self, now: Instant, offer: &[u8]) -> Option<(Bytes, Agreement)> {
        let leg = self.leg.as_mut().filter(|leg| !leg.is_browser())?;
        let offer = SessionDescription::parse(offer).ok()?;
        let negotiated = media::sdp::reanswer(leg.negotiated(), &offer, &self.plan.codecs, &self.plan.transport).ok()?;
        let (text, agreement) = (Bytes::from(negotiated.local.to_string()), Agreement { quiet: !negotiated.receive });
        leg.renegotiate(now, negotiated).then_some((text, agreement))
    }

    /// Our offer within the call: what stands, and whether the far end is to be on hold by it. Nothing before the two sides agree.
    pub fn reoffer(&mut self, held: bool) -> Option<Bytes> {
        let current = self.leg.as_ref().filter(|leg| !leg.is_browser())?.negotiated();
        let transport = TransportPolicy { direction: direction(held), ..self.plan.transport.clone() };
        let offer = media::sdp::reoffer(current, &self.plan.codecs, &transport, Keys::Keep);
        let text = Bytes::from(offer.to_string());
        self.reoffered = Some(offer);
        Some(text)
    }

    /// Takes the far end's answer to that.
    ///
    /// # Errors
    /// When it cannot be read or agreed to: the line stays as it was.
    pub fn take_reanswer(&mut self, now: Instant, answer: &[u8]) -> Result<Agreement, LegError> {
        let offer = self.reoffered.take().ok_or(LegError::NotOffered)?;
        let leg = self.leg.as_mut().ok_or(LegError::NotOffered)?;
        let answer = SessionDescription::parse(answer)?;
        let negotiated = media::sdp::accept(&offer, &answer, &self.plan.codecs, &self.plan.transport)?;
        let agreement = Agreement { quiet: !negotiated.receive };
        if leg.renegotiate(now, negotiated) { Ok(agreement) } else { Err(LegError::Unchanged) }
    }

    /// Goes on by another line, whose far end offers this: our answer to it. `None` when the call must go on as it was.
    pub fn take_line(&mut self, now: Instant, terms: &LineTerms, offer: &[u8]) -> Option<(Bytes, Agreement)> {
        let terms = self.plan.on(terms);
        let leg = self.leg.as_mut().filter(|leg| !leg.is_browser())?;
        let offer = SessionDescription::parse(offer).ok()?;
        let negotiated = media::sdp::answer(&offer, &terms.codecs, &terms.transport).ok()?;
        let (text, agreement) = (Bytes::from(negotiated.local.to_string()), Agreement { quiet: !negotiated.receive });
        if !leg.change_far_end(now, negotiated, terms.source) {
            return None;
        }
        self.plan.take(terms);
        (self.reoffered, self.moving) = (None, None);
        Some((text, agreement))
    }

    /// Our offer on another line, by which the call goes on if it is answered. Nothing before the two sides agree.
    pub fn offer_line(&mut self, terms: &LineTerms) -> Option<Bytes> {
        self.leg.as_ref().filter(|leg| !leg.is_browser())?;
        let terms = self.plan.on(terms);
        let offer = media::sdp::offer(&terms.codecs, &terms.transport);
        let text = Bytes::from(offer.to_string());
        self.moving = Some((terms, offer));
        Some(text)
    }

    /// Takes the far end's answer to that: the call goes on there.
    ///
    /// # Errors
    /// When it cannot be read or agreed to: the line stays as it was.
    pub fn take_line_answer(&mut self, now: Instant, answer: &[u8]) -> Result<Agreement, LegError> {
        let (terms, offer) = self.moving.take().ok_or(LegError::NotOffered)?;
        let leg = self.leg.as_mut().ok_or(LegError::NotOffered)?;
        let answer = SessionDescription::parse(answer)?;
        let negotiated = media::sdp::accept(&offer, &answer, &terms.codecs, &terms.transport)?;
        let agreement = Agreement { quiet: !negotiated.receive };
        if !leg.change_far_end(now, negotiated, terms.source) {
            return Err(LegError::Unchanged);
        }
        self.plan.take(terms);
        self.reoffered = None;
        Ok(agreement)
    }

    /// Whether the far end is to be on hold: in the media at once, in what we offer and answer from now on. False when
    /// that is so already.
    pub fn hold(&mut self, now: Instant, held: bool) -> bool {
        let Some(leg) = &mut self.leg else { return false };
        self.plan.transport.direction = direction(held);
        leg.hold(now, held)
    }

    /// Whether it is to be.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.plan.transport.direction == direction(true)
    }
}

/// Which way audio may go.
const fn direction(held: bool) -> Direction {
    if held { Direction::SendOnly } else { Direction::SendRecv }
}
