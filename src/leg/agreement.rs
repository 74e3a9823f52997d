//! A leg whose two sides agree anew, or one of which holds.

use std::time::Instant;

use media::egress::EgressCodec;
use media::sdp::Negotiated;

use super::Leg;

impl Leg {
    /// Takes what was agreed anew: codec, packets, keys, addresses, directions and numbers. False, and nothing changed, when
    /// the clock of the codec would be another one, of which RTCP's books know nothing, or when the codec cannot be had.
    pub fn renegotiate(&mut self, now: Instant, negotiated: Negotiated) -> bool {
        let old = &self.negotiated;
        if negotiated.codec.clock_rate() != old.codec.clock_rate() {
            return false;
        }
        if self.egress.set_codec(egress_codec(&negotiated), self.seed).is_err() {
            return false;
        }
        let heard = (negotiated.codec, negotiated.receive_payload_types);
        if heard != (old.codec, old.receive_payload_types) && self.ingress.set_codec(now, heard.0, heard.1).is_err() {
            // Back to what it was, which it can do.
            let _ = self.egress.set_codec(egress_codec(&self.negotiated), self.seed);
            return false;
        }
        self.transport.set_keys(now, negotiated.srtp.as_ref());
        self.transport.set_remote(negotiated.remote_rtp, negotiated.remote_rtcp);
        self.ingress.hold(now, self.held || !negotiated.receive);
        self.keypad.renegotiate(now, &negotiated, &mut self.events);
        self.transport.set_telephone_event(self.keypad.receives());
        self.negotiated = negotiated;
        self.tell_listeners();
        self.obey_direction(now);
        true
    }

    /// Puts the far end on hold, or takes it off: what the agent says waits, comfort noise goes out, and what comes is
    /// nobody's to hear. False when that is so already. Signalling is not told.
    pub fn hold(&mut self, now: Instant, held: bool) -> bool {
        if self.held == held {
            return false;
        }
        self.held = held;
        self.ingress.hold(now, held || !self.negotiated.receive);
        self.obey_direction(now);
        true
    }

    /// A far end that does not want to hear us is sent nothing, and what the agent says waits (RFC 3264 §8.4).
    pub(super) fn obey_direction(&mut self, now: Instant) {
        if self.negotiated.send && !self.held {
            self.egress.resume(now);
        } else {
            self.egress.pause();
        }
    }
}

/// What was agreed on for what we send.
pub(super) fn egress_codec(negotiated: &Negotiated) -> EgressCodec {
    let agreed = EgressCodec::new(negotiated.codec, negotiated.send_payload_types.audio, negotiated.ptime);
    let Some(far) = negotiated.opus else { return agreed };
    EgressCodec { opus: far.limit(agreed.opus), ..agreed }
}
