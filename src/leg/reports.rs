//! RTCP beside the audio of a leg: what goes out of it, what its news change, and who else is shown it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::egress::Egress;
use media::rtcp::{Concealment, PlayoutReport, Reporter, ReporterEvent, ReporterOutput};
use media::transport::Flow;

use super::Leg;

/// A compound that went by, in the clear whatever protects it on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenReport {
    /// From where.
    pub from: SocketAddr,
    /// Where to.
    pub to: SocketAddr,
    /// The compound.
    pub octets: Box<[u8]>,
}

/// The compounds that somebody wants to see.
#[derive(Debug, Default)]
pub(super) struct ReportWatch {
    seen: VecDeque<SeenReport>,
    /// Since when so many were shown.
    window: Option<(Instant, u32)>,
}

impl ReportWatch {
    /// A compound goes by. Of a far end that reports without end, most is not shown.
    pub(super) fn see(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, compound: &[u8]) {
        let (since, count) = self.window.filter(|(since, _)| now.saturating_duration_since(*since) < SHOWN_WITHIN).unwrap_or((now, 0));
        self.window = Some((since, count + 1));
        if count < SHOWN {
            self.seen.push_back(SeenReport { from, to, octets: compound.into() });
        }
    }
}

impl Leg {
    /// From now on reports are kept for [`Self::poll_report`].
    pub fn watch_reports(&mut self) {
        self.watch.get_or_insert_default();
    }

    /// A report that went by, where they are watched; to be asked after any input.
    pub fn poll_report(&mut self) -> Option<SeenReport> {
        self.watch.as_mut()?.seen.pop_front()
    }

    /// A report of the far end came.
    pub(super) fn see_report(watch: &mut Option<Box<ReportWatch>>, now: Instant, flow: Flow, compound: &[u8]) {
        if let Some(watch) = watch {
            watch.see(now, flow.remote, flow.local, compound);
        }
    }

    /// Sends the reports that are due.
    pub(super) fn drain_reporter(&mut self, now: Instant) {
        loop {
            match self.reporter.poll_output() {
                ReporterOutput::Packet(compound) => {
                    self.transport.send_rtcp(now, compound);
                    if let Some(watch) = &mut self.watch
                        && let Some(flow) = self.transport.rtcp_flow(now)
                    {
                        watch.see(now, flow.local, flow.remote, compound);
                    }
                }
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

/// So many reports are shown within so long: both ends report every five seconds or so, and once more when something changes.
const SHOWN: u32 = 20;
const SHOWN_WITHIN: Duration = Duration::from_secs(5);
