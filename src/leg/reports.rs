//! RTCP beside the audio of a leg: what goes out of it, and what its news change.

use std::time::{Duration, Instant};

use media::egress::Egress;
use media::rtcp::{Concealment, PlayoutReport, Reporter, ReporterEvent, ReporterOutput};

use super::Leg;

impl Leg {
    /// Sends the reports that are due.
    pub(super) fn drain_reporter(&mut self, now: Instant) {
        loop {
            match self.reporter.poll_output() {
                ReporterOutput::Packet(compound) => self.transport.send_rtcp(now, compound),
                // A stream's end is no call's end: signalling tells that, and a report may be forged.
                ReporterOutput::Event(ReporterEvent::Goodbye { .. }) => {}
                ReporterOutput::Timeout(due) => {
                    self.due.reporter = due;
                    return;
                }
            }
        }
    }
}

/// What the far end's reports tell of what we send: how long it takes, and how much redundancy it wants.
pub(super) fn heed_reports(reporter: &Reporter, egress: &mut Egress) {
    let stats = reporter.stats();
    if let Some(round_trip) = stats.round_trip {
        egress.set_round_trip(round_trip);
    }
    if let Some(remote) = stats.remote {
        egress.set_loss(remote.fraction_lost as f32);
    }
}

/// What reports tell of our side: a packet in order waits for nothing, and one behind a gap for the gap's time. Of the
/// delay at this end only the wait for the next slot is known.
pub(super) fn playout(ptime: Duration, gap_wait_max: Duration) -> PlayoutReport {
    PlayoutReport {
        end_system_delay: ptime,
        concealment: Concealment::Enhanced,
        adaptive: Some(true),
        nominal: Duration::ZERO,
        maximum: gap_wait_max,
        absolute_maximum: gap_wait_max,
        signal_dbm0: None,
        noise_dbm0: None,
    }
}
