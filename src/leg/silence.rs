//! What the far end is sent while the agent says nothing.
//!
//! Noise, a packet each slot, is the rule: carriers cut calls that fall silent. Where both sides agreed to leave silence
//! out it is comfort noise (RFC 3389) with the codecs of an 8 kHz clock, and discontinuous transmission with an Opus
//! whose receiver wants it (RFC 7587 §6.1, `usedtx`). Keys go in the place of audio packets, so while any waits there is
//! one each slot again.

use std::time::Instant;

use media::egress::SilencePolicy;
use media::sdp::Negotiated;

use super::Leg;

/// What may be left out, and what is.
#[derive(Debug)]
pub(super) struct Silence {
    /// We allow it; the far end has to want it, too.
    allowed: bool,
    policy: SilencePolicy,
    /// Keys are being sent.
    dialling: bool,
}

impl Silence {
    pub(super) const fn new(allowed: bool) -> Self {
        Self { allowed, policy: SilencePolicy::Continuous, dialling: false }
    }

    fn agreed(&self, negotiated: &Negotiated) -> SilencePolicy {
        match negotiated.send_payload_types.comfort_noise {
            _ if !self.allowed => SilencePolicy::Continuous,
            Some(payload_type) => SilencePolicy::ComfortNoise(payload_type),
            None if negotiated.opus.is_some_and(|far| far.dtx) => SilencePolicy::Dtx,
            None => SilencePolicy::Continuous,
        }
    }
}

impl Leg {
    /// Something was agreed on, or keys begin or end.
    pub(super) fn obey_silence(&mut self, dialling: bool) {
        self.silence.dialling = dialling;
        let policy = if dialling { SilencePolicy::Continuous } else { self.silence.agreed(&self.negotiated) };
        if policy != self.silence.policy {
            self.silence.policy = policy;
            self.egress.set_silence(policy);
        }
    }

    /// A slot was sent: the keys may be done.
    pub(super) fn note_slot(&mut self, now: Instant) {
        if self.silence.dialling && !self.keypad.is_dialling(now) {
            self.obey_silence(false);
        }
    }
}
