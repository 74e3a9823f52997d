//! Keys on a leg: sending them, and keeping those that come out of what others hear.

use std::time::Instant;

use media::dtmf::Digit;
use media::ingress::Ingress;

use super::Leg;
use super::keypad::{Keypad, SendDtmfError};
use super::listeners::Listeners;

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
        Ok(self.keypad.dial(now, &mut self.egress, digits)?)
    }
}

/// Silences the caller for all others while a key is down, if that is wanted.
pub(super) fn hide(now: Instant, keypad: &Keypad, muted: &mut bool, ingress: &mut Ingress, listeners: Option<&mut Listeners>) {
    let wanted = keypad.is_muted(now);
    if wanted == *muted {
        return;
    }
    *muted = wanted;
    ingress.mute(wanted);
    if let Some(listeners) = listeners {
        listeners.mute(wanted);
    }
}
