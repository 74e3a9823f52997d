//! What the peer reports of our packets, in the units of people.

use std::time::{Duration, Instant};

use super::extended::{DelayBlock, StatisticsSummary, VoipMetrics};
use super::ntp;
use super::report_block::ReportBlock;
use super::spread::Extremes;
use crate::stats::{LossPattern, RemoteMetrics, RemoteReception, StreamStats};
use crate::units::{ClockRate, Ssrc};

/// The peer's word about us, and what we owe it in return.
#[derive(Debug, Default)]
pub(super) struct Remote {
    reception: Option<RemoteReception>,
    jitter: Extremes,
    duplicates: Option<u64>,
    metrics: Option<RemoteMetrics>,
    /// Who told its clock since our last report: when, and the middle of its NTP timestamp (RFC 3611 §4.5).
    clocks: [Option<(Ssrc, Instant, u32)>; CLOCKS],
}

impl Remote {
    pub(super) fn block(&mut self, block: &ReportBlock, clock_rate: ClockRate) {
        let jitter_ms = if clock_rate.0 == 0 { 0.0 } else { f64::from(block.jitter) * 1_000.0 / f64::from(clock_rate.0) };
        self.jitter.add(jitter_ms);
        self.reception = self.jitter.spread().map(|jitter_spread_ms| RemoteReception {
            fraction_lost: part(block.fraction_lost),
            lost: block.lost,
            jitter_ms,
            jitter_spread_ms,
        });
    }

    pub(super) fn summary(&mut self, summary: &StatisticsSummary) {
        if let Some(duplicates) = summary.duplicates {
            self.duplicates = Some(self.duplicates.unwrap_or(0).saturating_add(u64::from(duplicates)));
        }
    }

    pub(super) fn metrics(&mut self, metrics: &VoipMetrics) {
        let tenths = |score: Option<u8>| score.map(|score| f64::from(score) / 10.0);
        self.metrics = Some(RemoteMetrics {
            loss_rate: part(metrics.loss_rate),
            discard_rate: part(metrics.discard_rate),
            loss_pattern: LossPattern {
                burst_density: part(metrics.burst_density),
                burst_ms: f64::from(metrics.burst_duration),
                gap_density: part(metrics.gap_density),
                gap_ms: f64::from(metrics.gap_duration),
            },
            round_trip_ms: (metrics.round_trip_delay > 0).then(|| f64::from(metrics.round_trip_delay)),
            end_system_delay_ms: f64::from(metrics.end_system_delay),
            signal_level_dbm0: metrics.signal_level,
            noise_level_dbm0: metrics.noise_level,
            r_factor: metrics.r_factor.map(f64::from),
            mos_listening: tenths(metrics.mos_listening),
            mos_conversational: tenths(metrics.mos_conversational),
            jitter_buffer_nominal_ms: metrics.jitter_buffer_nominal,
            jitter_buffer_maximum_ms: metrics.jitter_buffer_maximum,
        });
    }

    /// A receiver told its clock and will be told how long we kept it; of more than a few at once the first are.
    pub(super) fn clock(&mut self, now: Instant, ssrc: Ssrc, ntp: u64) {
        let told = Some((ssrc, now, ntp::middle(ntp)));
        let is_own = |place: &Option<(Ssrc, Instant, u32)>| place.is_some_and(|(owner, ..)| owner == ssrc);
        let place = self.clocks.iter().position(is_own).or_else(|| self.clocks.iter().position(Option::is_none));
        if let Some(place) = place.and_then(|place| self.clocks.get_mut(place)) {
            *place = told;
        }
    }

    /// What each receiver is owed, once.
    pub(super) fn take_delays(&mut self, now: Instant) -> impl Iterator<Item = DelayBlock> {
        std::mem::take(&mut self.clocks).into_iter().flatten().map(move |(ssrc, at, last_receiver_report)| {
            let delay = ntp::short_duration(now.saturating_duration_since(at));
            DelayBlock { ssrc, last_receiver_report, delay }
        })
    }

    pub(super) fn fill(&self, stats: &mut StreamStats) {
        stats.remote = self.reception;
        stats.remote_duplicates = self.duplicates;
        stats.remote_metrics = self.metrics;
    }

    /// Its own share of the delay, as far as it said so.
    pub(super) fn end_system_delay(&self) -> Duration {
        let millis = self.metrics.map_or(0.0, |metrics| metrics.end_system_delay_ms);
        Duration::from_secs_f64(millis / 1_000.0)
    }
}

/// Of 256.
fn part(of_256: u8) -> f64 {
    f64::from(of_256) / 256.0
}

/// Receivers whose clocks are answered in one report.
pub(super) const CLOCKS: usize = 4;
