//! What becomes of keys: written down without saying which, and handed on for the agent.

use std::time::{Duration, Instant};

use media::dtmf::{Digit, DigitEvent, Edge, Source};

use super::journal::Journal;
use crate::domain::timeline::Moment;
use crate::leg::Leg;

/// A key of the caller goes into the journal once it is let go; the answer is what the agent may be told of.
pub(super) fn report_key(now: Instant, journal: &mut Journal, event: &DigitEvent) -> Option<(char, Duration)> {
    let Edge::Ended { duration } = event.edge else { return None };
    let held_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    journal.mark(now, Moment::KeyPressed { held_ms, in_band: event.source == Source::InBand });
    // A hook flash is a wish to the exchange, and nothing that is said.
    (event.digit != Digit::FLASH).then(|| (event.digit.key(), duration))
}

/// Presses keys on the leg.
pub(super) fn send_dtmf(now: Instant, leg: Option<&mut Leg>, journal: &mut Journal, digits: &[Digit]) {
    let sent = leg.map(|leg| leg.send_dtmf(now, digits));
    match sent {
        Some(Ok(())) => journal.mark(now, Moment::KeysSent { keys: digits.len() as u64 }),
        Some(Err(error)) => {
            tracing::warn!(%error, "dtmf_refused");
            journal.mark(now, Moment::Warning { code: "dtmf_refused".to_owned() });
        }
        None => journal.mark(now, Moment::Warning { code: "dtmf_refused".to_owned() }),
    }
}
