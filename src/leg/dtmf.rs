//! Keys on a leg: sending them, and hearing those that come as tones.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::dtmf::Digit;
use media::ingress::Ingress;

use super::keypad::{Keypad, SendDtmfError};
use super::{Leg, LegEvent};

impl Leg {
    /// Presses keys after those that wait: as telephone-events where the far end takes them, as tones otherwise. What the
    /// agent says waits for as long.
    ///
    /// # Errors
    /// When the far end holds, or more would wait than may; nothing is sent then.
    pub fn send_dtmf(&mut self, now: Instant, digits: &[Digit]) -> Result<(), SendDtmfError> {
        if !self.negotiated.send {
            return Err(SendDtmfError::OnHold);
        }
        self.obey_silence(true);
        Ok(self.keypad.dial(now, &mut self.egress, digits)?)
    }

    /// Takes a key that signalling brought, and that may come in the audio, too.
    pub fn take_key(&mut self, now: Instant, digit: Digit, duration: Duration) {
        self.keypad.handle_signalled(now, digit, duration, &mut self.events);
    }

    /// Other rules of keys hold, or the far end sends them in another way.
    pub(super) fn obey_keys(&mut self) {
        self.ingress.set_tones(self.keypad.wants_tones(), self.keypad.hides());
        self.transport.set_telephone_event(self.keypad.receives());
    }
}

/// Keys that were heard in the audio.
pub(super) fn hear_tones(now: Instant, ingress: &mut Ingress, keypad: &mut Keypad, out: &mut VecDeque<LegEvent>) {
    while let Some((tone, timestamp)) = ingress.poll_tone() {
        keypad.handle_tone(now, tone, timestamp, out);
    }
}
