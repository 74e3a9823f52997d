//! What becomes of keys: told to the agent, and written down without saying which.

use std::time::Instant;

use media::dtmf::{Digit, DigitEvent, Edge, Source};

use super::agents::Agents;
use super::journal::Journal;
use crate::agent::model::AgentCommand;
use crate::domain::timeline::Moment;
use crate::leg::Leg;

/// A key of the caller goes into the journal and, where there is one to be told, to the agent, once it is let go.
pub(super) fn report_key(now: Instant, agent: Option<&mut Agents>, journal: &mut Journal, event: &DigitEvent) {
    let Edge::Ended { duration } = event.edge else { return };
    let held_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    journal.mark(now, Moment::KeyPressed { held_ms, in_band: event.source == Source::InBand });
    // A hook flash is a wish to the exchange, and nothing that is said.
    if let Some(agent) = agent.filter(|_| event.digit != Digit::FLASH) {
        agent.handle_command(now, AgentCommand::Dtmf { digit: event.digit.key(), duration });
    }
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
